"""An epoch of single rows: pieces of files in another order each time, rows mixed in a window.

A rank has a stretch of the rows in the order of the epoch, cut into batches. A window is a number
of its batches, at whose end a piece ends too, or a few rows before: so no two readers decode the
same rows, but for the first ones of a piece.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from math import ceil
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.loading.arrays_of_rows import Batch
from winnow.loading.batch_form import BatchForm
from winnow.loading.keyed_order import keyed_order
from winnow.loading.pieces import Piece, read_piece
from winnow.release.table_files import TableFiles


@dataclass(frozen=True)
class Part:
    """What a rank gets, and how.

    Attributes:
        rank, world_size: Of so many ranks which one.
        batch_size: Rows of a batch; the last one may have fewer.
        drop_last: Whether rows that fill no batch of a rank are left out.
        seed: Of the order; None is the order of the files, in every epoch.
        window_rows: How many rows are mixed with each other; more where the pieces are larger.
    """

    rank: int
    world_size: int
    batch_size: int
    drop_last: bool
    seed: int | None
    window_rows: int = 16_384


@dataclass(frozen=True)
class RowsByEpoch:
    """The rows of a split, shared between ranks and cut into batches anew in each epoch.

    Attributes:
        files: The table's, in an order that does not change. pieces: Where the split's rows are.
        form: What a batch is made of. split: None for all.
        part: What the rank gets.
    """

    files: TableFiles
    pieces: tuple[Piece, ...]
    form: BatchForm
    split: str | None
    part: Part

    def of(self, epoch: int) -> "EpochOfRows":
        """Plan one epoch."""
        return EpochOfRows(self, epoch)

    def described(self) -> list[Any]:
        """Return all that decides which rows a batch has."""
        names = [PurePath(path).name for path in self.files.paths]
        return [names, [astuple(piece) for piece in self.pieces], self.split, astuple(self.part)]


class EpochOfRows:
    """The batches of one rank in one epoch; whatever the number of workers, they are the same.

    Attributes:
        sizes: The number of batches in each window.
    """

    def __init__(self, rows: RowsByEpoch, epoch: int) -> None:
        """Plan the epoch; nothing is read."""
        self._of, part, pieces = rows, rows.part, rows.pieces
        self._key = None if part.seed is None else (part.seed, epoch)
        self._pieces = [pieces[i] for i in self._order(len(pieces), -1)]
        self._ends = np.cumsum([piece.rows for piece in self._pieces], dtype=np.int64)
        total = int(self._ends[-1]) if pieces else 0
        self._begin, self._rows, self._batches = _stretch(total, part)
        self._batch_size = part.batch_size
        self._bounds = self._window_bounds(part.window_rows)
        self.sizes = [int(size) for size in np.diff(self._bounds)]
        self._kept: tuple[Piece, pa.Table] | None = None

    def read(self, windows: Sequence[int]) -> Iterator[Callable[[int], Batch]]:
        """Read windows, one after the other; give what gives the batches of each."""
        return map(self._window, windows)

    def _window(self, window: int) -> Callable[[int], Batch]:
        first, last = self._bounds[window], self._bounds[window + 1]
        begin, end = self._start(first), self._start(last)
        rows_at = self._of.form.arrays(self._rows_between(begin, end), self._of.files.schema)
        order = self._order(end - begin, window)

        def batch_at(number: int) -> Batch:
            start, stop = self._start(first + number), self._start(first + number + 1)
            return rows_at(order[start - begin : stop - begin])

        return batch_at

    def _order(self, n: int, what: int) -> NDArray[np.int64]:
        return np.arange(n) if self._key is None else keyed_order(n, *self._key, what)

    def _start(self, batch: int) -> int:
        """Return the first row of a batch, of those of the rank: a row is left for each later."""
        return min(batch * self._batch_size, self._rows - (self._batches - batch))

    def _window_bounds(self, rows: int) -> list[int]:
        """Return the first batch of each window, and the number of batches."""
        bounds, last = [0], 0
        for end in self._ends - self._begin:
            if end - last >= rows:
                batch = min(-(-int(end) // self._batch_size), self._batches)
                if batch > bounds[-1]:
                    bounds.append(batch)
                last = int(end)
        if bounds[-1] < self._batches:
            bounds.append(self._batches)
        return bounds

    def _rows_between(self, begin: int, end: int) -> pa.Table:
        """Return the rows of a stretch of the rank's."""
        begin, end = begin + self._begin, end + self._begin
        first, last = np.searchsorted(self._ends, [begin, end - 1], side="right")
        parts = []
        for i in range(first, last + 1):
            piece = self._pieces[i]
            start = int(self._ends[i]) - piece.rows
            upto = min(end - start, piece.rows)
            rows = self._rows_of(piece, upto)
            parts.append(rows.slice(max(begin - start, 0), upto - max(begin - start, 0)))
        return pa.concat_tables(parts)

    def _rows_of(self, piece: Piece, upto: int) -> pa.Table:
        """Return rows of a piece; the last one is kept, as the next window may go on in it."""
        if self._kept is None or self._kept[0] != piece or self._kept[1].num_rows < upto:
            rows = read_piece(self._of.files, piece, self._of.form.read, self._of.split, upto)
            self._kept = piece, rows
        return self._kept[1]


def _stretch(total: int, part: Part) -> tuple[int, int, int]:
    """Return a rank's first row, its rows and its batches; each rank has as many batches."""
    ranks, size = part.world_size, part.batch_size
    begin, end = part.rank * total // ranks, (part.rank + 1) * total // ranks
    if part.drop_last:
        batches = total // ranks // size
        return begin, batches * size, batches
    batches = min(ceil(ceil(total / ranks) / size), end - begin)
    return begin, end - begin, batches
