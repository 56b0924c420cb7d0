"""Parquet files written by the very tasks that make the rows, which then need not cross back."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.arrays.parquet_columns import PACKED, column_path, values_of

Task = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]

NAMES = "name string"


@dataclass(frozen=True)
class TaskFiles:
    """Where tasks write; small enough to travel with them.

    Attributes:
        folder: A folder that every task can write to; it is there.
        schema: The columns of the files. The rows of a task are cast to it.
    """

    folder: str
    schema: pa.Schema

    def write(self, batches: Iterable[pa.RecordBatch], task: Task) -> Iterator[pa.RecordBatch]:
        """Run a task and write what it gives, for ``mapInArrow``; give the file's ``name``, if any.

        The name of a file says nothing: only those that come back as rows count. What an attempt
        wrote that failed later is named by none.
        """
        name, writer = f"part-{uuid4()}.parquet", None
        for batch in task(batches):
            if writer is None:
                path = Path(self.folder, name)
                writer = pq.ParquetWriter(path, self.schema, **_options(self.schema))
            writer.write_table(pa.Table.from_batches([batch]).cast(self.schema))
        if writer is not None:
            writer.close()
            yield pa.RecordBatch.from_pydict({"name": [name]})


def _options(schema: pa.Schema) -> dict[str, Any]:
    """Return how columns are written that are read a few times and thrown away."""
    of_type = {column_path(field): values_of(field) for field in schema}
    numbers = {path for path, kind in of_type.items() if pa.types.is_primitive(kind)}
    whole = {path for path in numbers if pa.types.is_integer(of_type[path])}
    return {
        # Ids and probabilities hardly repeat: a dictionary of them would be thrown away.
        "use_dictionary": False,
        "write_statistics": False,
        "column_encoding": dict.fromkeys(whole, PACKED),
        # What is packed, and fractions: smaller by a tenth at most, in twice the time to read.
        # A path that is not named here is not compressed at all.
        "compression": {path: "none" if path in numbers else "snappy" for path in of_type},
    }
