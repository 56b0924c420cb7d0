"""Staged tables written by the tasks that make their rows, several tables in one pass.

An engine may mix the rows of its tasks when it writes files, and to hand it rows with long lists is
slow. A task gives back the names of its files only; a file that none names is of an attempt that
failed.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame

from winnow.release.sorted_files import SortedFiles
from winnow.spark.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:  # a contract is read by YAML and Pydantic, which executors do not have
    from winnow.contracts.tables import TableContract

Maker = Callable[[pa.Table], Iterable[tuple[str, pa.Table]]]
"""From some rows to each table's name and its rows, one after the other; travels with a task."""

_NAMES = "table string, name string"


def written_by_tasks(
    frame: DataFrame,
    make: Maker,
    contracts: "Mapping[str, TableContract]",
    paths: Mapping[str, Path],
    limits: Limits,
) -> None:
    """Write the tables that are made of a frame's rows, in place of what their folders hold.

    Args:
        frame: The rows.
        make: Gives the rows of each table, with the contract's columns in its order.
        contracts: The tables by name. paths: The folder of each.
        limits: How much a task makes and writes at a time.
    """
    tasks = {table: folder_of_tasks(path) for table, path in paths.items()}
    files = {table: SortedFiles.of(contracts[table], tasks[table], limits) for table in paths}
    writer = TableWriter(make, files, limits)
    written = frame.mapInArrow(writer.write, _NAMES).toArrow().to_pylist()
    for table, path in paths.items():
        take_over(tasks[table], [w["name"] for w in written if w["table"] == table], path)


def unchanged(table: str, rows: pa.Table) -> list[tuple[str, pa.Table]]:
    """Make no table of the rows but the one that they are; with its name a ``Maker``."""
    return [(table, rows)]


@dataclass(frozen=True)
class TableWriter:
    """What a task makes and writes; small enough to travel with it.

    Attributes:
        make: Makes the rows. What it gives at a time is sorted together.
        files: The files of each table that it makes, by the table's name.
        limits: Of how many rows the tables are made at a time.
    """

    make: Maker
    files: Mapping[str, SortedFiles]
    limits: Limits = DEFAULT_LIMITS

    def write(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Write the tables of a task's rows, for ``mapInArrow``; give each table and file name."""
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


class WaitingRows:
    """Rows of one table that a task holds until they fill a file."""

    def __init__(self, files: SortedFiles) -> None:
        """Hold nothing yet."""
        self._files = files
        self._held: list[pa.Table] = []
        self._rows = self._size = 0
        self._names: list[str] = []

    def add(self, rows: pa.Table) -> None:
        """Take rows; write those that wait, where both together are too many for one file."""
        n, size, most = rows.num_rows, rows.nbytes, self._files.limits
        if self._rows + n > most.rows_per_file or self._size + size > most.bytes_per_file:
            # Rows that were sorted together stay so: none of them waits for the next ones.
            self._write()
        self._held.append(rows)
        self._rows, self._size = self._rows + n, self._size + size

    def written(self) -> list[str]:
        """Write what still waits; return the names of all files, below the folder."""
        self._write()
        return self._names

    def _write(self) -> None:
        if self._rows:
            self._names += self._files.write_files(self._held)
        self._held, self._rows, self._size = [], 0, 0


def folder_of_tasks(staged: Path) -> Path:
    """Make and return the folder that tasks write a staged table to; the table's own is emptied."""
    written = staged.parent / "_tasks" / staged.name
    for folder in (staged, written):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    return written


def take_over(written: Path, names: Sequence[str], folder: Path) -> None:
    """Move the named files of the folder that tasks wrote to into an empty one; the rest goes.

    What an attempt wrote that failed later is named by none; one that is still at work may write
    more of it, where no reader looks, until the run's staging is dropped.
    """
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (written / name).rename(target)
    # A file that comes meanwhile keeps the folder, and is nobody's matter.
    shutil.rmtree(written, ignore_errors=True)


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
