"""Rows of Arrow columns as NumPy arrays, batch by batch: lists padded, with a mask."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError
from winnow.loading.padded_lists import PaddedLists, taken
from winnow.loading.window_parts import WindowParts

Batch = dict[str, Any]
"""Arrays by name, all with as many rows but those of a pool, which has slots of its own; they are
this batch's own, and may be written."""

NEGATIVES = "neg_"
"""How lists with an element per negative are called: they have one mask, called ``mask``."""


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
        self._parts = WindowParts(rows)
        self._scalars: dict[str, list[NDArray[Any]]] = {}
        lists: dict[tuple[bytes, ...], PaddedLists] = {}
        for name in rows.schema.names:
            field, columns = schema.field(name), [part[name] for part in self._parts.parts]
            if not pa.types.is_list(field.type):
                nullable = name if field.nullable else None
                self._scalars[name] = [scalars(column, nullable) for column in columns]
                continue
            lengths = [np.diff(column.offsets.to_numpy()) for column in columns]
            same = lists.setdefault(tuple(n.tobytes() for n in lengths), PaddedLists(lengths))
            elements = [column.flatten() for column in columns]
            kind = field.type.value_type
            filler = _filler(kind, padded.get(name, 0))
            if not name.startswith(NEGATIVES):
                known = [column.is_valid().to_numpy(zero_copy_only=False) for column in elements]
                same.add(f"{name}_mask", known, False)
            values = [scalars(_without_null(column)) for column in elements]
            same.add(name, values, filler)
        self._lists = list(lists.values())

    def at(self, rows: NDArray[np.int64]) -> Batch:
        """Return the rows at some places, in their order."""
        places = self._parts.places(rows)
        batch: Batch = {name: taken(values, places) for name, values in self._scalars.items()}
        for lists in self._lists:
            there, filled = lists.at(places)
            batch |= filled
            if any(name.startswith(NEGATIVES) for name in lists.names):
                batch["mask"] = there
            known = next((name for name in _OF_DRAWS if name in filled), None)
            if known is not None:
                batch["easy"] = ~np.isnan(filled[known])
        return batch


_OF_DRAWS = ("neg_log_q", "neg_mixture_log_q")
"""Numbers where a negative was drawn, NaN where it was chosen."""


def _without_null(elements: pa.Array) -> pa.Array:
    """Return elements with 0 in place of NULL, but fractions and texts as they are."""
    numbers = _as_numbers(elements)
    if not numbers.null_count or not _is_whole(numbers.type):
        return elements
    return numbers.fill_null(pa.scalar(0).cast(numbers.type))


def _filler(kind: pa.DataType, padding: int | str) -> Any:
    if pa.types.is_floating(kind):
        return np.nan
    if pa.types.is_string(kind):
        return padding if isinstance(padding, str) else ""
    return padding


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def scalars(column: pa.Array, nullable: str | None = None) -> NDArray[Any]:
    """Return single values as an array, shape (n,); see ``ArraysOfRows``.

    Args:
        column: The values. nullable: The name of the column where it may have NULL, else None.

    Raises:
        ReleaseError: A whole number of a column with NULL is one that no float64 holds.
    """
    column = _as_numbers(column)
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


def _as_numbers(column: pa.Array) -> pa.Array:
    """Return times and dates as whole numbers, all else as it is."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return pc.cast(column, pa.timestamp("us", kind.tz)).cast(pa.int64())
    return column.cast(pa.int32()) if pa.types.is_date(kind) else column
