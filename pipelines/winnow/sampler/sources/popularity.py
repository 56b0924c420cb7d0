"""popularity: every item of the catalogue, by (popularity + smoothing)^alpha."""

from winnow.config.entries import PopularityEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights


def groups(entry: PopularityEntry, items: CatalogueItems) -> Groups:
    """Return one group: the whole catalogue.

    Source:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.2.
    """
    return Groups([Group(None, integer_weights(items.popularity, items.smoothing, entry.alpha))])
