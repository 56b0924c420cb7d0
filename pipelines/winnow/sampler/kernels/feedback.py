"""Negatives that the positive's user rejected, before the positive was shown.

The one pool that may hold what the user was shown: a rejection is a different fact than a missing
click. What the user clicked as well is left out, whichever came first: a click says that the item
was a good match, and to push it away would cost more than one negative less.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.events.kinds import CLICKED
from winnow.sampler.kernels.hashing import U, fold

CHOOSE_RANDOM, CHOOSE_RECENT = 0, 1

_LATEST = 2**63 - 1


class AskedFeedback(NamedTuple):
    """What is asked for of items that the user rejected.

    Attributes:
        asked: How many of a positive; 0 where nothing is asked for.
        code: Of the source, as in neg_source. stage: What stands for the stage that there is none
            of. selection: CHOOSE_RANDOM or CHOOSE_RECENT. stream: Names the hashes that choose.
    """

    asked: int = 0
    code: int = 0
    stage: int = 0
    selection: int = CHOOSE_RANDOM
    stream: int = 0


class Rejected(NamedTuple):
    """Room for the rejections of one user, filled from the front; made once for all users.

    Attributes:
        item: uint64 key, ascending. us: int64, when; ascending for one item.
        code: int32, the item's in the catalogue, or -1.
        clicked: bool, whether the user clicked the item in the exclusion window.
    """

    item: NDArray[np.uint64]
    us: NDArray[np.int64]
    code: NDArray[np.int32]
    clicked: NDArray[np.bool_]


@compiled
def new_rejected(n):  # type: ignore[no-untyped-def]
    """Return room for n rejections."""
    return Rejected(
        np.empty(n, np.uint64), np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.bool_)
    )


@compiled
def fill_rejected(events, grouped, user, n_before, room):  # type: ignore[no-untyped-def]
    """Put what one user rejected into room.

    Args:
        events, grouped: The events. user: The user's number.
        n_before: How many groups of events go before those of what users rejected.
        room: Receives the rejections.

    Returns:
        How many there are.
    """
    first, last = grouped.starts[n_before + user], grouped.starts[n_before + user + 1]
    n = last - first
    if n == 0:
        return n
    rows, codes = grouped.rows[first:last], grouped.codes[first:last]
    item, us = events.item[rows], events.event_us[rows]
    order = np.argsort(us, kind="mergesort")
    order = order[np.argsort(item[order], kind="mergesort")]
    room.item[:n], room.us[:n], room.code[:n] = item[order], us[order], codes[order]
    room.clicked[:n] = False
    for x in range(grouped.starts[user], grouped.starts[user + 1]):
        row = grouped.rows[x]
        if events.kind[row] != CLICKED:
            continue
        item = events.item[row]
        at = np.searchsorted(room.item[:n], item)
        while at < n and room.item[at] == item:
            room.clicked[at] = True
            at += 1
    return n


@compiled
def choose_rejected(  # type: ignore[no-untyped-def]
    asked, room, n, positive, shown_us, hash_of_positive, chosen, order_by
):
    """Choose as many of what the user rejected as asked for, for one positive, each item once.

    A candidate was rejected before the positive was shown, is in the catalogue, was not clicked,
    and is not the positive itself. CHOOSE_RANDOM takes the smallest hashes of (positive, item);
    CHOOSE_RECENT what was rejected last before the positive was shown, of equal times the smallest
    key.

    Args:
        asked: What is asked for.
        room, n: What ``fill_rejected`` filled.
        positive: uint64, the positive's item key. shown_us: When it was shown.
        hash_of_positive: uint64.
        chosen: int32, at least as long as asked for: receives catalogue codes, in order of choice.
        order_by: uint64, as long: scratch.

    Returns:
        How many were chosen, how many candidates there were, and how many items the user had
        rejected before, candidates or not.
    """
    k, n_chosen, n_pool, n_before = asked.asked, 0, 0, 0
    start = fold(hash_of_positive, U(asked.stream))
    x = 0
    while x < n:
        item, latest, first = room.item[x], -1, x
        while x < n and room.item[x] == item:
            if room.us[x] < shown_us:
                latest = x
            x += 1
        if latest < 0:
            continue
        n_before += 1
        if room.code[first] < 0 or room.clicked[first] or item == positive:
            continue
        n_pool += 1
        by = fold(start, item)
        if asked.selection == CHOOSE_RECENT:
            by = U(_LATEST - room.us[latest])
        if n_chosen == k and not by < order_by[n_chosen - 1]:
            continue
        at = n_chosen if n_chosen < k else k - 1
        n_chosen = min(n_chosen + 1, k)
        while at > 0 and by < order_by[at - 1]:
            order_by[at], chosen[at] = order_by[at - 1], chosen[at - 1]
            at -= 1
        order_by[at], chosen[at] = by, room.code[first]
    return n_chosen, n_pool, n_before
