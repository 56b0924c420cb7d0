"""segment: the whole catalogue, by how popular an item is among users like the positive's.

What is popular with everybody is not what is popular with a segment: draws by the popularity of
all push down too little what this segment clicks, and too much what others do.
"""

import numpy as np

from winnow.config.pool_entries import SegmentEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights


def groups(entry: SegmentEntry, items: CatalogueItems) -> Groups:
    """Return one group of all items for each segment; smoothing leaves none without a chance."""
    known, found = items.segments[entry.attribute], []
    starts = np.searchsorted(known.segment, np.arange(len(known.values) + 1))
    for g in range(len(known.values)):
        own = slice(int(starts[g]), int(starts[g + 1]))
        popularity = np.zeros(len(items), known.popularity.dtype)
        popularity[known.item[own]] = known.popularity[own]
        found.append(Group(None, integer_weights(popularity, items.smoothing, entry.alpha)))
    return Groups(found if len(items) else [], of_user=tuple(known.values) if len(items) else None)
