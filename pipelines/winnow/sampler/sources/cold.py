"""cold: items with few clicks and new ones, each as likely as any other.

Without them an item that nobody clicks is hardly ever a negative, and the model has no opinion of
it when it must rank the whole catalogue: sample selection bias.
"""

import numpy as np

from winnow.config.entries import ColdEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights


def groups(entry: ColdEntry, items: CatalogueItems) -> Groups:
    """Return one group: items with at most ``most_clicks``, and those of the last ``new_days``."""
    cold = items.clicks <= entry.most_clicks
    if entry.new_days:
        cold |= items.since_us >= items.day.shifted(1 - entry.new_days).start_us
    codes = np.flatnonzero(cold).astype(np.int32)
    if len(codes) == 0:
        return Groups([])
    return Groups([Group(codes, integer_weights(items.clicks[codes], 1.0, 0.0))])
