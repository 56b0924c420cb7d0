"""Where each log lies, what shape it has, and which of its columns mean what."""

import codecs
from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, model_validator

from winnow.config.date_patterns import date_in, pattern_error
from winnow.config.model import Frozen, SourceName
from winnow.config.wide import ByStage, Constant, FromFlags

LOG_NAMES = ("impressions", "clicks", "ranking_log", "items")
EVENT_TIME = {"impressions": "impression_ts", "clicks": "click_ts", "ranking_log": "stage_ts"}
"""The contract column that holds the event time of each log with events."""


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a time zone name such as UTC or Europe/Berlin")
    ZoneInfo(name)
    return name


def _date_pattern(pattern: str) -> str:
    problem = pattern_error(pattern)
    if problem is not None:
        raise ValueError(problem)
    return pattern


ZoneName = Annotated[str, AfterValidator(_zone)]


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
    """One row per request with its candidates in it.

    ``structs``: ``column`` is an array of structs, mapped as ``column.field``. ``arrays``: the
    mapped columns named in ``columns`` are parallel arrays. ``delimited``: ``column`` is text; with
    a second delimiter (``N1-0 N2-1``) every candidate has ``fields``, mapped as ``column.field``.
    Position and rank, where not mapped, are the place in the list, from 1.
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
    def _fields_of_a_candidate(self) -> Self:
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
        """The fields of a delimited candidate, as a mapping names them."""
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


ColumnMapping = (
    SourceName | FirstOf | Concat | TimeSource | ColumnSource | Constant | FromFlags | ByStage
)

Scalar = bool | int | float | str


class LogConfig(Frozen):
    """One log: where it lies and how its columns map to the contract in ``schemas/``.

    Attributes:
        path: A folder or a file; relative to the config file.
        derived_from: Another log whose rows these are (``from`` in YAML); path, format, partition
            and mappings that are not given here are taken from it.
        encoding: How text is encoded, where no byte order mark tells; None means UTF-8.
        accept_cut: True reads text files that end in the middle of a row; that row is rejected.
        columns: Contract column to source column(s). A contract column that is not named here is
            looked up under its own name.
        where: Source column to the values that are kept. Other rows count as filtered.
        sampled: True where the log holds a sample of the rows of a request.
    """

    path: str | None = None
    format: Literal["parquet", "csv", "json_lines", "delta"] | None = None
    derived_from: Literal["impressions", "clicks", "ranking_log"] | None = Field(
        default=None, alias="from"
    )
    csv: Csv = Csv()
    encoding: EncodingName | None = None
    accept_cut: bool = False
    explode: Explode | None = None
    partition: Partition | None = None
    columns: dict[str, ColumnMapping] = Field(default_factory=dict)
    where: dict[SourceName, tuple[Scalar, ...]] = Field(default_factory=dict)
    sampled: bool = False

    @model_validator(mode="after")
    def _path_or_source(self) -> Self:
        if (self.path is None) == (self.derived_from is None):
            raise ValueError("give either path or from")
        return self


class Logs(Frozen):
    """The logs of one build. Items and the ranking log are optional."""

    impressions: LogConfig
    clicks: LogConfig
    ranking_log: LogConfig | None = None
    items: LogConfig | None = None

    @model_validator(mode="after")
    def _no_chain_of_sources(self) -> Self:
        for name in LOG_NAMES:
            log: LogConfig | None = getattr(self, name)
            if log is None or log.derived_from is None:
                continue
            source: LogConfig | None = getattr(self, log.derived_from)
            if log.derived_from == name or source is None or source.derived_from is not None:
                raise ValueError(f"{name}: from must name another log that has a path")
        return self

    def resolved(self, name: str) -> LogConfig | None:
        """Return a log's config with what it takes from the log that it is derived from."""
        log: LogConfig | None = getattr(self, name)
        if log is None or log.derived_from is None:
            return log
        source: LogConfig = getattr(self, log.derived_from)
        columns = dict(source.columns)
        own_time, source_time = EVENT_TIME[name], EVENT_TIME[log.derived_from]
        columns[own_time] = columns.pop(source_time, source_time)
        inherited = {
            "path": source.path,
            "derived_from": None,
            "format": source.format,
            "csv": source.csv,
            "encoding": source.encoding,
            "accept_cut": source.accept_cut,
            "explode": log.explode or source.explode,
            "partition": log.partition or source.partition,
            "columns": columns | log.columns,
        }
        return log.model_copy(update=inherited)
