"""In-batch negatives: the batches that a trainer reads, decided by the build."""

from collections.abc import Collection, Iterator
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


@cache
def columns_of_batches() -> tuple[str, ...]:
    """Return the columns that training_samples has where batches are asked for, by its contract."""
    tree = yaml.safe_load(shipped_text("schemas", "training_samples.yaml"))
    return tuple(column["name"] for column in tree["columns"] if column.get("when") == "in_batch")


def in_batch_faults(
    in_batch: InBatch | None, tables: Collection[str] | None, carried: Collection[str]
) -> Iterator[Fault]:
    """Give what is wrong where no table would say which batch a row is in, or two columns would.

    Args:
        in_batch: What is asked for. tables: Those that are written; None where that is wrong.
        carried: The columns that are carried to samples.
    """
    if in_batch is None:
        return
    if tables is not None and "training_samples" not in tables:
        what = "no table that is written says which batch a row is in"
        yield fault(("in_batch",), what, None, "training_samples among tables")
    for column in carried:
        if column.lower() in columns_of_batches():
            what = f"{column} is carried, and training_samples has a column of batches of that name"
            fix = "Carry it by another name: logs.impressions.columns can give it one."
            yield fault(("in_batch",), what, next_step=fix)
