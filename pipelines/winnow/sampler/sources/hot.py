"""hot: the most popular items alone, by (popularity + smoothing)^alpha."""

import math

import numpy as np

from winnow.config.entries import HotEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights


def groups(entry: HotEntry, items: CatalogueItems) -> Groups:
    """Return one group: ceil(top · clicked items) of the most popular, ties by id."""
    popular = int((items.popularity > 0).sum())
    if popular == 0:
        return Groups([])
    # Items are in the order of their ids, and the sort is stable.
    ranked = np.argsort(-items.popularity, kind="stable")[: math.ceil(entry.top * popular)]
    codes = np.sort(ranked).astype(np.int32)
    return Groups(
        [Group(codes, integer_weights(items.popularity[codes], items.smoothing, entry.alpha))]
    )
