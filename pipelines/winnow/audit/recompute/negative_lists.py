"""Negatives of a partition as arrays, from the lists of their positives' rows."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.audit.recompute.draws import Negatives

LISTS: dict[str, str] = {
    "neg_keys": "array<bigint>",
    "neg_source": "array<tinyint>",
    "neg_log_q": "array<double>",
    "neg_mixture_log_q": "array<double>",
}
"""The lists that are compared, by the type of their column."""

# What stands for a NULL element: an id that no catalogue has, a source that is none, no number.
_NULLS = {"neg_keys": -(2**63), "neg_source": -1, "neg_log_q": np.nan, "neg_mixture_log_q": np.nan}


SEGMENTS = "segments"
"""The column with the user's segments."""

REQUEST = "request"
"""The column with a hash of user and request, where it matters what was recalled for it."""


def int64_of(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return a column of numbers without NULL, shape (k,)."""
    return np.asarray(column.to_numpy(), np.int64)


def negatives_in(
    rows: pa.Table, user: NDArray[np.int32], request: NDArray[np.int32] | None
) -> Negatives:
    """Return the negatives of positives.

    Args:
        rows: One row per positive: ``item_key`` and lists. user: Place of the user of each.
        request: Place of the request of each, where that matters.
    """
    lists = {n: rows[n].combine_chunks() for n in LISTS if n in rows.column_names}
    length = pc.fill_null(pc.list_value_length(lists["neg_keys"]), 0).to_numpy(zero_copy_only=False)
    # A list that is shorter than the others would shift all that follow: it is made as long.
    segments = np.empty((len(length), 0), np.int32)
    if SEGMENTS in rows.column_names and len(length):
        flat = rows[SEGMENTS].combine_chunks().flatten().to_numpy()
        segments = flat.reshape(len(length), -1).astype(np.int32)
    told = {name: _as_long(of, length, _NULLS[name]) for name, of in lists.items()}
    return Negatives(
        user=np.repeat(user, length),
        item=np.asarray(told["neg_keys"], np.int64),
        source=np.asarray(told["neg_source"], np.int8),
        log_q=np.asarray(told["neg_log_q"], np.float64),
        positive=np.repeat(int64_of(rows["item_key"]), length),
        row=np.repeat(np.arange(len(length)), length),
        mixture=np.asarray(told.get("neg_mixture_log_q", ()), np.float64),
        segments=np.repeat(segments, length, axis=0),
        request=np.empty(0, np.int32) if request is None else np.repeat(request, length),
    )


def _as_long(lists: pa.ListArray, length: NDArray[np.int64], null: float) -> NDArray[Any]:
    """Return the elements of lists of the given lengths; what is not there is ``null``."""
    own = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    values = lists.flatten()
    if not np.array_equal(own, length):
        start = np.cumsum(own) - own
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        at = np.where(within < np.repeat(own, length), np.repeat(start, length) + within, -1)
        values = values.take(pa.array(at, mask=at < 0))
    filled: NDArray[Any] = pc.fill_null(values, null).to_numpy(zero_copy_only=False)
    return filled
