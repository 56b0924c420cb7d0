"""Rejected rows as ``schemas/rejected.yaml`` has them: each once, with its raw content as text.

The text of a row is made here, in Python, from plain values: ``to_json`` and casts of nested
values print differently from engine to engine.
"""

import json
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, LongType, StringType, StructField, StructType

from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import on_date

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
    return narrow.mapInArrow(_with_raw_text, _RAW_SCHEMA).select(
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
    place = F.row_number().over(Window.partitionBy("log", "raw").orderBy(*order))
    # A column of its own: Sail cannot order a window by concat_ws.
    joined = rejected.withColumn("joined", F.concat_ws("\n", "reasons"))
    return joined.withColumn("copy_no", place - 1).select(*_COLUMNS)


def _with_raw_text(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = batch.column(0)
        is_line = [field.name for field in rows.type] == ["line"]
        texts = [_line(row) if is_line else raw_text(row) for row in rows]
        columns = [pa.array(texts, pa.string()), batch.column(1), batch.column(2)]
        yield pa.RecordBatch.from_arrays(columns, names=["raw", "reasons", "event_us"])


def _line(row: pa.StructScalar) -> str:
    return row["line"].as_py() or ""


def raw_text(row: pa.StructScalar) -> str:
    """Return a row as one line of JSON, its columns in source order.

    Times are ISO 8601 with microseconds (with Z where they are instants), bytes hexadecimal,
    decimals and numbers that are not finite are text, a map is a list of its pairs.
    """
    return json.dumps(_plain(row), ensure_ascii=False, separators=(",", ":"))


def _plain(value: pa.Scalar) -> Any:
    if not value.is_valid:
        return None
    kind = value.type
    if pa.types.is_struct(kind):
        return {field.name: _plain(value[index]) for index, field in enumerate(kind)}
    if pa.types.is_map(kind):
        return [[_plain(pair[0]), _plain(pair[1])] for pair in value.values]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_plain(element) for element in value.values]
    if pa.types.is_timestamp(kind):
        return _time(value.value, "Z" if kind.tz else "")
    return _leaf(value.as_py())


def _time(microseconds: int, suffix: str) -> str:
    try:
        instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    except OverflowError:
        return f"{microseconds} us since 1970"
    return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}{suffix}"


def _leaf(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):
        return str(value)
    return value if isinstance(value, bool | int | float | str) else value.isoformat()
