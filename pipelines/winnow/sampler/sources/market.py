"""market: items that are sold in the market of the positive's request, by popularity there.

What a request could not have shown is no negative of it: the catalogue of its market is what is
drawn from, with weights and probabilities of its own.
"""

from itertools import pairwise

import numpy as np

from winnow.config.pool_entries import MarketEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import weights_by_group


def groups(entry: MarketEntry, items: CatalogueItems) -> Groups:
    """Return one group for each market that has items; an item is in as many as it is sold in."""
    known = items.markets[entry.columns]
    starts = np.searchsorted(known.market, np.arange(len(known.values) + 1))
    weights = weights_by_group(known.popularity, starts, items.smoothing, entry.alpha)
    bounds = pairwise(starts.tolist())
    found = [Group(known.item[a:b], weights[a:b]) for a, b in bounds]
    return Groups(found, of_user=tuple(known.values) if found else None)
