"""Several tables made of the same rows, and written in one pass by the tasks that have them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from pipelines.publishing.sorted_files import SortedFiles, WaitingRows

Maker = Callable[[pa.Table], Mapping[str, pa.Table]]
"""From some rows to the rows of each table that is made of them; travels with a task."""

WRITTEN_SCHEMA = "table string, name string"

_BYTES_AT_A_TIME = 64 * 2**20
"""Of Arrow memory: of so many rows a task makes the rows of the tables at a time."""


@dataclass(frozen=True)
class MadeTogether:
    """Where the tables go; small enough to travel with a task.

    Attributes:
        make: Makes the rows. What it gives at a time is sorted together.
        files: The files of each table that it makes, by the table's name.
    """

    make: Maker
    files: Mapping[str, SortedFiles]

    def write(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the tables of one task's rows, for ``mapInArrow``; give ``WRITTEN_SCHEMA``."""
        waiting = {table: WaitingRows(files) for table, files in self.files.items()}
        for rows in _parts(batches):
            for table, made in self.make(rows).items():
                waiting[table].add(made)
        written = {table: rows.written() for table, rows in waiting.items()}
        tables = [table for table, names in written.items() for _ in names]
        names = [name for of_table in written.values() for name in of_table]
        yield pa.RecordBatch.from_pydict(
            {"table": pa.array(tables, pa.string()), "name": pa.array(names, pa.string())}
        )


def _parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= _BYTES_AT_A_TIME:
            yield pa.Table.from_batches(held)
            held, size = [], 0
    if any(batch.num_rows for batch in held):
        yield pa.Table.from_batches(held)
