"""Wide logs: columns that say in one row what the contract says in several rows, or in none."""

from typing import Literal

from pydantic import Field

from winnow.config.model import Frozen, SourceName


class Constant(Frozen):
    """One value for every row: a log that holds one action only, or one stage."""

    constant: bool | int | float | str


class FromFlags(Frozen):
    """Flag columns, one for each value: a row for every flag that is set.

    Attributes:
        from_flags: Value to the column that is true, or 1, in rows that it holds for.
        take: ``every`` flag that is set gives a row; ``last`` only the last of them.
    """

    from_flags: dict[str, SourceName] = Field(min_length=1)
    take: Literal["every", "last"] = "every"


class ByStage(Frozen):
    """A column of its own for every stage: the rank or score that this stage gave."""

    by_stage: dict[str, SourceName] = Field(min_length=1)
