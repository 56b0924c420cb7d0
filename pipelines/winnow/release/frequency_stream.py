"""The running estimate by Structured Streaming: told each date once it is released, on Spark alone.

The estimate goes on over the dates that are new in training_samples, and keeps itself in a folder.
What it ends with is what frequency_state of the last date has, to the last bit, where every date of
the build went on from the one before and none was built again since.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from winnow.arrays.grouping import starts_of_runs
from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.events.keys import key_of
from winnow.frequency.estimator import FrequencySettings, StreamingFrequency
from winnow.frequency.state import resumed, state_of
from winnow.release.paths import table_path
from winnow.release.reader import ReleaseReader
from winnow.release.releases import read_releases
from winnow.spark.dialect import dialect_of

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

    from winnow.config.tree import IdType

_TABLE = "training_samples"
_STATE, _LAST = "frequency.parquet", b"last_date"


def frequency_stream(
    spark: SparkSession,
    warehouse: Path,
    folder: Path,
    settings: FrequencySettings,
    *,
    item_type: "IdType" = "bigint",
    every: str | None = None,
) -> "StreamingQuery":
    """Start a query that has an estimate go on over every date that is new in training_samples.

    A date is told as a whole, dates in their order. A date that is built again is not told again:
    the estimate stays that of the first time. So one begins a new folder to have it as it is now.

    Args:
        spark: A classic session of Spark with Delta, as the engine ``spark`` has.
        warehouse: Its training_samples must have batches (``in_batch``).
        folder: Where the query keeps its place and the estimate; of this query alone.
        settings: Those of ``in_batch`` in the config; the same as long as the folder is.
        item_type: The type of item ids.
        every: How often to look for new dates, such as ``"10 minutes"``; by default once: the query
            ends when all that is there was told.

    Returns:
        The running query; ``awaitTermination`` raises what went wrong. ``kept_frequency`` gives
        the estimate.

    Raises:
        ConfigError: The session is of another engine.
    """
    if dialect_of(spark).name != "spark":
        raise ConfigError(Problem("spark", "only the engine spark has Structured Streaming"))

    def tell(rows: DataFrame, _number: int) -> None:
        told_dates(rows, warehouse, folder, settings, item_type)

    source = (
        spark.readStream.format("delta")
        # A commit that replaces a date: it was told before.
        .option("skipChangeCommits", "true")
        # All that is new at once: a date is in one commit, and is not to be cut.
        .option("maxFilesPerTrigger", str(2**31 - 1))
        .load(str(table_path(warehouse.absolute(), _TABLE)))
    )
    writer = source.writeStream.foreachBatch(tell)
    writer = writer.option("checkpointLocation", str(folder.absolute() / "checkpoint"))
    if every is None:
        return writer.trigger(availableNow=True).start()
    return writer.trigger(processingTime=every).start()


def told_dates(
    rows: DataFrame,
    warehouse: Path,
    folder: Path,
    settings: FrequencySettings,
    item_type: "IdType",
) -> None:
    """Have the kept estimate go on over rows of training_samples, and keep it.

    The rows say which dates are new; what is told of a date is what its newest release has. Dates
    that were told are passed over: Spark may give the same rows twice.

    Raises:
        ReleaseError: A date is not released, has no batches, or they are not whole.
    """
    frequency, last = _kept(folder, settings)
    wanted = rows if last is None else rows.where(F.col("ds") > F.lit(last))
    item = key_of("item_id", item_type).alias("item")
    for day in sorted(row["ds"] for row in wanted.select("ds").distinct().collect()):
        released = _released(rows.sparkSession, warehouse, day)
        of_train = released.where((F.col("split") == "train") & F.col("batch_id").isNotNull())
        _tell(frequency, of_train.select("batch_id", "batch_rows", item).toArrow(), day)
        last = day
    _keep(folder, frequency, last)


def kept_frequency(folder: Path, settings: FrequencySettings) -> StreamingFrequency:
    """Return the estimate that a query has kept in its folder; a new one where it has not begun."""
    return _kept(folder, settings)[0]


def _tell(frequency: StreamingFrequency, rows: pa.Table, day: date) -> None:
    if not rows.num_rows:
        return
    rows = rows.sort_by("batch_id")
    batch, size = (rows[name].to_numpy() for name in ("batch_id", "batch_rows"))
    begins = np.flatnonzero(starts_of_runs(batch))
    ends = np.append(begins[1:], len(batch))
    whole = batch[begins] == np.arange(len(begins))
    if not (whole & (size[begins] == ends - begins)).all():
        raise ReleaseError(Problem(f"{_TABLE} of {day}", "its batches of train are not whole"))
    items = rows["item"].to_numpy()
    for first, end in zip(begins, ends, strict=True):
        frequency.update(items[first:end])


def _released(spark: SparkSession, warehouse: Path, day: date) -> DataFrame:
    where = f"{_TABLE} of {day}"
    release = read_releases(warehouse).newest(day)
    if release is None or release.pin(_TABLE) is None:
        fix = "Start the query again when the build has ended."
        raise ReleaseError(Problem(where, "is not released", next_step=fix))
    rows = ReleaseReader(warehouse, [release]).spark(spark, _TABLE)
    if "batch_id" not in rows.columns:
        fix = "Set in_batch in the config, and build."
        raise ReleaseError(Problem(where, "says nothing of batches", next_step=fix))
    return rows


def _kept(folder: Path, settings: FrequencySettings) -> tuple[StreamingFrequency, date | None]:
    path = folder / _STATE
    if not path.is_file():
        return StreamingFrequency(settings), None
    rows = pq.read_table(path)
    last = (rows.schema.metadata or {}).get(_LAST)
    return resumed(rows, settings), None if last is None else date.fromisoformat(last.decode())


def _keep(folder: Path, frequency: StreamingFrequency, last: date | None) -> None:
    """Write the estimate in place of the one before: whoever reads finds the one or the other."""
    metadata = {} if last is None else {_LAST: last.isoformat().encode()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{_STATE}.new"
    pq.write_table(state_of(frequency).replace_schema_metadata(metadata), path)
    path.replace(folder / _STATE)
