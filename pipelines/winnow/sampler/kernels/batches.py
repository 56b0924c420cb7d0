"""Batches: where each positive stands, how likely its item is in them, and what must be masked."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.events import find_slot
from winnow.sampler.kernels.logarithm import natural_log, rounded


class Batches(NamedTuple):
    """The n rows of the date that are in batches, in their order: position 0 to n - 1.

    Attributes:
        row_keys: int64, shape (n,): the shuffle keys, ascending. row_users: uint64, the user of
            each. row_positions: int64, its position. Two rows of one user have one key with a
            probability of rows² / 2⁶⁵ only.
        begins: int64, shape (b + 1,): batch i holds the positions from its i-th to its next.
        split_begins: int64, shape (s + 1,): likewise, of the splits.
        items: uint64, shape (m,): the distinct items, ascending. slots: the table to find them in.
        item_begins: int64, shape (m + 1,): where those of each item begin in item_positions.
        item_positions: int64, shape (n,): the positions of each item's rows, ascending.
    """

    row_keys: NDArray[np.int64]
    row_users: NDArray[np.uint64]
    row_positions: NDArray[np.int64]
    begins: NDArray[np.int64]
    split_begins: NDArray[np.int64]
    items: NDArray[np.uint64]
    slots: NDArray[np.int32]
    item_begins: NDArray[np.int64]
    item_positions: NDArray[np.int64]


@compiled
def positions_of(keys, users, batches):  # type: ignore[no-untyped-def]
    """Return the position of each row by its shuffle key and user, int64, -1 where in no batch."""
    positions = np.full(len(keys), -1, np.int64)
    n = len(batches.row_keys)
    for p in range(len(keys)):
        at = np.searchsorted(batches.row_keys, keys[p])
        while at < n and batches.row_keys[at] == keys[p]:
            if batches.row_users[at] == users[p]:
                positions[p] = batches.row_positions[at]
                break
            at += 1
    return positions


@compiled
def shares_of_items(items, positions, batches, batch_size):  # type: ignore[no-untyped-def]
    """Return how likely the item of each row is in the batches of the row's split, shape (p,) each.

    Of the n rows of the split c are of the item, and a full batch is any k = min(batch_size, n) of
    them, as their order is that of a hash.

    Returns:
        ln(c / n), rounded to 1e-9; k c / n, the rows of it to expect in a batch; and the chance
        that there is one at all, 1 - C(n - c, k) / C(n, k), float64. NaN where in no batch.
    """
    log_q = np.full(len(items), np.nan)
    expected, presence = log_q.copy(), log_q.copy()
    # Rows of one item and split share it, and the product below is long for hot items.
    known = np.full((len(batches.split_begins) - 1, len(batches.items)), np.nan)
    for p in range(len(items)):
        if positions[p] < 0:
            continue
        split = np.searchsorted(batches.split_begins, positions[p], side="right") - 1
        first, last = batches.split_begins[split], batches.split_begins[split + 1]
        item = batches.slots[find_slot(batches.slots, batches.items, items[p])]
        own = batches.item_positions[batches.item_begins[item] : batches.item_begins[item + 1]]
        c = np.searchsorted(own, last) - np.searchsorted(own, first)
        n = last - first
        k = min(batch_size, n)
        log_q[p] = rounded(natural_log(float(c)) - natural_log(float(n)))
        expected[p] = k * c / n
        if np.isnan(known[split, item]):
            absence = 1.0
            for x in range(c):
                absence *= max(0, n - k - x) / (n - x)
                if absence < 1e-18:
                    break
            known[split, item] = 1.0 - absence
        presence[p] = known[split, item]
    return log_q, expected, presence


@compiled
def conflicting_slots(items, rows, starts, positives_of_user, positions, batches):  # type: ignore[no-untyped-def]
    """Return the slots of each row's batch whose item is forbidden to the row's user.

    The row's own slot is left out: its item is the positive. That of another row of the same item,
    or of the same user, is not: both are forbidden to the user.

    Args:
        items: uint64 keys of the events' items.
        rows, starts: The events of each user, see ``GroupedEvents``.
        positives_of_user: int64, shape (u + 1,): where the rows of each user begin.
        positions: int64, shape (p,): as from ``positions_of``.
        batches: The batches.

    Returns:
        int32 slots, those of one row behind those of another and ascending; how many are of each
        row, int64, shape (p,); and the share of the rows of the row's split that have a forbidden
        item, float64, shape (p,), NaN where in no batch.
    """
    lengths, shares = np.zeros(len(positions), np.int64), np.full(len(positions), np.nan)
    slots, n = np.empty(1024, np.int32), 0
    marks = np.zeros(len(batches.items), np.int32)
    for u in range(len(positives_of_user) - 1):
        own, n_own = np.empty(starts[u + 1] - starts[u], np.int32), 0
        for x in range(starts[u], starts[u + 1]):
            item = batches.slots[find_slot(batches.slots, batches.items, items[rows[x]])]
            if item >= 0 and marks[item] != u + 1:
                marks[item] = u + 1
                own[n_own] = item
                n_own += 1
        for p in range(positives_of_user[u], positives_of_user[u + 1]):
            if positions[p] < 0:
                continue
            batch = np.searchsorted(batches.begins, positions[p], side="right") - 1
            first, last = batches.begins[batch], batches.begins[batch + 1]
            split = np.searchsorted(batches.split_begins, positions[p], side="right") - 1
            of_split = batches.split_begins[split : split + 2]
            begin, forbidden = n, 0
            for y in range(n_own):
                end = batches.item_begins[own[y] + 1]
                at = batches.item_begins[own[y]]
                of_item = batches.item_positions[at:end]
                ends = np.searchsorted(of_item, of_split)
                forbidden += ends[1] - ends[0]
                at += np.searchsorted(of_item, first)
                while at < end and batches.item_positions[at] < last:
                    if batches.item_positions[at] != positions[p]:
                        if n == len(slots):
                            longer = np.empty(2 * n, np.int32)
                            longer[:n] = slots
                            slots = longer
                        slots[n] = batches.item_positions[at] - first
                        n += 1
                    at += 1
            slots[begin:n].sort()
            lengths[p] = n - begin
            shares[p] = forbidden / (of_split[1] - of_split[0])
    return slots[:n], lengths, shares
