"""What is known of each pair, in files that tasks map into their memory.

Of a pair only its place in these files crosses the network with the events: as columns of theirs,
what is known of it would be NULL in nearly every one.
"""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class PairFiles:
    """A folder of Arrow files, each of one batch; small enough to travel with a task.

    Attributes:
        folder: Where every task can read and write; it is there.
    """

    folder: str

    def write(self, pairs: pa.RecordBatch) -> int:
        """Write pairs as one file and return its number, which no other file has.

        What an attempt wrote that failed later is named by no event.
        """
        number = uuid4().int >> 65  # a positive bigint
        path, schema = self._path(number), pairs.schema
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            writer.write_batch(pairs)
        return number

    def read(self, numbers: NDArray[np.int64], rows: NDArray[np.int64]) -> pa.Table:
        """Return pairs in any order; of their files only the pages that hold them are read.

        Args:
            numbers: The file of each pair, shape (n,), n at least 1. rows: Its row there.
        """
        found = []
        for number in np.unique(numbers):
            with pa.memory_map(self._path(number)) as source:
                pairs = pa.ipc.open_file(source).get_batch(0)
                found.append(pairs.take(pa.array(rows[numbers == number])))
        return pa.Table.from_batches(found)

    def _path(self, number: int) -> str:
        return str(Path(self.folder, f"{number}.arrow"))
