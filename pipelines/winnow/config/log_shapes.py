"""How the rows of a log lie in its files: date folders, lists in a row, CSV, encoding."""

import codecs
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from winnow.config.columns import ZoneName
from winnow.config.date_patterns import date_in, pattern_error
from winnow.config.model import Frozen, SourceName


def _date_pattern(pattern: str) -> str:
    problem = pattern_error(pattern)
    if problem is not None:
        raise ValueError(problem)
    return pattern


def _codec(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        codecs.getincrementaldecoder(name)
    except LookupError:
        raise ValueError(
            "must be an encoding that Python knows, such as utf-16 or latin-1"
        ) from None
    if not codec._is_text_encoding:
        raise ValueError("must be an encoding of text")
    return "utf-8" if codec.name == "utf-8-sig" else codec.name


EncodingName = Annotated[str, AfterValidator(_codec)]


class Partition(Frozen):
    """Date folders: ``<column>=2026-01-02`` or ``<column>=20260102``, or as a pattern says.

    Attributes:
        column: The folder's column name, or a Delta table's partition column.
        pattern: How the date is written, as ``datetime.strftime`` has it: of what stands behind
            ``<column>=``, or without a column, of the folders below the log's path.
        lag_days: How many days after its event a row may arrive: events of date E lie in the
            folders E to E + lag_days.
        zone: The zone of the folder's date; None means the calendar zone.
    """

    column: SourceName | None = None
    pattern: Annotated[str, AfterValidator(_date_pattern)] | None = None
    lag_days: int = Field(default=0, ge=0, le=31)
    zone: ZoneName | None = None

    @model_validator(mode="after")
    def _column_or_pattern(self) -> Self:
        if self.column is None and self.pattern is None:
            raise ValueError("give a column, a pattern or both")
        return self

    @property
    def levels(self) -> int:
        """How many folders below one another write out a date."""
        return 1 + (self.pattern or "").count("/")

    @property
    def form(self) -> str:
        """What a date folder is called, for messages."""
        written = self.pattern or "YYYY-MM-DD or YYYYMMDD"
        return written if self.column is None else f"{self.column}={written}"

    def folder(self, day: date) -> str:
        """Return a date folder's usual name, for messages."""
        written = day.strftime(self.pattern) if self.pattern else day.isoformat()
        return written if self.column is None else f"{self.column}={written}"

    def date_of(self, folder: str) -> date | None:
        """Return the date that a folder below the log's path stands for, or None."""
        if self.column is None:
            return date_in(folder, self.pattern)
        name, _, value = folder.partition("=")
        return date_in(value, self.pattern) if name == self.column else None


class Explode(Frozen):
    """One row per request with a list of items in it.

    ``structs``: ``column`` is an array of structs, mapped as ``column.field``. ``arrays``: the
    mapped columns named in ``columns`` are parallel arrays. ``delimited``: ``column`` is text; with
    a second delimiter (``N1-0 N2-1``) every element has ``fields``, mapped as ``column.field``.
    Position and rank, where not mapped, are the position in the list, from 1.
    """

    kind: Literal["structs", "arrays", "delimited"]
    columns: tuple[SourceName, ...] = Field(min_length=1)
    delimiter: str = Field(default=",", min_length=1)
    item_delimiter: str | None = Field(default=None, min_length=1)
    fields: tuple[SourceName, ...] = ()

    @model_validator(mode="after")
    def _one_column_unless_arrays(self) -> Self:
        if self.kind != "arrays" and len(self.columns) != 1:
            raise ValueError(f"kind: {self.kind} takes exactly one column")
        return self

    @model_validator(mode="after")
    def _fields_of_an_element(self) -> Self:
        if (self.item_delimiter is None) != (not self.fields):
            raise ValueError("item_delimiter and fields go together")
        if self.fields and self.kind != "delimited":
            raise ValueError(f"kind: {self.kind} has no item_delimiter")
        if self.item_delimiter == self.delimiter:
            raise ValueError("delimiter and item_delimiter must differ")
        if self.fields and (len(self.fields) < 2 or len(set(self.fields)) < len(self.fields)):
            raise ValueError("fields: give two different names at least")
        return self

    @property
    def named_fields(self) -> tuple[str, ...]:
        """The fields of a delimited element, as a mapping names them."""
        return tuple(f"{self.columns[0]}.{field}" for field in self.fields)


class Csv(Frozen):
    """How a CSV file is written.

    Attributes:
        delimiter: Between two fields. None takes the first of comma, tab, semicolon and bar that
            the header has; where the name ends in ``.tsv``, the tab before all others.
        quote: Around a field that may hold delimiters, quotes (doubled) and line ends; None where
            quotes mean nothing.
        escape: Stands before a sign that means itself. None reads a record with backslashes
            before quotes only where it cannot be read without.
        names: The columns, where the files have no header.
    """

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str | None = Field(default='"', min_length=1, max_length=1)
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    names: tuple[SourceName, ...] | None = None
