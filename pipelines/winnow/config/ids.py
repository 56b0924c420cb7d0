"""What ids are: their types, and what means nobody."""

from typing import Literal

from winnow.config.model import Frozen

IdType = Literal["bigint", "string"]


class Ids(Frozen):
    """The type of each id, declared once: ``bigint`` or ``string``."""

    user: IdType = "bigint"
    item: IdType = "bigint"
    request: IdType = "bigint"
    impression: IdType = "string"


class Identity(Frozen):
    """User ids that mean nobody. They are treated as missing, so they never make one giant user."""

    anonymous_values: tuple[str, ...] = ("", "0", "-1", "null", "NULL", "None")
