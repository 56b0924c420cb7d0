"""The rows of a window in two parts: the larger one as it was decoded, what else there is copied.

A window ends with a batch, and a row group a few rows before: to have all rows in one piece, all
of them would be copied for the sake of a few.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Places:
    """Where some rows of a window are, in their order.

    Attributes:
        larger: Of each its place in the larger part; 0 where it is in the other. Shape (n,).
        others: Which of them are in the other part, shape (m,).
        of_others: Of each of these its place there, shape (m,).
    """

    larger: NDArray[np.int64]
    others: NDArray[np.int64]
    of_others: NDArray[np.int64]


class WindowParts:
    """The rows of a table, in a larger part and another one.

    Attributes:
        larger: Rows that lie in one chunk of each column, not copied where they are half of all.
        other: Those before and behind them; None where there are none.
    """

    def __init__(self, rows: pa.Table) -> None:
        """Cut a table where any of its columns has a chunk that ends."""
        parts = [part for part in rows.to_batches() if part.num_rows]
        sizes = [part.num_rows for part in parts]
        if not parts or 2 * max(sizes) < rows.num_rows:
            parts = [_as_one(rows.to_batches(), rows.schema)]
            sizes = [rows.num_rows]
        largest = int(np.argmax(sizes))
        self._begin = sum(sizes[:largest])
        self._end = self._begin + sizes[largest]
        rest = [*parts[:largest], *parts[largest + 1 :]]
        self.larger: pa.RecordBatch = parts[largest]
        self.other = _as_one(rest, rows.schema) if rest else None

    @property
    def parts(self) -> list[pa.RecordBatch]:
        """The parts that there are."""
        return [self.larger] if self.other is None else [self.larger, self.other]

    def places(self, rows: NDArray[np.int64]) -> Places:
        """Return where rows are, by their places in the table."""
        if self.other is None:
            none = rows[:0]
            return Places(rows, none, none)
        others = np.flatnonzero((rows < self._begin) | (rows >= self._end))
        larger = rows - self._begin
        larger[others] = 0
        of_others = rows[others]
        of_others[of_others >= self._end] -= self._end - self._begin
        return Places(larger, others, of_others)


def _as_one(parts: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    if not parts:
        return pa.RecordBatch.from_pylist([], schema)
    return parts[0] if len(parts) == 1 else pa.concat_batches(parts)
