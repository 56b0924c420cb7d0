"""The draw table: the catalogue as arrays in one file that every task maps into its memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.dates import CalendarDay
from winnow.errors import InputError, Problem
from winnow.events.item_attributes import ATTRIBUTE
from winnow.sampler.catalogue_items import catalogue_items
from winnow.sampler.kernels.draw_groups import DrawGroups
from winnow.sampler.kernels.draw_table import DrawTable, draw_table
from winnow.sampler.sources.registry import distributions
from winnow.sampler.weights import keep_probs, popularity_of

if TYPE_CHECKING:
    from winnow.config.tree import Config

FIRST_INDEX = 3
"""Item indices start here: 0 to 2 stay free for padding, NULL and unknown ids."""


@dataclass(frozen=True)
class Catalogue:
    """What a task needs to know of the items.

    Attributes:
        draws: The arrays that kernels draw from.
        ids: Item ids by code (int64 or string), sorted.
        clicks: int64 clicks by code.
        other_keys, other_clicks: Keys (sorted uint64) and clicks of clicked items that are not in
            the catalogue.
        first_groups: int32, shape (d,): the first group of each of ``Negatives.distributions``.
        by_item: bool, shape (d,): whether the group depends on the positive's item.
        groups_by_item: int32: of those where it does, one behind the other, the group of a positive
            of each item by code, -1 where none.
    """

    draws: DrawTable
    ids: pa.Array
    clicks: NDArray[np.int64]
    other_keys: NDArray[np.uint64]
    other_clicks: NDArray[np.int64]
    first_groups: NDArray[np.int32]
    by_item: NDArray[np.bool_]
    groups_by_item: NDArray[np.int32]

    @property
    def total_weight(self) -> int:
        """The sum of all weights."""
        return int(self.draws.weights.sum())

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

    def groups_of(self, positive_code: NDArray[np.int32], of: Sequence[int]) -> NDArray[np.int32]:
        """Return the group that each source draws from for each positive, shape (sources, p).

        Args:
            positive_code: By positive, -1 outside the catalogue.
            of: The place of each source's distribution.
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
        return found


def build_catalogue(items: pa.Table, config: "Config", day: CalendarDay) -> Catalogue:
    """Build the draw table of a date.

    Args:
        items: One row per item that is in the catalogue or was clicked: ``item_id``,
            ``item_key`` (int64), ``clicks`` (int64, 0 where never), ``in_catalogue`` (bool),
            ``eligible_from`` (timestamp, NULL where nothing says it), and the items' attributes,
            each named behind ``ATTRIBUTE``; those of items that are not in the catalogue are NULL.
            Where clicks are not the popularity, ``popularity`` (int64, in ``UNITS``).
        config: alpha, smoothing and the rule for hot items.
        day: The date that samples are made of.

    Raises:
        InputError: Two ids of the catalogue have one 64-bit key.
    """
    items = items.sort_by("item_id").combine_chunks()
    keys = items["item_key"].to_numpy().view(np.uint64)
    clicks = items["clicks"].to_numpy()
    inside = items["in_catalogue"].to_numpy()
    _check_keys(keys, items["item_id"])
    keep = keep_probs(popularity_of(items), config.positives.downsampling)
    hot = np.flatnonzero(keep < 1.0)
    hot = hot[np.argsort(keys[hot])]
    outside = np.flatnonzero(~inside)
    outside = outside[np.argsort(keys[outside])]
    of_catalogue = catalogue_items(items, config, day)
    drawn = distributions(config.negatives.distributions, of_catalogue)
    (_, weights), *further = ((g.codes, g.weights) for of in drawn for g in of.groups)
    table = draw_table(keys[inside], weights, keys[hot], keep[hot], tuple(further))
    by_item = [of.of_item for of in drawn]
    return Catalogue(
        table,
        of_catalogue.ids,
        of_catalogue.clicks,
        keys[outside],
        clicks[outside],
        first_groups=np.array([of.first for of in drawn], np.int32),
        by_item=np.array([one is not None for one in by_item], np.bool_),
        groups_by_item=np.concatenate(
            [np.empty(0, np.int32), *(one for one in by_item if one is not None)]
        ),
    )


def _check_keys(keys: NDArray[np.uint64], ids: pa.ChunkedArray) -> None:
    distinct, first = np.unique(keys, return_index=True)
    if len(distinct) == len(keys):
        return
    second = np.setdiff1d(np.arange(len(keys)), first)[0]
    twin = int(first[np.searchsorted(distinct, keys[second])])
    raise InputError(
        Problem(
            "catalogue",
            "two item ids have the same 64-bit key",
            found=f"{ids[twin]} and {ids[int(second)]}",
            expected="distinct keys",
            next_step="Give one of them another id, or declare ids.item: bigint.",
        )
    )


_OF_TABLE = ("keys", "slots", "hot_keys", "hot_keep")
_OF_CATALOGUE = (
    "clicks",
    "other_keys",
    "other_clicks",
    "first_groups",
    "by_item",
    "groups_by_item",
)


def save_catalogue(catalogue: Catalogue, path: Path) -> None:
    """Write a catalogue as one Arrow file: a row with one list per array."""
    arrays: dict[str, pa.Array] = {
        **{name: pa.array(getattr(catalogue.draws, name)) for name in _OF_TABLE},
        **{name: pa.array(getattr(catalogue.draws.groups, name)) for name in DrawGroups._fields},
        **{name: pa.array(getattr(catalogue, name)) for name in _OF_CATALOGUE},
        "ids": catalogue.ids,
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
    ids = values.pop("ids")
    bits = values.pop("by_item").to_numpy(zero_copy_only=False)
    arrays = {name: column.to_numpy(zero_copy_only=True) for name, column in values.items()}
    groups = DrawGroups(*(arrays[name] for name in DrawGroups._fields))
    keys, slots, hot_keys, hot_keep = (arrays[name] for name in _OF_TABLE)
    draws = DrawTable(keys, slots, hot_keys, hot_keep, groups)
    own = {name: arrays[name] for name in _OF_CATALOGUE if name != "by_item"}
    return Catalogue(draws, ids, by_item=bits, **own)


def catalogue_table(catalogue: Catalogue, eligibility: pa.Table) -> pa.Table:
    """Return the catalogue with what item_stats tells of it: one row per item, by ``item_id``.

    Args:
        catalogue: The built catalogue.
        eligibility: One row per item of it, sorted by ``item_id``: ``item_id``,
            ``eligible_from``, ``eligible_to``, and the attributes; ``clicks``, and ``popularity``
            where ``build_catalogue`` was given it.
    """
    attributes = [name for name in eligibility.column_names if name.startswith(ATTRIBUTE)]
    measured = "popularity" in eligibility.column_names
    weights = catalogue.draws.weights
    # Most clicked first, ties by item id: ids are sorted, and the sort is stable.
    by_clicks = np.argsort(-catalogue.clicks, kind="stable")
    index = np.empty(len(weights), np.int64)
    index[by_clicks] = np.arange(FIRST_INDEX, FIRST_INDEX + len(weights))
    return pa.table(
        {
            "item_id": catalogue.ids,
            "item_idx": pa.array(index),
            "clicks": pa.array(catalogue.clicks),
            **({"popularity": pa.array(popularity_of(eligibility))} if measured else {}),
            "weight": pa.array(weights),
            "q": pa.array(weights / max(catalogue.total_weight, 1)),
            "eligible_from": eligibility["eligible_from"],
            "eligible_to": eligibility["eligible_to"],
            **{name.removeprefix(ATTRIBUTE): eligibility[name] for name in attributes},
        }
    )
