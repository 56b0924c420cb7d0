"""What a contract column is made of: the forms that a mapping can have."""

from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from winnow.config.model import Frozen, SourceName
from winnow.config.wide import ByStage, Constant, FromFlags


@cache
def _zones() -> set[str]:
    """Return the names of all zones; to list them takes as long as to read a config."""
    return available_timezones()


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("must be a time zone name such as UTC or Europe/Berlin")
    ZoneInfo(name)
    return name


ZoneName = Annotated[str, AfterValidator(_zone)]

SourceType = Literal[
    "tinyint", "smallint", "int", "bigint", "float", "double", "string", "boolean", "timestamp"
]


class ColumnSource(Frozen):
    """One source column. ``type`` accepts a narrower file type than the contract's, knowingly."""

    column: SourceName
    type: SourceType | None = None


class TimeSource(Frozen):
    """A time column: its unit (or pattern) and the zone of values that do not name one.

    ``iso`` reads ISO 8601 text and timestamp columns; ``s``, ``ms`` and ``us`` count from
    1970-01-01 UTC; ``pattern`` is a Spark datetime pattern for text.
    """

    column: SourceName
    unit: Literal["iso", "s", "ms", "us", "pattern"] = "iso"
    pattern: str | None = None
    zone: ZoneName = "UTC"

    @model_validator(mode="after")
    def _pattern_fits_unit(self) -> Self:
        if (self.unit == "pattern") != (self.pattern is not None):
            raise ValueError("unit: pattern and a pattern go together")
        return self


class FirstOf(Frozen):
    """The first of several columns that holds a value: user id, else device id, else request id."""

    first_of: tuple[SourceName, ...] = Field(min_length=1)


class Concat(Frozen):
    """Several columns joined to one string id. NULL in any of them makes the id NULL."""

    concat: tuple[SourceName, ...] = Field(min_length=1)
    separator: str = "|"


_KEYS_OF_FORMS: tuple[tuple[type[Frozen], set[str]], ...] = (
    (FirstOf, {"first_of"}),
    (Concat, {"concat"}),
    (Constant, {"constant"}),
    (FromFlags, {"from_flags", "take"}),
    (ByStage, {"by_stage"}),
    (TimeSource, {"unit", "pattern", "zone"}),
    (ColumnSource, {"column", "type"}),
)


def _form(value: Any) -> str | None:
    """Return the form that is meant, so that a wrong mapping is explained by this one alone."""
    if isinstance(value, str | Frozen):
        return type(value).__name__
    named = set(value) if isinstance(value, dict) else set()
    if named == {"column"}:
        return TimeSource.__name__
    return next((form.__name__ for form, keys in _KEYS_OF_FORMS if keys & named), None)


ColumnMapping = Annotated[
    Annotated[SourceName, Tag("str")]
    | Annotated[FirstOf, Tag("FirstOf")]
    | Annotated[Concat, Tag("Concat")]
    | Annotated[TimeSource, Tag("TimeSource")]
    | Annotated[ColumnSource, Tag("ColumnSource")]
    | Annotated[Constant, Tag("Constant")]
    | Annotated[FromFlags, Tag("FromFlags")]
    | Annotated[ByStage, Tag("ByStage")],
    Discriminator(
        _form,
        custom_error_type="no_form",
        custom_error_message="must be a column name, {first_of: [a, b]}, {concat: [a, b]}, "
        "{column: a, unit: ms}, {column: a, type: int}, {constant: a}, {from_flags: {a: b}} "
        "or {by_stage: {a: b}}",
    ),
]


def source_columns(mapping: ColumnMapping) -> tuple[str, ...]:
    """Return the source columns that one mapping reads, in its order."""
    if isinstance(mapping, FirstOf):
        return mapping.first_of
    if isinstance(mapping, Concat):
        return mapping.concat
    if isinstance(mapping, TimeSource | ColumnSource):
        return (mapping.column,)
    if isinstance(mapping, Constant):
        return ()
    if isinstance(mapping, FromFlags):
        return tuple(mapping.from_flags.values())
    if isinstance(mapping, ByStage):
        return tuple(mapping.by_stage.values())
    return (mapping,)
