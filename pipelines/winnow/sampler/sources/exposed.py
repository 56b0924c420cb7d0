"""exposed: items that anybody was shown on the dates before, by impressions^alpha.

An item that was shown came through every stage for somebody, so as a negative of another user it
is harder than one that nobody sees. What the user was shown is forbidden as ever.
"""

import numpy as np

from winnow.config.pool_entries import ExposedEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights


def groups(entry: ExposedEntry, items: CatalogueItems) -> Groups:
    """Return one group: the items with impressions in the window of the entry."""
    shown = items.impressions[entry.days]
    codes = np.flatnonzero(shown > 0).astype(np.int32)
    if len(codes) == 0:
        return Groups([])
    # Each of them has one impression at least: nothing needs to be added.
    return Groups([Group(codes, integer_weights(shown[codes], 0.0, entry.alpha))])
