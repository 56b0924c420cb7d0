"""Frames in the place of a log's files, and tables as frames of the kind that came in."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.config.date_patterns import NULL_FOLDER
from winnow.config.log_shapes import Csv
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FrameKind = Literal["spark", "pandas", "polars", "arrow"]


def kind_of(name: str, frame: Any) -> FrameKind:
    """Return what library a frame is of; ``name`` is the argument, for messages.

    Raises:
        ConfigError: It is no frame.
    """
    kinds: dict[str, FrameKind] = {
        "pyspark": "spark", "pandas": "pandas", "polars": "polars", "pyarrow": "arrow",
    }  # fmt: skip
    # A class of the user's own that derives from one of a library's is one.
    for base in type(frame).__mro__:
        kind = kinds.get(base.__module__.partition(".")[0])
        if kind is not None and hasattr(frame, "columns"):
            return kind
    raise ConfigError(
        Problem(
            name,
            "this is no frame",
            found=type(frame).__name__,
            expected="a DataFrame of Spark, pandas or Polars, or a PyArrow table",
        )
    )


def arrow_of(frame: Any, kind: FrameKind) -> pa.Table:
    """Return the rows of a frame."""
    if kind == "spark":
        return frame.toArrow()
    if kind == "pandas":
        return pa.Table.from_pandas(frame, preserve_index=False)
    if kind == "polars":
        return frame.lazy().collect().to_arrow()
    return frame


def frames_of(
    tables: Mapping[str, pa.Table], kind: FrameKind, spark: "SparkSession | None"
) -> dict[str, Any]:
    """Return tables as frames of a kind; those of Spark are of the session."""
    if kind == "spark":
        assert spark is not None
        return {name: _spark_frame(table, spark) for name, table in tables.items()}
    if kind == "polars":
        import polars as pl

        return {name: pl.from_arrow(table) for name, table in tables.items()}
    if kind == "pandas":
        return {name: table.to_pandas() for name, table in tables.items()}
    return dict(tables)


def _spark_frame(table: pa.Table, spark: "SparkSession") -> "DataFrame":
    from pyspark.sql.pandas.types import from_arrow_schema

    # Of no rows Spark Connect takes no Arrow table.
    schema = from_arrow_schema(table.schema)
    return spark.createDataFrame(table if table.num_rows else [], schema)


def config_of_frames(config: Config, frames: Mapping[str, pa.Table], folder: Path) -> Config:
    """Write frames as the files of their logs; return the config that reads these.

    A frame has the columns that the log's mapping names. Where it has the partition column too, its
    values become the date folders; where it has not, all its rows are read. A log without a frame
    is none.

    Args:
        config: The config of the logs. frames: The rows by the log's name. folder: Where to write.

    Raises:
        ConfigError: A frame is of a log that the config does not have, or lacks rows of its own.
    """
    logs: dict[str, LogConfig | None] = {}
    problems = []
    for name in LOG_NAMES:
        log = config.logs.resolved(name)
        if name in frames and log is None:
            fix = f"Add logs.{name} to the config, or leave the frame out."
            problems.append(Problem(name, "the config has no such log", next_step=fix))
        elif name in frames and log is not None:
            logs[name] = _written(log, frames[name], folder / name)
        else:
            source = None if log is None else getattr(config.logs, name).derived_from
            logs[name] = getattr(config.logs, name) if source in frames else None
            if name in _needed(config) and logs[name] is None:
                problems.append(Problem(name, "this frame is missing"))
    ConfigError.raise_if_any(problems)
    return config.model_copy(
        update={"logs": config.logs.model_copy(update=logs), "warehouse": str(folder / "tables")}
    )


def _needed(config: Config) -> tuple[str, ...]:
    """Return the logs without which the config's tables cannot be made."""
    of_stages = config.ranking.stage_scores or "cascade_samples" in config.tables
    of_items = any(getattr(entry, "attributes", ()) for entry in config.negatives.easy)
    of_users = config.negatives.feedback is not None
    further = (("ranking_log", of_stages), ("items", of_items), ("negative_feedback", of_users))
    return ("impressions", "clicks", *(name for name, needed in further if needed))


def _written(log: LogConfig, table: pa.Table, folder: Path) -> LogConfig:
    column = log.partition.column if log.partition else None
    if column is None or column not in table.column_names:
        _write(table, folder)
        partition = None
    else:
        partition, rest = log.partition, table.drop_columns([column])
        values = pc.cast(table[column], pa.string())
        for value in values.unique():
            own = pc.is_null(values) if value.as_py() is None else pc.equal(values, value)
            _write(rest.filter(own), folder / f"{column}={value.as_py() or NULL_FOLDER}")
    files = {"path": str(folder), "format": "parquet", "derived_from": None, "partition": partition}
    as_text = {"csv": Csv(), "encoding": None, "accept_cut": False}
    return log.model_copy(update=files | as_text)


def _write(table: pa.Table, folder: Path) -> None:
    folder.mkdir(parents=True)
    # Without Arrow's own schema a dictionary or a large string is a plain one when it is read.
    pq.write_table(
        table,
        folder / "rows.parquet",
        store_schema=False,
        coerce_timestamps="us",
        allow_truncated_timestamps=True,
    )
