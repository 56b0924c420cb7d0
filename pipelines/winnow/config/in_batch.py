"""In-batch negatives: the batches that a trainer reads, decided by the build."""

from collections.abc import Collection, Iterator

from pydantic import Field

from winnow.config.model import Fault, Frozen, fault


class InBatch(Frozen):
    """Which positives are read together, each one's item being a negative of the others.

    ``batch_size`` is how many rows of training_samples make a batch.
    """

    batch_size: int = Field(ge=2, le=1_000_000)


def in_batch_faults(in_batch: InBatch | None, tables: Collection[str] | None) -> Iterator[Fault]:
    """Give what is wrong where no table would say which batch a row is in."""
    if in_batch is not None and tables is not None and "training_samples" not in tables:
        what = "no table that is written says which batch a row is in"
        yield fault(("in_batch",), what, None, "training_samples among tables")
