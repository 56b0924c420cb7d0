"""A source row as text, made in Python from plain values.

``to_json`` and casts of nested values print differently from engine to engine.
"""

import json
import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa


def with_raw_text(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Make of the first column, the row as it was read, its text ``raw``, for ``mapInArrow``."""
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
