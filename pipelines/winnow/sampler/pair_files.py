"""What is known of each pair of a click and an impression, in files that tasks map into memory.

A pair passes here once on its way to a sample group:

1. ``kept_pairs`` looks at every pair before the shuffle. What stays when hot items are thinned it
   writes twice: all columns into these files, and its keys with its place here (file and row) as
   the frame of kept pairs, which the engine joins with users and requests.
2. Events of kind PAIR are made of that frame: they carry the place through the shuffle in the
   columns ``owner_key`` and ``item_key`` (see ``events/kinds.py``), eight bytes each.
3. The task that has all events of a user reads its pairs back from these files.
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
