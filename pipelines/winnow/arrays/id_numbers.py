"""Ids as numbers in the order of the ids, and columns of tables as one array."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.distinct import distinct


def numbered(ids: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
    """Return the place of each id among the distinct ones in their order, -1 of NULL, (m,)."""
    if ids.null_count:
        known = np.asarray(ids.is_valid())
        places = np.full(len(ids), -1, np.int64)
        places[known] = numbered(ids.drop_null())
        return places
    if pa.types.is_integer(ids.type):
        return distinct(ids.to_numpy().astype(np.int64, copy=False))[1].astype(np.int64)
    whole = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    encoded = whole.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    found: NDArray[np.int64] = place[encoded.indices.to_numpy()]
    return found


def one_array(rows: pa.Table, name: str) -> pa.Array:
    """Return a column of a table as one array, without a copy where it is one already."""
    column = rows[name]
    chunks: Sequence[pa.Array] = column.chunks
    if len(chunks) == 1:
        return chunks[0]
    return pa.concat_arrays(chunks) if chunks else pa.array([], column.type)
