"""The mask of a batch: which rows are no negatives of which, out of what training_samples says.

A row names its item by the first slot of the batch that has it, and lists by these names the items
that are forbidden to its user. An item that many rows have is listed once.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.errors import Problem, ReleaseError

COLUMNS = ("slot", "batch_item_slot", "batch_conflict_item_slots")
"""What a mask is made of."""


def conflict_mask(batch: pa.Table) -> NDArray[np.bool_]:
    """Return which rows of a batch are no negatives of which, shape (B, B).

    The value at (i, j) is True where the item of row j is forbidden to the user of row i, whom it
    was shown or who clicked it around the date. So it is on the diagonal, of all rows of one item
    for each other, and of all rows of one user. Memory: 2 B² bytes for a moment, then B².

    Args:
        batch: All rows of one batch in the order of ``slot``, as ``ReleaseReader.batches`` gives
            them, with the columns ``COLUMNS``.

    Raises:
        ReleaseError: These are not all rows of one batch in their order, or its columns are not
            there.
    """
    missing = [name for name in COLUMNS if name not in batch.column_names]
    if missing:
        what = "a mask is made of columns that are not there"
        raise ReleaseError(Problem(", ".join(missing), what, next_step=_FIX))
    n = batch.num_rows
    slots = batch["slot"].to_numpy()
    if not np.array_equal(slots, np.arange(n)):
        what = "a mask is of all rows of one batch, in their order"
        raise ReleaseError(
            Problem("slot", what, f"{n} rows", f"slots 0 to {n - 1}", next_step=_FIX)
        )
    lists = batch["batch_conflict_item_slots"].combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy()
    of_items = np.zeros((n, n), bool)
    of_items[np.repeat(np.arange(n), lengths), lists.flatten().to_numpy()] = True
    # A tenth of the time of of_items[:, ...].
    mask: NDArray[np.bool_] = np.take(of_items, batch["batch_item_slot"].to_numpy(), axis=1)
    return mask


def pool_conflict_mask(batch: pa.Table, pool: pa.Table) -> NDArray[np.bool_]:
    """Return which slots of a batch's pool are no negatives of which rows, shape (B, slots).

    The value at (i, j) is True where the item of slot j is forbidden to the user of row i.

    Args:
        batch: Rows with ``pool_conflict_item_slots``.
        pool: All draws of their pool, in the order of ``slot``, with ``item_slot``.
    """
    n = batch.num_rows
    lists = batch["pool_conflict_item_slots"].combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy()
    of_items = np.zeros((n, pool.num_rows), bool)
    of_items[np.repeat(np.arange(n), lengths), lists.flatten().to_numpy()] = True
    mask: NDArray[np.bool_] = np.take(of_items, pool["item_slot"].to_numpy(), axis=1)
    return mask


_FIX = "Take the batches that release.batches(columns=[...]) gives."
