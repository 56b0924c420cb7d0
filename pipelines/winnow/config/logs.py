"""Where each log lies, what shape it has, and which of its columns mean what."""

from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from winnow.config.columns import ColumnMapping, source_columns
from winnow.config.log_shapes import Csv, EncodingName, Explode, Partition
from winnow.config.model import (
    Frozen,
    Identifier,
    LogPath,
    SourceName,
    fault,
    named_twice,
    nearest,
    refuse,
)

LOG_NAMES = (
    "impressions",
    "clicks",
    "ranking_log",
    "negative_feedback",
    "items",
    "users",
    "item_aliases",
)
EVENT_TIME = {
    "impressions": "impression_ts",
    "clicks": "click_ts",
    "ranking_log": "stage_ts",
    "negative_feedback": "feedback_ts",
}
"""The contract column that holds the event time of each log with events."""

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
        log_sample_rate: Of the ranking log, the share of a request's rows that it keeps by chance.
        carry: Columns that are copied to tables; those of impressions stand at the top of the
            config.
    """

    path: LogPath | None = None
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
    log_sample_rate: float | None = Field(default=None, gt=0.0, le=1.0)
    carry: tuple[Identifier, ...] = ()

    @property
    def kept_share(self) -> float:
        """How likely a row of a request is in the log, where that is said; else 1."""
        return 1.0 if self.log_sample_rate is None else self.log_sample_rate

    @property
    def in_part(self) -> bool:
        """Whether the log holds only some rows of a request."""
        return self.sampled or self.kept_share < 1.0

    @field_validator("columns")
    @classmethod
    def _are_named_by_csv(
        cls, columns: dict[str, ColumnMapping], info: ValidationInfo
    ) -> dict[str, ColumnMapping]:
        csv, explode = info.data.get("csv"), info.data.get("explode")
        if info.data.get("format") == "csv" and csv and csv.names and "explode" in info.data:
            known = (*csv.names, *(explode.named_fields if explode else ()))
            refuse(
                fault(
                    (column,),
                    f"csv.names does not list {source}",
                    expected=f"one of {', '.join(known)}",
                    next_step=nearest(source, known),
                )
                for column, mapping in columns.items()
                for source in source_columns(mapping)
                if source not in known
            )
        return columns

    @field_validator("carry")
    @classmethod
    def _names_differ(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        refuse(named_twice([name.lower() for name in names]))
        return names

    @model_validator(mode="after")
    def _path_or_source(self) -> Self:
        if (self.path is None) == (self.derived_from is None):
            raise ValueError("give either path or from")
        return self


class Logs(Frozen):
    """The logs of one build. All but impressions and clicks are optional."""

    impressions: LogConfig
    clicks: LogConfig
    ranking_log: LogConfig | None = None
    negative_feedback: LogConfig | None = None
    items: LogConfig | None = None
    users: LogConfig | None = None
    item_aliases: LogConfig | None = None

    def resolved(self, name: str) -> LogConfig | None:
        """Return a log's config with what it takes from the log that it is derived from."""
        log: LogConfig | None = getattr(self, name)
        if log is None or log.derived_from is None:
            return log
        source: LogConfig = getattr(self, log.derived_from)
        columns = dict(source.columns)
        source_time = EVENT_TIME[log.derived_from]
        time = columns.pop(source_time, source_time)
        if name in EVENT_TIME:
            columns[EVENT_TIME[name]] = time
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
