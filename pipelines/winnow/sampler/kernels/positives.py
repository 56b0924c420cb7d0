"""Positives: which (user, request, item) is one, and which are kept when hot items are thinned."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import starts_of_runs
from winnow.events.kinds import WEAK
from winnow.sampler.kernels.hashing import KEEP_STREAM, SHUFFLE_STREAM, fold, row_hash, unit


class Pairs(NamedTuple):
    """Impressions with a click in their attribution window; shape (n,) each, in any order.

    Attributes:
        user, request, item: uint64 keys; the user is the impression's.
        owner: uint64 key of the request as one of its user's: two users may have requests of one
            id. The ranked items of the request have it too. A hash: of n requests of one partition
            two have the same one with a probability of n² / 2⁶⁵.
        impression_us, click_us: int64 microseconds since 1970-01-01 UTC.
        action: int8, the position of the action in the configured order; larger is stronger. -1:
            there was no click (a weak positive); below: no impression (an organic one). Then it is
            so of all pairs of the positive.
        tie: int64 hash of the impression's other columns: makes the order of duplicates total.
    """

    user: NDArray[np.uint64]
    request: NDArray[np.uint64]
    item: NDArray[np.uint64]
    owner: NDArray[np.uint64]
    impression_us: NDArray[np.int64]
    click_us: NDArray[np.int64]
    action: NDArray[np.int8]
    tie: NDArray[np.int64]


class Kept(NamedTuple):
    """The kept positives, sorted by (user, request, item); shape (p,) each.

    Attributes:
        pair: int64 row in the pairs: the earliest impression with its earliest click.
        user, request, item, owner: uint64 keys.
        action: int8, the strongest action of the positive's pairs.
        hash: uint64, what whether it is kept and its shuffle key start from: of the seed alone.
        draw_hash: uint64, what the choices of its negatives start from: of seed and epoch.
        keep_prob: float64 in (0, 1].
    """

    pair: NDArray[np.int64]
    user: NDArray[np.uint64]
    request: NDArray[np.uint64]
    item: NDArray[np.uint64]
    owner: NDArray[np.uint64]
    action: NDArray[np.int8]
    hash: NDArray[np.uint64]
    draw_hash: NDArray[np.uint64]
    keep_prob: NDArray[np.float64]


class Strengths(NamedTuple):
    """Which positives count besides those that were shown and clicked."""

    weak: bool = False
    organic: bool = False

    def leaves_out(self, action: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Return of each code of an action whether its positive does not count, shape (n,)."""
        weak, organic = action == WEAK, action < WEAK
        left: NDArray[np.bool_] = (weak & (not self.weak)) | (organic & (not self.organic))
        return left


NO_OTHERS = Strengths()


def keep_positives(
    pairs: Pairs,
    hot_items: NDArray[np.uint64],
    hot_keep: NDArray[np.float64],
    seed: np.uint64,
    draw_seed: np.uint64,
    weak_share: float = 1.0,
    thinned: Strengths = NO_OTHERS,
) -> Kept:
    """Reduce pairs to one positive per (user, request, item) and thin those of hot items.

    A positive takes its earliest impression, that impression's earliest click, and the strongest
    action of all its pairs. It is kept when a hash of its keys, in [0, 1), is below keep_prob. Weak
    and organic ones stay, unless they are thinned as well: which of them are there was decided
    before.

    Args:
        pairs: The pairs of one partition.
        hot_items: Sorted uint64 keys of items with keep_prob below 1. hot_keep: their keep_prob.
        seed: What the hashes of positives start from: another epoch keeps the same ones.
        draw_seed: What the hashes for their negatives start from.
        weak_share: How likely weak positives were to be there; part of their keep_prob.
        thinned: Which others than clicked ones are thinned.
    """
    order = np.lexsort(
        (pairs.tie, pairs.click_us, pairs.impression_us, pairs.item, pairs.request, pairs.user)
    )
    first = np.flatnonzero(
        starts_of_runs(pairs.user[order], pairs.request[order], pairs.item[order])
    )
    row = order[first]
    action = np.maximum.reduceat(pairs.action[order], first) if len(first) else pairs.action[:0]
    user, request, item = pairs.user[row], pairs.request[row], pairs.item[row]
    kept, keep_prob, hashes = _choose(user, request, item, hot_items, hot_keep, seed)
    stays = thinned.leaves_out(action)
    kept, keep_prob = kept | stays, np.where(stays, 1.0, keep_prob)
    keep_prob[action == WEAK] *= weak_share
    return Kept(
        row[kept],
        user[kept],
        request[kept],
        item[kept],
        pairs.owner[row[kept]],
        action[kept],
        hashes[kept],
        _row_hashes(user[kept], request[kept], item[kept], draw_seed),
        keep_prob[kept],
    )


def are_kept(
    user: NDArray[np.uint64],
    request: NDArray[np.uint64],
    item: NDArray[np.uint64],
    hot_items: NDArray[np.uint64],
    hot_keep: NDArray[np.float64],
    seed: np.uint64,
) -> NDArray[np.bool_]:
    """Return of each (user, request, item) that was clicked whether it is kept, shape (n,)."""
    kept: NDArray[np.bool_] = _choose(user, request, item, hot_items, hot_keep, seed)[0]
    return kept


@compiled
def _choose(user, request, item, hot_items, hot_keep, seed):  # type: ignore[no-untyped-def]
    kept, keep_prob = np.empty(len(user), np.bool_), np.ones(len(user))
    hashes = np.empty(len(user), np.uint64)
    for p in range(len(user)):
        at = np.searchsorted(hot_items, item[p])
        if at < len(hot_items) and hot_items[at] == item[p]:
            keep_prob[p] = hot_keep[at]
        hashes[p] = row_hash(seed, user[p], request[p], item[p])
        kept[p] = unit(fold(hashes[p], KEEP_STREAM)) < keep_prob[p]
    return kept, keep_prob, hashes


@compiled
def _row_hashes(user, request, item, seed):  # type: ignore[no-untyped-def]
    hashes = np.empty(len(user), np.uint64)
    for p in range(len(user)):
        hashes[p] = row_hash(seed, user[p], request[p], item[p])
    return hashes


@compiled
def shuffle_keys(hashes):  # type: ignore[no-untyped-def]
    """Return the int64 shuffle key of each positive, from its hash; shape (p,)."""
    keys = np.empty(len(hashes), np.uint64)
    for p in range(len(hashes)):
        keys[p] = fold(hashes[p], SHUFFLE_STREAM)
    return keys.view(np.int64)
