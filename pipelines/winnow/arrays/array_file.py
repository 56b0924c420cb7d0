"""Arrays of several lengths in one Arrow file, which every task maps into memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray


def save_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Write arrays of one dimension by name: a row with one list per array."""
    columns = [
        pa.LargeListArray.from_arrays(pa.array([0, len(array)], pa.int64()), pa.array(array))
        for array in arrays.values()
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=list(arrays))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def map_arrays(path: str) -> dict[str, NDArray[Any]]:
    """Map the arrays of a file into memory; none of them can be written."""
    batch = pa.ipc.open_file(pa.memory_map(path)).get_batch(0)
    return {name: batch.column(name).values.to_numpy() for name in batch.schema.names}
