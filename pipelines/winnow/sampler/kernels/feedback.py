"""Negatives that the positive's user rejected, before the positive was shown.

The only candidates that the user may have been shown: a rejection is a different fact than a
missing click. What the user clicked as well is left out, whichever came first: a click says that
the item was a good match, and to push it away would cost more than one negative less.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.events.kinds import CLICKED
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.mix import feedback_reason
from winnow.sampler.kernels.negative_columns import Chosen
from winnow.sampler.kernels.owners import Owners

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


def choose_rejected(
    events: Events,
    grouped: GroupedEvents,
    owners: Owners,
    hashes: NDArray[np.uint64],
    items: NDArray[np.uint64],
    shown_us: NDArray[np.int64],
    asked: AskedFeedback,
    missing: NDArray[np.int32],
) -> tuple[NDArray[np.int32], Chosen]:
    """Choose the negatives of positives that their users rejected.

    Args:
        events, grouped: What users rejected, and clicked. owners: Whose it is.
        hashes, items: By positive its hash and its item's key, shape (p,).
        shown_us: When it was shown, shape (p,).
        asked: What is asked for.
        missing: Shape (p, reasons): receives how many each positive lacks, by the reason.

    Returns:
        How many each positive got, shape (p,), and these.
    """
    n_users, n_before = len(owners.users), len(owners.users) + 2 * len(owners.requests)
    most = int(np.diff(grouped.starts)[n_before : n_before + n_users].max(initial=0))
    room = Rejected(
        item=np.empty(most, np.uint64),
        us=np.empty(most, np.int64),
        code=np.empty(most, np.int32),
        clicked=np.empty(most, np.bool_),
    )
    n_of_positive = np.zeros(len(hashes), np.int32)
    chosen = Chosen.room_for(len(hashes) * asked.asked)
    chosen.source[:], chosen.stage[:] = asked.code, asked.stage
    chosen.rank[:], chosen.size[:], chosen.score[:] = 0, 0, np.nan
    found = n_of_positive, chosen.code, chosen.incl_prob, missing
    n = _choose(events, grouped, owners, hashes, items, shown_us, asked, room, found)
    return n_of_positive, chosen.first(n)


@compiled
def _choose(events, grouped, owners, hashes, items, shown_us, asked, room, found):  # type: ignore[no-untyped-def]
    n_of_positive, codes, chances, missing = found
    chosen, order_by = np.empty(asked.asked, np.int32), np.empty(asked.asked, np.uint64)
    n_before, at = len(owners.users) + 2 * len(owners.requests), np.int64(0)
    for u in range(len(owners.users)):
        n_rejected = fill_rejected(events, grouped, u, n_before, room)
        for p in range(owners.positives_of_user[u], owners.positives_of_user[u + 1]):
            n, n_left, n_earlier = _of_positive(
                asked, room, n_rejected, items[p], shown_us[p], hashes[p], chosen, order_by
            )
            for x in range(n):
                codes[at] = chosen[x]
                chances[at] = n / n_left if asked.selection == CHOOSE_RANDOM else np.nan
                at += 1
            n_of_positive[p] = n
            missing[p, feedback_reason(n_earlier, n_left)] += asked.asked - n
    return at


@inlined
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


@inlined
def _of_positive(  # type: ignore[no-untyped-def]
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
