"""The row hash of ``release.content_hash``, of Arrow rows: no engine is started for it.

It is written a second time, so each checks the other: what was released was hashed by an engine.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.xxhash_rows import fold_ints, fold_longs, fold_texts
from winnow.errors import Problem, ReleaseError

_SEED = 42
_NO_SIZE = -1
_LONGS = (pa.types.is_int64, pa.types.is_uint64)
_INTS: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_int8,
    pa.types.is_int16,
    pa.types.is_int32,
)
_ROWS_AT_A_TIME = 65_536


def row_hashes(rows: pa.Table) -> NDArray[np.int64]:
    """Return the hash of each row, shape (n,), as an engine computes it of these columns.

    Args:
        rows: All columns of a table in its contract's order, the partition among them.

    Raises:
        ReleaseError: A column is of a type that published tables do not have.
    """
    parts = [_hashed(batch) for batch in rows.to_batches(max_chunksize=_ROWS_AT_A_TIME)]
    return np.concatenate([np.empty(0, np.int64), *parts])


def total_of(hashes: NDArray[np.int64]) -> int:
    """Return the sum of 64-bit hashes, which 64 bits do not hold."""
    low = np.bitwise_and(hashes, np.int64(0xFFFFFFFF)).sum(dtype=np.int64)
    return (int((hashes >> np.int64(32)).sum(dtype=np.int64)) << 32) + int(low)


def _hashed(batch: pa.RecordBatch) -> NDArray[np.int64]:
    n = batch.num_rows
    hashes = np.full(n, _SEED, np.uint64)
    one_each = np.arange(n + 1, dtype=np.int64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        there = _valid(column)
        fold_ints(hashes, one_each, (~there).astype(np.uint64), np.ones(n, bool))
        if not pa.types.is_list(column.type):
            _fold(name, hashes, one_each, column, there)
            continue
        sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        told = np.where(there, sizes, _NO_SIZE).astype(np.int64).view(np.uint64)
        fold_ints(hashes, one_each, told, np.ones(n, bool))
        begins = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        # Without what lies below a NULL, or before a slice.
        values = column.flatten()
        known = _valid(values)
        fold_ints(hashes, begins, (~known).astype(np.uint64), np.ones(len(values), bool))
        _fold(name, hashes, begins, values, known)
    return hashes.view(np.int64)


def _fold(
    name: str,
    hashes: NDArray[np.uint64],
    begins: NDArray[np.int64],
    values: pa.Array,
    valid: NDArray[np.bool_],
) -> None:
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        fold_texts(hashes, begins, *_texts(values), valid)
    elif pa.types.is_boolean(kind) or any(is_kind(kind) for is_kind in _INTS):
        fold_ints(hashes, begins, _bits(values.cast(pa.int64())), valid)
    elif pa.types.is_date32(kind):
        fold_ints(hashes, begins, _bits(values.cast(pa.int32()).cast(pa.int64())), valid)
    elif any(is_kind(kind) for is_kind in _LONGS):
        fold_longs(hashes, begins, _bits(values), valid)
    elif pa.types.is_timestamp(kind):
        micros = values.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
        fold_longs(hashes, begins, _bits(micros), valid)
    elif pa.types.is_floating(kind):
        fold_longs(hashes, begins, _rounded(values), valid)
    else:
        what = "rows with a column of this type cannot be proven to be left as they were"
        raise ReleaseError(Problem(name, what, str(kind)))


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return found


def _bits(values: pa.Array) -> NDArray[np.uint64]:
    numbers: NDArray[Any] = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers).view(np.uint64)


def _rounded(values: pa.Array) -> NDArray[np.uint64]:
    """Return floats as the bits that enter the hash: rounded to 32 bits, one zero, one NaN."""
    numbers = pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False)
    with np.errstate(over="ignore", invalid="ignore"):
        found = numbers.astype(np.float32).astype(np.float64)
    found[found == 0.0] = 0.0
    found[np.isnan(found)] = np.nan
    bits: NDArray[np.uint64] = found.view(np.uint64)
    return bits


def _texts(values: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where each text begins and the last one ends, and their bytes."""
    _, offsets, data = values.buffers()
    if offsets is None or len(values) == 0:
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    every = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    text = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return every.astype(np.int64), text
