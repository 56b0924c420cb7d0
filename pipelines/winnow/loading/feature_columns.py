"""The columns of a table of features: which types there are, and what stands for NULL."""

from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError
from winnow.loading.arrays_of_rows import scalars

AsOf = Literal["time", "date"]
"""What a row of features is compared with: the time of a sample, or its date."""


def feature_column(column: pa.ChunkedArray, name: str, default: Any = None) -> pa.Array:
    """Return a feature without NULL, but for fractions, where it becomes NaN.

    Args:
        column: Numbers, true or false, text, times (which become microseconds), dates (days), or
            vectors of one size of numbers.
        name: How it is called. default: What stands for NULL; None: NaN, and no other has any.

    Raises:
        ReleaseError: It has NULL where there is no default, the default is none of its type, or its
            type is none of these.
    """
    found: pa.Array = column.combine_chunks()
    if isinstance(found, pa.ChunkedArray):
        found = pa.concat_arrays(found.chunks) if found.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    kind = found.type
    if pa.types.is_timestamp(kind):
        found = found.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
    elif pa.types.is_date(kind):
        found = found.cast(pa.date32()).cast(pa.int32())
    elif pa.types.is_decimal(kind):
        found = found.cast(pa.float64())
    elif pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        found = found.cast(pa.string())
    one = found.type.value_type if pa.types.is_fixed_size_list(found.type) else found.type
    number = pa.types.is_integer(one) or pa.types.is_floating(one)
    if not number and (one != found.type or not (pa.types.is_boolean(one) or one == pa.string())):
        expected = "numbers, true or false, text, times, dates, or vectors of one size"
        fix = "Cast lists to a fixed_size_list, or leave the column out with columns=[...]."
        raise ReleaseError(Problem(name, "no feature is of this type", str(kind), expected, fix))
    inner = found.flatten() if one != found.type else None
    nulls = found.null_count + (0 if inner is None else inner.null_count)
    if nulls and default is None and not pa.types.is_floating(one):
        what, fix = "has NULL, which this type has no value for", "Give it a default."
        raise ReleaseError(Problem(name, what, f"{nulls} times", next_step=fix))
    value = _value(one, default, name)
    if inner is None:
        return found.fill_null(value) if nulls else found
    if nulls:
        # A vector that is NULL has no elements of its own to fill.
        of_rows = np.full((len(found), found.type.list_size), value.as_py(), one.to_pandas_dtype())
        of_rows[found.is_valid().to_numpy(zero_copy_only=False)] = (
            inner.fill_null(value).to_numpy(zero_copy_only=False).reshape(-1, found.type.list_size)
        )
        inner = pa.array(of_rows.reshape(-1), one)
    return pa.FixedSizeListArray.from_arrays(inner, found.type.list_size)


def instants(rows: pa.Table, name: str) -> tuple[AsOf, pa.Array]:
    """Return a column of times as microseconds or of dates as days, NULL where they are.

    Raises:
        ReleaseError: It is neither, has no zone, or lies beyond what microseconds hold.
    """
    column, kind = rows[name].combine_chunks(), rows.schema.field(name).type
    if pa.types.is_date(kind):
        return "date", one_chunk(column.cast(pa.date32())).cast(pa.int32()).cast(pa.int64())
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        try:
            # Fractions of a microsecond are cut: a row is known from the next one on.
            column = column.cast(pa.timestamp("us", kind.tz), safe=kind.unit != "ns")
        except pa.ArrowInvalid as error:
            what = "a time is beyond what microseconds hold"
            raise ReleaseError(Problem(name, what, str(error))) from error
        return "time", one_chunk(column).cast(pa.int64())
    what, fix = "is neither times with a zone nor dates", "Say in which zone the times are."
    raise ReleaseError(Problem(name, what, str(kind), next_step=fix))


def one_chunk(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece, not copied where it is one already."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def default_of(column: pa.Array, default: Any = None) -> pa.Array:
    """Return what an id has that has no row, as an array of one element."""
    if pa.types.is_fixed_size_list(column.type):
        size = column.type.list_size
        one = _value(column.type.value_type, default, "a default")
        return pa.FixedSizeListArray.from_arrays(pa.repeat(one, size), size).cast(column.type)
    return pa.repeat(_value(column.type, default, "a default"), 1)


def feature_array(column: pa.Array) -> NDArray[Any]:
    """Return a feature as an array, shape (n,) or (n, size); numbers are not copied."""
    if pa.types.is_fixed_size_list(column.type):
        return scalars(column.flatten()).reshape(-1, column.type.list_size)
    return scalars(column)


def _value(kind: pa.DataType, default: Any, name: str) -> pa.Scalar:
    if default is None:
        default = "" if pa.types.is_string(kind) else 0
        if pa.types.is_floating(kind):
            default = float("nan")
    try:
        found = pa.scalar(bool(default) if pa.types.is_boolean(kind) else default, kind)
        # Arrow cuts 1.5 to a whole number, and every text is true.
        if pa.types.is_floating(kind) or found.as_py() == default:
            return found
        error = None
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, OverflowError) as raised:
        error = raised
    what = "the default is none of the feature's type"
    raise ReleaseError(Problem(name, what, repr(default), str(kind))) from error
