"""The draw table: the catalogue as arrays in one file that every task maps into its memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.sampler.kernels.draw_groups import DrawGroups
from winnow.sampler.kernels.draw_table import DrawTable


@dataclass(frozen=True)
class Catalogue:
    """What a task needs to know of the items.

    Attributes:
        draws: The arrays that kernels draw from.
        ids: Item ids by code (int64 or string), sorted.
        clicks: int64 clicks by code.
        other_keys, other_clicks: Keys (sorted uint64) and clicks of clicked items that are not in
            the catalogue.
        first_groups: int32, shape (d,): the first group of each of ``Config.distributions``.
        by_item: bool, shape (d,): whether the group depends on the positive's item.
        groups_by_item: int32: of those where it does, one behind the other, the group of a positive
            of each item by code, -1 where none.
        user_begins: int64, shape (d + 1,): where a column of the positive tells the group, an
            attribute of its user or the market of its request, the texts of it are
            user_values[user_begins[d]:user_begins[d + 1]], that of the first group first;
            elsewhere there are none.
        user_values: string.
    """

    draws: DrawTable
    ids: pa.Array
    clicks: NDArray[np.int64]
    other_keys: NDArray[np.uint64]
    other_clicks: NDArray[np.int64]
    first_groups: NDArray[np.int32]
    by_item: NDArray[np.bool_]
    groups_by_item: NDArray[np.int32]
    user_begins: NDArray[np.int64]
    user_values: pa.Array

    @property
    def total_weight(self) -> int:
        """The sum of all weights of the main source."""
        return int(self.draws.groups.totals[0])

    def clicks_of(self, items: NDArray[np.uint64], codes: NDArray[np.int32]) -> NDArray[np.int64]:
        """Return the clicks of items, also of those that are not in the catalogue, shape (k,).

        Args:
            items: Keys. codes: Their codes, -1 outside the catalogue.
        """
        clicks = np.zeros(len(codes), np.int64)
        inside = codes >= 0
        clicks[inside] = self.clicks[codes[inside]]
        at = np.searchsorted(self.other_keys, items[~inside])
        found = at < len(self.other_keys)
        found[found] = self.other_keys[at[found]] == items[~inside][found]
        clicks[np.flatnonzero(~inside)[found]] = self.other_clicks[at[found]]
        return clicks

    def by_user(self, place: int) -> bool:
        """Return whether a column of the positive tells the group of a distribution."""
        return bool(self.user_begins[place + 1] > self.user_begins[place])

    def groups_of(
        self,
        positive_code: NDArray[np.int32],
        of: Sequence[int],
        texts: Mapping[int, pa.Array] = MappingProxyType({}),
    ) -> NDArray[np.int32]:
        """Return the group that each source draws from for each positive, shape (sources, p).

        Args:
            positive_code: By positive, -1 outside the catalogue.
            of: The place of each source's distribution.
            texts: By place, of those that a column of the positive tells: it, by positive.
        """
        found = np.empty((len(of), len(positive_code)), np.int32)
        n, outside = len(self.ids), positive_code < 0
        begins = [int(self.by_item[:place].sum()) for place in range(len(self.by_item))]
        for row, place in enumerate(of):
            found[row] = self.first_groups[place]
            if self.by_item[place]:
                own = self.groups_by_item[begins[place] * n : (begins[place] + 1) * n]
                found[row] = -1
                found[row][~outside] = own[positive_code[~outside]]
            elif self.by_user(place):
                a, b = self.user_begins[place], self.user_begins[place + 1]
                at = pc.index_in(texts[place], self.user_values.slice(a, b - a)).fill_null(-1)
                segment = np.asarray(at.to_numpy(), np.int32)
                found[row] = np.where(segment >= 0, found[row] + segment, -1)
        return found


_OF_TABLE = ("keys", "slots", "hot_keys", "hot_keep")
_OF_CATALOGUE = (
    "clicks",
    "other_keys",
    "other_clicks",
    "first_groups",
    "by_item",
    "groups_by_item",
    "user_begins",
)


def save_catalogue(catalogue: Catalogue, path: Path) -> None:
    """Write a catalogue as one Arrow file: a row with one list per array."""
    arrays: dict[str, pa.Array] = {
        **{name: pa.array(getattr(catalogue.draws, name)) for name in _OF_TABLE},
        **{name: pa.array(getattr(catalogue.draws.groups, name)) for name in DrawGroups._fields},
        **{name: pa.array(getattr(catalogue, name)) for name in _OF_CATALOGUE},
        "ids": catalogue.ids,
        "user_values": catalogue.user_values,
    }
    columns = [
        pa.LargeListArray.from_arrays(pa.array([0, len(a)], pa.int64()), a) for a in arrays.values()
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=list(arrays))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


@lru_cache(maxsize=2)
def load_catalogue(path: str) -> Catalogue:
    """Map a catalogue file into memory; a process does so once, and processes share the pages."""
    batch = pa.ipc.open_file(pa.memory_map(path)).get_batch(0)
    values = {name: batch.column(name).values for name in batch.schema.names}
    ids, user_values = values.pop("ids"), values.pop("user_values")
    bits = values.pop("by_item").to_numpy(zero_copy_only=False)
    arrays = {name: column.to_numpy(zero_copy_only=True) for name, column in values.items()}
    groups = DrawGroups(*(arrays[name] for name in DrawGroups._fields))
    keys, slots, hot_keys, hot_keep = (arrays[name] for name in _OF_TABLE)
    draws = DrawTable(keys, slots, hot_keys, hot_keep, groups)
    own = {name: arrays[name] for name in _OF_CATALOGUE if name != "by_item"}
    return Catalogue(draws, ids, by_item=bits, user_values=user_values, **own)
