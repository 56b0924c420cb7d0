"""In-batch negatives: batches that the build decides, and what those need who make their own."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache

import yaml
from pydantic import Field

from winnow.config.model import Fault, Frozen, fault
from winnow.shipped_files import shipped_text


class InBatch(Frozen):
    """Which positives are read together, each one's item being a negative of the others.

    ``batch_size`` is how many rows of training_samples make a batch.
    """

    batch_size: int = Field(ge=2, le=1_000_000)


class ExcludeItemIds(Frozen):
    """What each user was shown or clicked, for trainers that make batches themselves.

    ``at_most`` is how many items a row lists, the latest ones.
    """

    at_most: int = Field(default=200, ge=1, le=100_000)


IN_BATCH_KEYS = {
    "in_batch": ("which batch a row is in", "of batches"),
    "exclude_item_ids": ("what is forbidden to a user", "of forbidden items"),
}
"""The keys that give training_samples columns, with what these say and are called."""


@cache
def _columns_for(key: str) -> tuple[str, ...]:
    tree = yaml.safe_load(shipped_text("schemas", "training_samples.yaml"))
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
            yield fault((key,), what, None, "training_samples among tables")
        for column in carried:
            if column.lower() in _columns_for(key):
                what = (
                    f"{column} is carried, and training_samples has a column {called} of that name"
                )
                fix = "Carry it by another name: logs.impressions.columns can give it one."
                yield fault((key,), what, next_step=fix)
