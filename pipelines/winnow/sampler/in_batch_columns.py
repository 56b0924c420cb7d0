"""In-batch data of positives as columns of sample groups: batch, slot, chances, conflicts."""

import numpy as np
import pyarrow as pa

from winnow.arrays.lists import lists_of
from winnow.sampler.kernels.batches import (
    Batches,
    conflicting_items,
    positions_of,
    shares_of_items,
    slots_of_items,
)
from winnow.sampler.kernels.conflict_free import shares_of_batches
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.positives import Kept, shuffle_keys

IN_BATCH = pa.schema(
    [
        pa.field("batch_id", pa.int64()),
        pa.field("slot", pa.int32()),
        pa.field("batch_rows", pa.int32()),
        pa.field("in_batch_log_q", pa.float64()),
        pa.field("in_batch_expected", pa.float64()),
        pa.field("in_batch_presence", pa.float64()),
        pa.field("in_batch_forbidden", pa.float64()),
        pa.field("batch_item_slot", pa.int32()),
        pa.field("batch_conflict_item_slots", pa.list_(pa.int32())),
    ]
)
"""One value per group; NULL where the positive is in no batch."""

_CHANCES = ("in_batch_log_q", "in_batch_expected", "in_batch_presence")


def in_batch_columns(
    kept: Kept,
    events: Events,
    grouped: GroupedEvents,
    owners: Owners,
    batches: Batches,
    *,
    conflict_free: bool = False,
) -> dict[str, pa.Array]:
    """Return the columns of ``IN_BATCH`` of the positives of one partition.

    Args:
        kept: The positives. events: The events of their users.
        grouped: The events, user by user. owners: The users.
        batches: The batches of the date.
        conflict_free: Whether each batch has an item once.
    """
    positions = positions_of(shuffle_keys(kept.hash), kept.user, batches)
    outside = positions < 0
    batch = np.searchsorted(batches.begins, positions, side="right") - 1
    begins = batches.begins[batch]
    if conflict_free:
        log_q, presence = shares_of_batches(kept.item, positions, batches)
        chances = (log_q, presence, presence)
    else:
        # Where no batch is full, a split is one batch of as many rows as it has.
        full = int(np.diff(batches.begins).max(initial=0))
        chances = shares_of_items(kept.item, positions, batches, full)
    slots, lengths, forbidden = conflicting_items(
        events.item, grouped.rows, grouped.starts, owners.positives_of_user, positions, batches
    )
    conflicts = lists_of(pa.array(slots), lengths)
    whole = {
        "batch_id": batch,
        "slot": (positions - begins).astype(np.int32),
        "batch_rows": (batches.begins[np.minimum(batch + 1, len(batches.begins) - 1)] - begins),
        **dict(zip(_CHANCES, chances, strict=True)),
        "in_batch_forbidden": forbidden,
        "batch_item_slot": slots_of_items(kept.item, positions, batches),
    }
    columns = {
        name: pa.array(values, IN_BATCH.field(name).type, mask=outside)
        for name, values in whole.items()
    }
    if outside.any():
        known = pa.array(np.where(outside, -1, np.arange(len(outside))), mask=outside)
        conflicts = conflicts.take(known)
    return columns | {"batch_conflict_item_slots": conflicts}
