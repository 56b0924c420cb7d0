"""Which module gives the groups of a source: the list that a further source is added to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from winnow.config.entries import OwnEntry
from winnow.config.entry import Entry
from winnow.config.sources import own_source
from winnow.errors import ConfigError, Problem
from winnow.sampler.sources import (
    cold,
    exposed,
    hot,
    market,
    popularity,
    same_attribute,
    segment,
    uniform,
)
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups, GroupsOf

_GROUPS: Mapping[str, GroupsOf] = {
    "popularity": popularity.groups,
    "uniform": uniform.groups,
    "hot": hot.groups,
    "cold": cold.groups,
    "same_attribute": same_attribute.groups,
    "exposed": exposed.groups,
    "segment": segment.groups,
    "market": market.groups,
}


@dataclass(frozen=True)
class Distribution:
    """What a source draws from, with its groups among those of all sources.

    Attributes:
        first: The number of its first group.
        groups: Its groups.
        of_item: int32, shape (n,): the number of the group of a positive of each item, -1 where
            none; None where every positive draws from the first one.
        of_user: As in ``Groups``.
    """

    first: int
    groups: Sequence[Group]
    of_item: NDArray[np.int32] | None
    of_user: Sequence[str] | None = None


def groups_of(entry: Entry, items: CatalogueItems) -> Groups:
    """Return the groups that an entry of ``negatives.easy`` draws from.

    Raises:
        ConfigError: A source of the user's own is not registered here, or gives no legal groups.
    """
    if not isinstance(entry, OwnEntry):
        return _GROUPS[entry.source](entry, items)
    own = own_source(entry.source)
    where = f"the source {entry.source}"
    if own is None:
        raise ConfigError(Problem(where, "it is registered in no process of this build"))
    found: Groups = own.drawn_by.groups(own.parsed(entry.settings), items)
    faults = [_fault(group, len(items)) for group in found.groups]
    for what in (*faults, _fault_of_items(found, len(items))):
        if what:
            raise ConfigError(Problem(where, what))
    return found


def distributions(entries: Sequence[Entry], items: CatalogueItems) -> tuple[Distribution, ...]:
    """Return what each of several entries draws from, numbered through."""
    found, first = [], 0
    for entry in entries:
        made = groups_of(entry, items)
        of_item, of_user = made.of_item, made.of_user
        if not made.groups:
            of_user = None
            of_item = np.full(len(items), -1, np.int32)
        if of_item is not None:
            of_item = np.where(of_item >= 0, of_item + first, -1).astype(np.int32)
        found.append(Distribution(first, made.groups, of_item, of_user))
        first += len(made.groups)
    return tuple(found)


def _fault(group: Group, n_items: int) -> str | None:
    """Return what is wrong with a group, or None."""
    weights, codes = group.weights, group.codes
    n = n_items if codes is None else len(codes)
    if weights.dtype != np.int64 or len(weights) != n or n == 0:
        return "a group needs one int64 weight for each of its items, and an item"
    if int(weights.min()) < 1 or float(weights.sum(dtype=np.float64)) >= min(2.0**52, 2.0**61 / n):
        return "weights must be 1 at least, and their sum below 2^52 and 2^61 / items"
    if codes is None:
        return None
    if codes.dtype != np.int32 or codes[0] < 0 or codes[-1] >= n_items:
        return "codes must be int32, from 0 to the number of items"
    return None if bool((np.diff(codes) > 0).all()) else "codes must ascend"


def _fault_of_items(found: Groups, n_items: int) -> str | None:
    of_item = found.of_item
    if found.of_user is not None:
        return "groups by users are for sources that come with Winnow"
    if of_item is None:
        return None if len(found.groups) <= 1 else "several groups need of_item"
    if of_item.dtype != np.int32 or len(of_item) != n_items:
        return "of_item must be int32, one number for each item"
    inside = n_items == 0 or (of_item.min() >= -1 and of_item.max() < len(found.groups))
    return None if inside else "of_item must be the number of a group, or -1"
