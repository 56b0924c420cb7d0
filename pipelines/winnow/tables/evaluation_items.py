"""The items of a date and when each is there, in one file that tasks map into their memory."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.tables.group_lists import Int64s

OPEN_BEGIN, OPEN_END = -(2**62), 2**62
"""Microseconds of a beginning, or an end, that nothing tells."""


@dataclass(frozen=True)
class EvaluationItems:
    """The catalogue of a date by code: the place of an item in the order of 64-bit keys.

    Attributes:
        keys: int64, ascending, shape (N,).
        ids: Item ids, int64 or string, shape (N,).
        begins, ends: When an item is there, int64 microseconds, shape (N,): from the first up to
            before the second.
    """

    keys: Int64s
    ids: pa.Array
    begins: Int64s
    ends: Int64s

    @classmethod
    def of(cls, items: pa.Table) -> "EvaluationItems":
        """Take the items of a date.

        Args:
            items: ``item_key`` (int64), ``item_id``, ``begin_us``, ``end_us`` (int64, NULL where
                open), one row per item in any order.
        """
        items = items.sort_by("item_key").combine_chunks()
        begins = np.asarray(items["begin_us"].fill_null(OPEN_BEGIN).to_numpy(), np.int64)
        ends = np.asarray(items["end_us"].fill_null(OPEN_END).to_numpy(), np.int64)
        ids = items["item_id"].combine_chunks()
        if isinstance(ids, pa.ChunkedArray):
            ids = ids.chunk(0) if ids.num_chunks else pa.array([], ids.type)
        # What ends before it begins is never there.
        return cls(items["item_key"].to_numpy(), ids, begins, np.maximum(begins, ends))

    def save(self, path: Path) -> None:
        """Write one Arrow file."""
        batch = pa.record_batch(
            {
                "key": pa.array(self.keys),
                "id": self.ids,
                "begin": pa.array(self.begins),
                "end": pa.array(self.ends),
            }
        )
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    def codes(self, keys: Int64s) -> NDArray[np.int32]:
        """Return the codes of items, -1 outside the catalogue, shape (m,)."""
        if not len(self.keys):
            return np.full(len(keys), -1, np.int32)
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, at, -1).astype(np.int32)

    def are_there(self, codes: NDArray[np.int32], at_us: Int64s) -> NDArray[np.bool_]:
        """Return whether items are there at a moment, shape (m,)."""
        there = codes >= 0
        known = codes[there]
        there[there] = (self.begins[known] <= at_us[there]) & (at_us[there] < self.ends[known])
        return there

    def count(self, at_us: Int64s) -> Int64s:
        """Return how many items are there at moments, shape (r,)."""
        begun = np.searchsorted(np.sort(self.begins), at_us, side="right")
        ended = np.searchsorted(np.sort(self.ends), at_us, side="right")
        found: Int64s = (begun - ended).astype(np.int64)
        return found


@lru_cache(maxsize=2)
def load_items(path: str) -> EvaluationItems:
    """Map a file of items into memory; a process does so once, and processes share the pages."""
    batch = pa.ipc.open_file(pa.memory_map(path)).get_batch(0)
    keys, begins, ends = (batch[name].to_numpy() for name in ("key", "begin", "end"))
    return EvaluationItems(keys, batch["id"], begins, ends)
