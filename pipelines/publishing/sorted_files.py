"""Parquet files in the order of the shuffle key, written by the tasks that make the rows.

An engine may mix the rows of its tasks when it writes files; trainers rely on their order.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.arrays.sorting import order_of
from pipelines.contracts.parquet_columns import PACKED, column_path, values_of

_ROWS_PER_FILE = 1_000_000
_BYTES_PER_FILE = 128 * 2**20
"""Of Arrow memory: what one task holds before it sorts and writes it."""

FILES_SCHEMA = "name string"

_NO_DICTIONARY = ("log_q", "neg_log_q", "stage_score", "sample_id", "shuffle_key")
"""Columns that are written as they are: a dictionary of them takes time, and as much room."""

_NEGATIVES = ("neg_item_id", "neg_item_ids")
_IDS = ("user_id", "request_id", "item_id", "impression_id")
_WIDEST_SPAN = 2**32
"""Ids that lie wider apart are no smaller when packed, as hashes are not: a dictionary may be."""


@dataclass(frozen=True)
class SortedFiles:
    """How rows become files; small enough to travel with a task.

    Attributes:
        folder: Where the files go; it is there.
        schema: The Arrow schema of the files, the partition column among them.
        partition: The date column that names the sub-folder ``column=value`` and is not in the
            file; None for one folder.
        sort_by: The column to sort each file by; None keeps the order of the rows.
    """

    folder: str
    schema: pa.Schema
    partition: str | None
    sort_by: str | None

    def write(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the rows of one task, for ``mapInArrow``; give ``name``, below the folder."""
        waiting: list[pa.RecordBatch] = []
        rows = size = 0
        names: list[str] = []
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
            if rows >= _ROWS_PER_FILE or size >= _BYTES_PER_FILE:
                names += self._write_files(waiting)
                waiting, rows, size = [], 0, 0
        if rows:
            names += self._write_files(waiting)
        yield pa.RecordBatch.from_arrays([pa.array(names, pa.string())], names=["name"])

    def _write_files(self, batches: list[pa.RecordBatch]) -> list[str]:
        table = pa.Table.from_batches(batches).cast(self.schema)
        if self.partition is None:
            return [self._write_file(table, "")]
        days = table[self.partition]
        found, rows = days.unique().to_pylist(), table.drop_columns([self.partition])
        names = []
        for day in found:
            own = rows
            if len(found) > 1:
                own = rows.filter(days.is_null() if day is None else pc.equal(days, day))
            names.append(self._write_file(own, f"{self.partition}={day}/"))
        return names

    def _write_file(self, table: pa.Table, folder: str) -> str:
        name = f"{folder}part-{uuid4()}.parquet"
        path = Path(self.folder, name)
        path.parent.mkdir(exist_ok=True)
        if self.sort_by is None:
            pq.write_table(table, path)
            return name
        keys = table[self.sort_by].to_numpy()
        order = order_of(keys)
        pq.write_table(
            table.take(pa.array(order)),
            path,
            # Of rows in a random order, a page's least and greatest value say something of no
            # column but the one that they are sorted by; by the page index who wants a range of
            # it reads the pages that hold it.
            write_statistics=[self.sort_by],
            write_page_index=True,
            **_encodings(table, each_row_another=_mostly_new(keys[order])),
        )
        return name


def _mostly_new(ordered: NDArray[np.int64]) -> bool:
    """Return whether most keys differ from the one before."""
    return bool(2 * np.count_nonzero(ordered[1:] != ordered[:-1]) >= len(ordered) - 1)


def _encodings(table: pa.Table, *, each_row_another: bool) -> dict[str, Any]:
    """Return which columns get a dictionary, and which are packed.

    Args:
        table: The rows.
        each_row_another: Whether each row is of another positive or impression. Where several
            rows in turn are of one, its ids repeat, and a dictionary of them is smaller.
    """
    ids = {*_NEGATIVES, *(_IDS if each_row_another else ())}
    packed = {
        column_path(field)
        for field in table.schema
        if field.name in ids and _lie_close(table[field.name], values_of(field))
    }
    plain = {column_path(field) for field in table.schema if field.name in _NO_DICTIONARY}
    dictionary = [path for path in map(column_path, table.schema) if path not in packed | plain]
    return {"use_dictionary": dictionary, "column_encoding": dict.fromkeys(packed, PACKED)}


def _lie_close(ids: pa.ChunkedArray, kind: pa.DataType) -> bool:
    if not pa.types.is_integer(kind):
        return False
    ends = pc.min_max(pc.list_flatten(ids) if pa.types.is_list(ids.type) else ids)
    least, greatest = ends["min"].as_py(), ends["max"].as_py()
    return least is None or greatest - least < _WIDEST_SPAN
