"""What positives say of the pool of their batch, as columns of sample groups."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.lists import lists_of
from winnow.sampler.kernels.batches import Batches, positions_of
from winnow.sampler.kernels.draw_table import DrawTable
from winnow.sampler.kernels.forbidden import forbidden_codes
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.pools import Pools, forbidden_slots, mixture_log_q
from winnow.sampler.kernels.positives import Kept, shuffle_keys

OF_POOL = pa.schema(
    [
        pa.field("pool_id", pa.int64()),
        pa.field("in_batch_mixture_log_q", pa.float64()),
        pa.field("pool_conflict_item_slots", pa.list_(pa.int32())),
    ]
)
"""One value per group; NULL where the positive is in no batch."""


def pool_columns(
    kept: Kept,
    codes: NDArray[np.int32],
    grouped: GroupedEvents,
    owners: Owners,
    draws: DrawTable,
    batches: Batches,
    pools: Pools,
) -> dict[str, pa.Array]:
    """Return the columns of ``OF_POOL`` of the positives of one partition.

    Args:
        kept: The positives. codes: The catalogue codes of their items, -1 outside of it.
        grouped: The events, user by user. owners: The users.
        draws: The catalogue. batches, pools: Those of the date.
    """
    positions = positions_of(shuffle_keys(kept.hash), kept.user, batches)
    outside = positions < 0
    batch = np.searchsorted(batches.begins, positions, side="right") - 1
    split = np.searchsorted(batches.split_begins, positions, side="right") - 1
    sizes = np.append(np.diff(batches.begins), 0)[batch]
    mixture = mixture_log_q(
        kept.item,
        codes,
        np.where(outside, -1, split),
        sizes,
        batches,
        draws.groups,
        pools.asked,
        pools.group,
    )
    pool = np.where(outside, -1, np.append(pools.of_batch, -1)[batch])
    forbidden = forbidden_codes(grouped, len(owners.users), len(draws.keys))
    slots, lengths = forbidden_slots(forbidden, owners.positives_of_user, pool, pools)
    conflicts = lists_of(pa.array(slots), lengths)
    if outside.any():
        known = pa.array(np.where(outside, -1, np.arange(len(outside))), mask=outside)
        conflicts = conflicts.take(known)
    return {
        "pool_id": pa.array(pool, mask=outside),
        "in_batch_mixture_log_q": pa.array(mixture, mask=outside),
        "pool_conflict_item_slots": conflicts,
    }
