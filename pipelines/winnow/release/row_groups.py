"""Where a file is cut into row groups, so that who wants a part of it reads that part alone.

Rows of one split lie together, those of ``train`` first, as batches do; no row group has rows of
two splits. Within a split they are in the order of ``shuffle_key``, so a batch, and any part of the
rows by their position, lies in few row groups.
"""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SKIPPED_BY = ("shuffle_key", "split", "batch_id")
"""Columns of which a row group's least and greatest value say what it does not hold. Of the others
they would say nothing: each row group has rows of all of their values, of ``shard`` too."""

SPLITS = ("train", "valid", "test")

_BYTES = 48 * 2**20
"""Of a row group in Arrow memory: what is larger costs who wants a part of it more than it has to,
and each row group has its own dictionaries."""

_FEWEST_ROWS = 8_192


def split_places(rows: pa.Table) -> NDArray[np.int8]:
    """Return where the split of each row stands among all, shape (n,); 0 where there is none.

    Args:
        rows: Their column ``split``, where there is one, is text as dictionaries.
    """
    if "split" not in rows.schema.names:
        return np.zeros(rows.num_rows, np.int8)
    column = rows["split"].combine_chunks()
    names = column.dictionary.to_pylist()
    # NULL is none of the splits, and is found when the staged rows are read back.
    places = [SPLITS.index(name) if name in SPLITS else len(SPLITS) for name in names]
    codes = column.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
    found: NDArray[np.int8] = np.array([*places, len(SPLITS)], np.int8)[codes]
    return found


def row_groups(rows: pa.Table, places: NDArray[np.int8]) -> list[pa.Table]:
    """Cut rows that are in order into those of each row group, as even as may be.

    Args:
        rows: At least one row.
        places: What ``split_places`` returns of them, ascending.
    """
    most = max(_FEWEST_ROWS, _BYTES * rows.num_rows // max(1, rows.nbytes))
    ends = [*(np.flatnonzero(np.diff(places)) + 1), rows.num_rows]
    found, begin = [], 0
    for end in ends:
        pieces = -(-(end - begin) // most)
        bounds = np.linspace(begin, end, pieces + 1).astype(np.int64)
        found += [rows.slice(a, b - a) for a, b in pairwise(bounds)]
        begin = end
    return found
