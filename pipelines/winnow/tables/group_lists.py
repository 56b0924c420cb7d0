"""The lists of sample groups as arrays: their elements, and which group each belongs to."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.sampler.group_columns import NegativeLists

Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class GroupLists:
    """The lists of one kind of negatives; the i-th elements of a group's lists belong together.

    Attributes:
        groups: The groups, p of them.
        kind: Which lists these are.
    """

    groups: pa.Table
    kind: NegativeLists

    @cached_property
    def lengths(self) -> Int64s:
        """How many elements each group has, int64, shape (p,)."""
        return lengths_of(self._lists("item_ids"))

    @cached_property
    def group(self) -> Int64s:
        """The row of each element's group, int64, shape (m,)."""
        return groups_of(self.lengths)

    @cached_property
    def position(self) -> Int64s:
        """The position of each element in its list, from 0, int64, shape (m,)."""
        return positions_in(self.lengths)

    def elements(self, name: str) -> pa.Array:
        """Return the elements of all lists of a name, shape (m,).

        Raises:
            ValueError: These lists are not as long as those of the item ids.
        """
        lists = self._lists(name)
        if not np.array_equal(lengths_of(lists), self.lengths):
            column, items = self.kind.column(name), self.kind.column("item_ids")
            raise ValueError(f"{column} is not as long as {items}")
        return lists.flatten()

    def of_group(self, name: str) -> NDArray[Any]:
        """Return a column of the groups for each element, shape (m,)."""
        values: NDArray[Any] = self.groups[name].to_numpy()[self.group]
        return values

    def long(self, columns: tuple[str, ...], values: dict[str, pa.Array]) -> pa.Table:
        """Return one row per element: the values, and the group's columns where there are none."""
        shared = [name for name in columns if name not in values]
        repeated = self.groups.select(shared).take(pa.array(self.group))
        return pa.table(
            {name: values[name] if name in values else repeated[name] for name in columns}
        )

    def _lists(self, name: str) -> pa.ListArray:
        return self.groups[self.kind.column(name)].combine_chunks()


def lengths_of(lists: pa.ListArray) -> Int64s:
    """Return how long the lists are, int64, shape (p,)."""
    return np.asarray(pc.list_value_length(lists).to_numpy(), np.int64)


def begins_of(lengths: Int64s) -> Int64s:
    """Return where lists begin that lie one behind the other, int64, shape (p,)."""
    return np.cumsum(lengths) - lengths


def groups_of(lengths: Int64s) -> Int64s:
    """Return which list each element is in, int64, shape (m,)."""
    return np.repeat(np.arange(len(lengths)), lengths)


def positions_in(lengths: Int64s) -> Int64s:
    """Return the position of each element in its list, from 0, int64, shape (m,)."""
    return np.arange(lengths.sum()) - np.repeat(begins_of(lengths), lengths)
