"""uniform: every item of the catalogue, each as likely as any other."""

from winnow.config.entries import UniformEntry
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups
from winnow.sampler.weights import integer_weights


def groups(_: UniformEntry, items: CatalogueItems) -> Groups:
    """Return one group: the whole catalogue."""
    return Groups([Group(None, integer_weights(items.clicks, 1.0, 0.0))])
