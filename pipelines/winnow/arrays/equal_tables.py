"""Whether two Arrow tables hold the same rows in the same order."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def equal_tables(found: pa.Table, expected: pa.Table) -> bool:
    """Return whether tables are equal, value by value; a NaN is as another one."""
    if found.schema != expected.schema or found.num_rows != expected.num_rows:
        return False
    pairs = zip(found.columns, expected.columns, strict=True)
    return all(one.equals(other) or _equal_nan(one, other) for one, other in pairs)


def _equal_nan(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    if pa.types.is_list(one.type):
        lengths = pc.list_value_length(one).equals(pc.list_value_length(other))
        return lengths and _equal_nan(pc.list_flatten(one), pc.list_flatten(other))
    if not pa.types.is_floating(one.type):
        return bool(one.equals(other))
    known = pc.is_null(one).equals(pc.is_null(other))
    return known and np.array_equal(one.to_numpy(), other.to_numpy(), equal_nan=True)
