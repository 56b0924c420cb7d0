"""Lists of the rows of a window, from which those of a batch are taken as matrices, padded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from winnow.loading.window_parts import Places


class PaddedLists:
    """Columns of lists that are as long as each other in each row.

    Elements are copied once, from where they were decoded into the batch.
    """

    def __init__(self, lengths: Sequence[NDArray[np.int32]]) -> None:
        """Take how long the lists are, by row, of each part of the window."""
        self._lengths = lengths
        self._starts = [np.cumsum(part, dtype=np.int64) - part for part in lengths]
        # Lists of one length are a matrix as they are.
        self._even = [int(n[0]) if len(n) and (n == n[0]).all() else None for n in lengths]
        self._columns: dict[str, tuple[Sequence[NDArray[Any]], Any]] = {}

    @property
    def names(self) -> list[str]:
        """The columns."""
        return [*self._columns]

    def add(self, name: str, values: Sequence[NDArray[Any]], filler: Any) -> None:
        """Take a column.

        Args:
            name: Its name. values: Of each part the elements of all its lists, one after the other.
            filler: What stands behind the end of a list.
        """
        self._columns[name] = values, filler

    def at(self, places: Places) -> tuple[NDArray[np.bool_], dict[str, NDArray[Any]]]:
        """Return where elements are, shape (rows, longest of them), and each column so."""
        lengths = taken(self._lengths, places)
        width = int(lengths.max(initial=0))
        short = np.flatnonzero(lengths < width)
        there = np.ones((len(lengths), width), bool)
        if len(short):
            there[short] = np.arange(width, dtype=np.int32) < lengths[short, None]
        batch = {}
        for name, (values, filler) in self._columns.items():
            found = self._rows_of(0, values[0], places.larger, width)
            if len(places.others):
                found[places.others] = self._rows_of(1, values[1], places.of_others, width)
            if len(short):
                found[short] = np.where(there[short], found[short], filler)
            batch[name] = found
        return there, batch

    def _rows_of(
        self, part: int, values: NDArray[Any], rows: NDArray[np.int64], width: int
    ) -> NDArray[Any]:
        """Return so many elements from where each list begins: behind its end those of others."""
        if width == 0:
            return np.empty((len(rows), 0), values.dtype)
        if self._even[part] == width:
            return values.reshape(-1, width).take(rows, axis=0)
        if len(values) < width:
            values = np.concatenate([values, np.zeros(width - len(values), values.dtype)])
        starts = self._starts[part].take(rows)
        last = len(values) - width
        found = _stretches(values, np.minimum(starts, last), width)
        # Behind the last lists so many elements are not there: of fewer lists than the width.
        for row in np.flatnonzero((starts > last) & (starts < len(values))):
            own = values[starts[row] :]
            found[row, : len(own)] = own
        return found


def taken(parts: Sequence[NDArray[Any]], places: Places) -> NDArray[Any]:
    """Return single values of some rows, in their order, of each part its values."""
    found: NDArray[Any] = parts[0].take(places.larger)
    if len(places.others):
        found[places.others] = parts[1].take(places.of_others)
    return found


def _stretches(values: NDArray[Any], starts: NDArray[np.int64], width: int) -> NDArray[Any]:
    """Copy so many values from each place on, shape (places, width)."""
    if values.dtype == object:
        return sliding_window_view(values, width)[starts]
    # As one value of many bytes each: half of the time of a copy by rows and columns.
    size = values.itemsize
    wide = np.ndarray(len(values) - width + 1, f"V{size * width}", values, strides=size)
    found: NDArray[Any] = wide[starts].view(values.dtype).reshape(-1, width)
    return found
