"""Several tables made of the same rows, and written in one pass by the tasks that have them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from winnow.release.sorted_files import SortedFiles, WaitingRows
from winnow.spark.limits import DEFAULT_LIMITS, Limits

Maker = Callable[[pa.Table], Iterable[tuple[str, pa.Table]]]
"""From some rows to each table's name and its rows, one after the other; travels with a task."""

WRITTEN_SCHEMA = "table string, name string"


@dataclass(frozen=True)
class MadeTogether:
    """Where the tables go; small enough to travel with a task.

    Attributes:
        make: Makes the rows. What it gives at a time is sorted together.
        files: The files of each table that it makes, by the table's name.
        limits: Of how many rows the tables are made at a time.
    """

    make: Maker
    files: Mapping[str, SortedFiles]
    limits: Limits = DEFAULT_LIMITS

    def write(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the tables of one task's rows, for ``mapInArrow``; give ``WRITTEN_SCHEMA``."""
        waiting = {table: WaitingRows(files) for table, files in self.files.items()}
        for rows in _parts(batches, self.limits.bytes_at_a_time):
            for table, made in self.make(rows):
                waiting[table].add(made)
        written = {table: rows.written() for table, rows in waiting.items()}
        tables = [table for table, names in written.items() for _ in names]
        names = [name for of_table in written.values() for name in of_table]
        yield pa.RecordBatch.from_pydict(
            {"table": pa.array(tables, pa.string()), "name": pa.array(names, pa.string())}
        )


def _parts(batches: Iterable[pa.RecordBatch], most: int) -> Iterator[pa.Table]:
    """Give the rows in parts of at most so many bytes, or of one row."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        pieces = -(-batch.nbytes // most)
        rows = max(1, -(-batch.num_rows // max(1, pieces)))
        for begin in range(0, batch.num_rows, rows):
            piece = batch.slice(begin, rows)
            if held and size + piece.nbytes > most:
                yield pa.Table.from_batches(held)
                held, size = [], 0
            held.append(piece)
            size += piece.nbytes
    if held:
        yield pa.Table.from_batches(held)
