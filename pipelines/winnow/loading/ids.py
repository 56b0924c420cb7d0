"""Ids as Arrow columns, whole numbers or texts, each of one type however they were stored."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError


def id_array(ids: pa.Array | pa.ChunkedArray | Sequence[Any]) -> pa.Array:
    """Return ids as int64 or string, in their order, NULL where there is none.

    Raises:
        ReleaseError: They are neither whole numbers nor texts, or beyond what an int64 holds.
    """
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    column = ids if isinstance(ids, pa.Array) else pa.array(ids)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_integer(kind):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid as error:
            what, expected = "a whole number is beyond an int64", "whole numbers below 2^63"
            raise ReleaseError(Problem("ids", what, str(error), expected)) from error
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    if pa.types.is_string(kind) or (pa.types.is_null(kind) and not len(column)):
        return column
    raise ReleaseError(Problem("ids", "are neither whole numbers nor texts", str(kind)))


def lists_like(column: pa.ListArray, elements: NDArray[np.int64]) -> pa.ListArray:
    """Return lists of other elements, as long as those of a column; a NULL list is empty.

    Args:
        column: The lists.
        elements: One for each of theirs (``column.flatten()``), shape (n,).
    """
    offsets = np.concatenate([[0], np.cumsum(lengths_of(column))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(elements))


def lengths_of(column: pa.ListArray) -> NDArray[np.int64]:
    """Return how many elements each list has, shape (n,); 0 for NULL."""
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    found: NDArray[np.int64] = lengths.astype(np.int64)
    return found
