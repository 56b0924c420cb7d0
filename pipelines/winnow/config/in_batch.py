"""In-batch negatives: batches that the build decides, and what those need who make their own."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from winnow.config.batch_pool import BatchPool
from winnow.config.model import Fault, Frozen, fault
from winnow.frequency.estimator import FrequencySettings
from winnow.shipped_files import shipped_tree


class Streaming(Frozen):
    """A running estimate of how likely items are in batches, carried from date to date.

    Attributes:
        rate, arrays, buckets, start_gap: As in ``FrequencySettings``.
        stale: Count the steps since an item was last seen as its gap where they are more.
        on_missing_state: What to do where the date before has no state to go on from.
    """

    rate: float = Field(default=0.01, gt=0, lt=1)
    arrays: int = Field(default=2, ge=1, le=16)
    buckets: int = Field(default=1_000_000, ge=1, le=100_000_000)
    start_gap: float = Field(default=100.0, ge=1, le=1e6)
    stale: bool = False
    on_missing_state: Literal["start_anew", "fail"] = "start_anew"


class InBatch(Frozen):
    """Which positives are read together, each one's item being a negative of the others.

    ``batch_size`` is how many rows of training_samples make a batch, ``conflict_free`` whether no
    row of it may have an item that is forbidden to the user of another. ``streaming`` is the
    estimate of how likely items are in them, ``pool`` the draws that the rows of a batch share;
    None of either: there is none.
    """

    batch_size: int = Field(ge=2, le=1_000_000)
    conflict_free: bool = False
    streaming: Streaming | None = None
    pool: BatchPool | None = None

    @property
    def frequency(self) -> FrequencySettings:
        """What the estimate depends on."""
        asked = self.streaming or Streaming()
        return FrequencySettings(
            self.batch_size, asked.rate, asked.arrays, asked.buckets, asked.start_gap
        )


class ExcludeItemIds(Frozen):
    """What each user was shown or clicked, for trainers that make batches themselves.

    ``at_most`` is how many items a row lists, the latest ones.
    """

    at_most: int = Field(default=200, ge=1, le=100_000)


IN_BATCH_KEYS = {
    "in_batch": ("which batch a row is in", "of batches"),
    "in_batch.streaming": ("how likely items are in batches", "of batches"),
    "in_batch.pool": ("which pool a batch has", "of pools"),
    "exclude_item_ids": ("what is forbidden to a user", "of forbidden items"),
}
"""The keys that give training_samples columns, with what these say and are called."""


@cache
def _columns_for(key: str) -> tuple[str, ...]:
    tree = shipped_tree("schemas", "training_samples.yaml")
    return tuple(column["name"] for column in tree["columns"] if column.get("when") == key)


def in_batch_faults(
    asked: Mapping[str, object], tables: Collection[str] | None, carried: Collection[str]
) -> Iterator[Fault]:
    """Give what is wrong where no table would have the columns of a key, or two would be alike.

    Args:
        asked: Of ``IN_BATCH_KEYS`` those that the config has.
        tables: Those that are written; None where that is wrong.
        carried: The columns that are carried to samples.
    """
    for key in asked:
        says, called = IN_BATCH_KEYS[key]
        if tables is not None and "training_samples" not in tables:
            what = f"no table that is written says {says}"
            yield fault(tuple(key.split(".")), what, None, "training_samples among tables")
        for column in carried:
            if column.lower() in _columns_for(key):
                what = (
                    f"{column} is carried, and training_samples has a column {called} of that name"
                )
                fix = "Carry it by another name: logs.impressions.columns can give it one."
                yield fault(tuple(key.split(".")), what, next_step=fix)
