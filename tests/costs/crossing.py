"""What crosses between the engine and Python while samples are made, noted by the tasks."""

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

Kernel = Callable[..., Iterator[pa.RecordBatch]]
Batch = tuple[int, int, list[str], list[str]]
"""Rows, bytes, columns and leaves."""


def leaves(schema: pa.Schema) -> list[str]:
    """The names of the columns that hold values, those within lists and structs among them."""

    def below(name: str, kind: pa.DataType) -> list[str]:
        if pa.types.is_list(kind):
            return below(f"{name}[]", kind.value_type)
        if pa.types.is_struct(kind):
            return [leaf for inner in kind for leaf in below(f"{name}.{inner.name}", inner.type)]
        return [name]

    return [leaf for column in schema for leaf in below(column.name, column.type)]


@dataclass(frozen=True)
class Crossing:
    """One way across: all batches of all tasks together.

    Attributes:
        rows: Rows that crossed.
        bytes: Their Arrow buffers, without what a batch shares with others.
        columns: Columns of a batch; it is the same for all batches.
        leaves: See ``leaves``.
    """

    rows: int
    bytes: int
    columns: tuple[str, ...]
    leaves: tuple[str, ...]


@dataclass(frozen=True)
class Notes:
    """A folder with one file per call of the kernel: tasks of Spark are other processes."""

    folder: Path

    def of(self, kernel: Kernel) -> Kernel:
        """The kernel, noting every batch that it takes and gives."""
        # By value to the tasks: they need not be able to import this file.
        folder, told_leaves = str(self.folder), leaves

        def noting(batches: Iterable[pa.RecordBatch], settings: object) -> Iterator[pa.RecordBatch]:
            told: dict[str, list[Batch]] = {"in": [], "out": []}

            def passing(way: str, rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                for batch in rows:
                    names, inner = batch.schema.names, told_leaves(batch.schema)
                    told[way].append((batch.num_rows, batch.nbytes, names, inner))
                    yield batch

            yield from passing("out", kernel(passing("in", batches), settings))
            Path(folder, f"{uuid.uuid4().hex}.json").write_text(json.dumps(told), "utf-8")

        return noting

    @cached_property
    def calls(self) -> list[dict[str, list[Batch]]]:
        """What each call has told."""
        return [json.loads(path.read_text("utf-8")) for path in self.folder.iterdir()]

    def crossing(self, way: str) -> Crossing:
        """What crossed ``in`` to Python or ``out`` of it."""
        batches = [batch for call in self.calls for batch in call[way]]
        ((columns, inner),) = {(tuple(columns), tuple(inner)) for _, _, columns, inner in batches}
        rows, size = sum(rows for rows, *_ in batches), sum(size for _, size, *_ in batches)
        return Crossing(rows, size, columns, inner)
