"""Rejected rows as ``schemas/rejected.yaml`` has them: each once, with its raw content as text."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, LongType, StringType, StructField, StructType

from winnow.contracts.log import Log
from winnow.contracts.raw_text import with_raw_text
from winnow.contracts.rows import on_date
from winnow.dates import CalendarDay

_RAW_SCHEMA = StructType(
    [
        StructField("raw", StringType()),
        StructField("reasons", ArrayType(StringType())),
        StructField("event_us", LongType()),
    ]
)
_COLUMNS = ("log", "raw", "copy_no", "reasons", "event_ts")


def rejected_rows(log: Log, day: CalendarDay) -> DataFrame:
    """Return the rejected rows of a date's build, not yet numbered.

    Columns: ``log``, ``raw``, ``reasons``, ``event_ts``. Union them with those of other logs and
    parts, then call ``with_copy_numbers``.
    """
    rejected = ~F.col("filtered") & ~F.col("valid")
    return as_rejected(log.frame.where(on_date(log, day) & rejected), log.name)


def as_rejected(rows: DataFrame, log_name: str) -> DataFrame:
    """Return rows as rejected ones, not yet numbered.

    Args:
        rows: Rows with ``source_row``, ``reject_reasons`` and ``event_us`` as in ``Log.frame``.
        log_name: The log that they were read from.

    Returns:
        One row per row; ``log``, ``raw``, ``reasons``, ``event_ts``.
    """
    narrow = rows.select("source_row", F.col("reject_reasons").alias("reasons"), "event_us")
    return narrow.mapInArrow(with_raw_text, _RAW_SCHEMA).select(
        F.lit(log_name).alias("log"),
        "raw",
        "reasons",
        F.timestamp_micros("event_us").alias("event_ts"),
    )


def with_copy_numbers(rejected: DataFrame) -> DataFrame:
    """Return rejected rows of all logs in contract order, rows of equal text numbered from 0.

    Which of two equal rows gets which number depends on their time and reasons alone.
    """
    order = (F.col("event_ts").asc_nulls_last(), F.col("joined").asc())
    number = F.row_number().over(Window.partitionBy("log", "raw").orderBy(*order))
    # A column of its own: Sail cannot order a window by concat_ws.
    joined = rejected.withColumn("joined", F.concat_ws("\n", "reasons"))
    return joined.withColumn("copy_no", number - 1).select(*_COLUMNS)
