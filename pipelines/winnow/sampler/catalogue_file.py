"""The draw table: the catalogue as arrays in one file that every task maps into its memory."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.errors import InputError, Problem
from winnow.events.item_attributes import ATTRIBUTE
from winnow.sampler.kernels.draw_table import DrawTable, draw_table
from winnow.sampler.weights import integer_weights, keep_probs

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
    """

    draws: DrawTable
    ids: pa.Array
    clicks: NDArray[np.int64]
    other_keys: NDArray[np.uint64]
    other_clicks: NDArray[np.int64]

    @property
    def total_weight(self) -> int:
        """The sum of all weights."""
        return int(self.draws.weights.sum())


def build_catalogue(items: pa.Table, config: "Config") -> Catalogue:
    """Build the draw table of a date.

    Args:
        items: One row per item that is in the catalogue or was clicked: ``item_id``,
            ``item_key`` (int64), ``clicks`` (int64, 0 where never), ``in_catalogue`` (bool), and
            the items' attributes, each named behind ``ATTRIBUTE``; those of items that are not in
            the catalogue are NULL.
        config: alpha, smoothing and the rule for hot items.

    Raises:
        InputError: Two ids of the catalogue have one 64-bit key.
    """
    items = items.sort_by("item_id").combine_chunks()
    keys = items["item_key"].to_numpy().view(np.uint64)
    clicks = items["clicks"].to_numpy()
    inside = items["in_catalogue"].to_numpy()
    _check_keys(keys, items["item_id"])
    weights = integer_weights(clicks[inside], config.popularity.smoothing, config.negatives.alpha)
    keep = keep_probs(clicks, config.positives.downsampling)
    hot = np.flatnonzero(keep < 1.0)
    hot = hot[np.argsort(keys[hot])]
    outside = np.flatnonzero(~inside)
    outside = outside[np.argsort(keys[outside])]
    table = draw_table(keys[inside], weights, keys[hot], keep[hot])
    ids = items["item_id"].combine_chunks().filter(pa.array(inside))
    return Catalogue(table, ids, clicks[inside], keys[outside], clicks[outside])


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


def save_catalogue(catalogue: Catalogue, path: Path) -> None:
    """Write a catalogue as one Arrow file: a row with one list per array."""
    arrays: dict[str, pa.Array] = {
        **{name: pa.array(values) for name, values in catalogue.draws._asdict().items()},
        "ids": catalogue.ids,
        "clicks": pa.array(catalogue.clicks),
        "other_keys": pa.array(catalogue.other_keys),
        "other_clicks": pa.array(catalogue.other_clicks),
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
    arrays = {name: column.to_numpy(zero_copy_only=True) for name, column in values.items()}
    draws = DrawTable(*(arrays[name] for name in DrawTable._fields))
    return Catalogue(draws, ids, arrays["clicks"], arrays["other_keys"], arrays["other_clicks"])


def catalogue_table(catalogue: Catalogue, eligibility: pa.Table) -> pa.Table:
    """Return the catalogue with what item_stats tells of it: one row per item, by ``item_id``.

    Args:
        catalogue: The built catalogue.
        eligibility: One row per item of it, sorted by ``item_id``: ``item_id``,
            ``eligible_from``, ``eligible_to``, and the attributes.
    """
    attributes = [name for name in eligibility.column_names if name.startswith(ATTRIBUTE)]
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
            "weight": pa.array(weights),
            "q": pa.array(weights / max(catalogue.total_weight, 1)),
            "eligible_from": eligibility["eligible_from"],
            "eligible_to": eligibility["eligible_to"],
            **{name.removeprefix(ATTRIBUTE): eligibility[name] for name in attributes},
        }
    )
