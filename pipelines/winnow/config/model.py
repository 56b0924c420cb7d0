"""What every part of the config shares: frozen, unknown keys refused, names that are names."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_IDENTIFIER = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")
_SOURCE_NAME_TABOO = re.compile(r"[`\x00-\x1f]")


class Frozen(BaseModel):
    """A part of the config: read once, never changed, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _identifier(name: str) -> str:
    if not _IDENTIFIER.match(name):
        raise ValueError("must be an identifier (letters, digits and _, not starting with a digit)")
    return name


def _source_name(name: str) -> str:
    if not name or _SOURCE_NAME_TABOO.search(name):
        raise ValueError("must be a column name without backticks and control characters")
    return name


Identifier = Annotated[str, AfterValidator(_identifier)]
"""The name of a column or table that Winnow writes."""

SourceName = Annotated[str, AfterValidator(_source_name)]
"""The name of a column in somebody's log: nearly anything, as logs are what they are."""
