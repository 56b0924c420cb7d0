"""Ids of events as numbers, in the order of the ids."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from winnow.tables.group_lists import Int64s


def numbered(ids: pa.ChunkedArray) -> Int64s:
    """Return the place of each id among the distinct ones in their order, -1 of NULL, (m,)."""
    encoded = in_one_chunk(pa.table({"id": ids}), "id").dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    found: Int64s = np.where(codes >= 0, place[codes] if len(place) else -1, -1)
    return found


def in_one_chunk(rows: pa.Table, name: str) -> pa.Array:
    """Return a column of a table as one array."""
    column = rows[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks else pa.array([], column.type)
    return column
