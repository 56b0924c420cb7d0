"""Rows of Arrow columns as NumPy arrays, batch by batch: lists padded, with a mask."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError

Batch = dict[str, Any]
"""Arrays by name, all with as many rows but those of a pool, which has slots of its own; they are
this batch's own, and may be written."""

NEGATIVES = "neg_"
"""How lists with an element per negative are called: they have one mask, called ``mask``."""

_Rows = NDArray[np.int64]
_Take = Callable[[_Rows], Batch]


class ArraysOfRows:
    """The rows of a window, from which those of a batch are taken.

    | column | array |
    |---|---|
    | whole numbers, true or false | of their type; where they may be NULL float64, NaN for NULL |
    | fractions | of their type, NaN for NULL |
    | times | int64, microseconds since 1970 in UTC; dates: int32, days |
    | text | objects |
    | lists | (rows, longest list of the batch), padded |

    Padded are whole numbers with 0, ``neg_item_ids`` with the padding id, fractions with NaN, text
    with "". ``mask`` is true where a negative is; each other list has a mask ``NAME_mask``, false
    where an element is NULL too. ``easy`` is true where ``neg_log_q``, or where that was not asked
    for ``neg_mixture_log_q``, is a number.
    """

    def __init__(
        self,
        rows: pa.Table,
        schema: pa.Schema,
        padding_id: int | str = 0,
        paddings: Mapping[str, int] | None = None,
    ) -> None:
        """Take the rows of a table.

        Args:
            rows: They. schema: Says what may be NULL.
            padding_id: What pads ``neg_item_ids``. paddings: What pads others, by their name.

        Raises:
            ReleaseError: A whole number that may be NULL is one that no float64 holds.
        """
        padded = {"neg_item_ids": padding_id, **(paddings or {})}
        self._takes: list[_Take] = []
        lists: dict[bytes, _Lists] = {}
        for name in rows.schema.names:
            field, chunks = schema.field(name), [c for c in rows[name].chunks if len(c)]
            if not pa.types.is_list(field.type):
                values = [scalars(chunk, name if field.nullable else None) for chunk in chunks]
                self._takes.append(_taken(name, _joined(values, field.type)))
                continue
            lengths = _joined([np.diff(chunk.offsets.to_numpy()) for chunk in chunks], pa.int32())
            same = lists.setdefault(lengths.tobytes(), _Lists(lengths))
            elements = [chunk.flatten() for chunk in chunks]
            same.add(name, field.type.value_type, elements, padded.get(name, 0))
        self._takes += [same.at for same in lists.values()]

    def at(self, rows: _Rows) -> Batch:
        """Return the rows at some places, in their order."""
        batch: Batch = {}
        for take in self._takes:
            batch |= take(rows)
        return batch


_OF_DRAWS = ("neg_log_q", "neg_mixture_log_q")
"""Numbers where a negative was drawn, NaN where it was chosen."""

_PADDED = 1.5
"""Lists are padded for all rows of a window at once where that makes them no larger than this."""


class _Lists:
    """Columns of lists that are as long as each other in each row."""

    def __init__(self, lengths: NDArray[np.int32]) -> None:
        self._lengths, self._starts = lengths, np.cumsum(lengths, dtype=np.int64) - lengths
        n, width, total = len(lengths), int(lengths.max(initial=0)), int(lengths.sum())
        self._even = n * width == total
        self._there = None
        if n * width <= _PADDED * max(total, 1):
            self._there = np.arange(width, dtype=np.int32) < lengths[:, None]
        self._columns: dict[str, tuple[NDArray[Any], Any]] = {}

    def add(
        self, name: str, kind: pa.DataType, chunks: Sequence[pa.Array], padding: int | str
    ) -> None:
        """Take one more column of such lists: the elements of all, one after the other."""
        filler: Any = padding
        if pa.types.is_floating(kind):
            filler = np.nan
        elif pa.types.is_string(kind):
            filler = padding if isinstance(padding, str) else ""
        if not name.startswith(NEGATIVES):
            known = [chunk.is_valid().to_numpy(zero_copy_only=False) for chunk in chunks]
            self._add(f"{name}_mask", known, pa.bool_(), False)
        zero = pa.scalar(0).cast(kind) if _is_whole(kind) else None
        values = [scalars(chunk if zero is None else chunk.fill_null(zero)) for chunk in chunks]
        self._add(name, values, kind, filler)

    def _add(self, name: str, values: list[NDArray[Any]], kind: pa.DataType, filler: Any) -> None:
        if self._there is None:
            self._columns[name] = _joined(values, kind), filler
        elif self._even:
            self._columns[name] = _joined(values, kind).reshape(self._there.shape), filler
        else:
            # Each value is copied once, whichever piece it comes from.
            padded = np.full(self._there.shape, filler, values[0].dtype)
            row = done = 0
            for of_chunk in values:
                done += len(of_chunk)
                end = int(np.searchsorted(self._starts, done))
                padded[row:end][self._there[row:end]] = of_chunk
                row = end
            self._columns[name] = padded, filler

    def at(self, rows: _Rows) -> Batch:
        """Return the lists of some rows as matrices, and where they have elements."""
        if self._there is not None:
            width = int(self._lengths.take(rows).max(initial=0))
            there = _rows_of(self._there, rows, width)
            batch = {
                name: _rows_of(values, rows, width) for name, (values, _) in self._columns.items()
            }
        else:
            lengths = self._lengths[rows]
            there = np.arange(lengths.max(initial=0)) < lengths[:, None]
            places = (self._starts[rows][:, None] + np.arange(there.shape[1]))[there]
            batch = {}
            for name, (values, filler) in self._columns.items():
                batch[name] = np.full(there.shape, filler, values.dtype)
                batch[name][there] = values[places]
        if any(name.startswith(NEGATIVES) for name in self._columns):
            batch["mask"] = there
        known = next((name for name in _OF_DRAWS if name in self._columns), None)
        if known is not None:
            batch["easy"] = ~np.isnan(batch[known])
        return batch


def _rows_of(matrix: NDArray[Any], rows: _Rows, width: int) -> NDArray[Any]:
    """Copy some rows, without what is padding in all of them."""
    found = matrix.take(rows, axis=0)
    return found if width == found.shape[1] else np.ascontiguousarray(found[:, :width])


def _joined(parts: list[NDArray[Any]], kind: pa.DataType) -> NDArray[Any]:
    """Return arrays as one, without copying a single one; of no rows there is none."""
    if not parts:
        parts = [scalars(pa.array([], kind))]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _taken(name: str, values: NDArray[Any]) -> _Take:
    return lambda rows: {name: values.take(rows)}


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def scalars(column: pa.Array, nullable: str | None = None) -> NDArray[Any]:
    """Return single values as an array, shape (n,); see ``ArraysOfRows``.

    Args:
        column: The values. nullable: The name of the column where it may have NULL, else None.

    Raises:
        ReleaseError: A whole number of a column with NULL is one that no float64 holds.
    """
    kind = column.type
    if pa.types.is_timestamp(kind):
        column = pc.cast(column, pa.timestamp("us", kind.tz)).cast(pa.int64())
    elif pa.types.is_date(kind):
        column = column.cast(pa.int32())
    if nullable is not None and _is_whole(column.type):
        column = column.cast(pa.int8() if pa.types.is_boolean(column.type) else column.type)
        try:
            column = column.cast(pa.float64())
        except pa.ArrowInvalid as error:
            what = "has NULL, and whole numbers that a float64 would change"
            expected = f"none beyond {2**53}"
            fix = "Give it a vocabulary, which turns ids into small numbers, or leave it out."
            raise ReleaseError(Problem(nullable, what, None, expected, fix)) from error
    values: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return values
