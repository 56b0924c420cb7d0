"""The events of users with positives as ``sample_groups`` takes them."""

import numpy as np
from numpy.typing import NDArray
from winnow.sampler.kernels.draw_table import DrawTable
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.grouped_events import GroupedEvents, group_events
from winnow.sampler.kernels.owners import Owners, owners_of
from winnow.sampler.kernels.positives import Kept


def grouped_of(
    events: Events, kept: Kept, table: DrawTable, *further: NDArray[np.uint64]
) -> tuple[GroupedEvents, Owners]:
    owners = owners_of(kept)
    return group_events(events, owners, table.slots, table.keys, *further), owners
