"""Batches: where each positive stands, how likely its item is in them, and what must be masked."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
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
        item_rows: int64, shape (m s,): how many rows of each split have each item, item by item.
        first_begins: int64, shape (m + 1,): where those of each item begin in first_positions.
        first_positions: int64: of each item the position of its first row in each batch that has
            it, ascending.
    """

    row_keys: NDArray[np.int64]
    row_users: NDArray[np.uint64]
    row_positions: NDArray[np.int64]
    begins: NDArray[np.int64]
    split_begins: NDArray[np.int64]
    items: NDArray[np.uint64]
    slots: NDArray[np.int32]
    item_rows: NDArray[np.int64]
    first_begins: NDArray[np.int64]
    first_positions: NDArray[np.int64]


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
    n_splits = len(batches.split_begins) - 1
    known = np.full(len(batches.item_rows), np.nan)
    for p in range(len(items)):
        if positions[p] < 0:
            continue
        split = np.searchsorted(batches.split_begins, positions[p], side="right") - 1
        item = batches.slots[find_slot(batches.slots, batches.items, items[p])]
        of_split = n_splits * item + split
        c = batches.item_rows[of_split]
        n = batches.split_begins[split + 1] - batches.split_begins[split]
        k = min(batch_size, n)
        log_q[p] = rounded(natural_log(float(c)) - natural_log(float(n)))
        expected[p] = k * c / n
        if np.isnan(known[of_split]):
            absence = 1.0
            for x in range(c):
                absence *= max(0, n - k - x) / (n - x)
                if absence < 1e-18:
                    break
            known[of_split] = 1.0 - absence
        presence[p] = known[of_split]
    return log_q, expected, presence


@compiled
def first_slots(items, positions, batches):  # type: ignore[no-untyped-def]
    """Return the first slot of each row's batch with the row's item, int32; 0 where in none."""
    found = np.zeros(len(items), np.int32)
    for p in range(len(items)):
        if positions[p] >= 0:
            item = batches.slots[find_slot(batches.slots, batches.items, items[p])]
            batch = np.searchsorted(batches.begins, positions[p], side="right") - 1
            found[p] = _first_slot(item, batch, batches)
    return found


@compiled
def conflicting_items(items, rows, starts, positives_of_user, positions, batches):  # type: ignore[no-untyped-def]
    """Return the items of each row's batch that are forbidden to the row's user.

    The row's own item is one of them, and so are those of the user's other rows.

    Args:
        items: uint64 keys of the events' items.
        rows, starts: The events of each user, see ``GroupedEvents``.
        positives_of_user: int64, shape (u + 1,): where the rows of each user begin.
        positions: int64, shape (p,): as from ``positions_of``.
        batches: The batches.

    Returns:
        int32, the first slot of each such item in the batch, those of one row behind those of
        another and ascending; how many are of each row, int64, shape (p,); and the share of the
        rows of the row's split that have a forbidden item, float64, shape (p,), NaN where in no
        batch.
    """
    lengths, shares = np.zeros(len(positions), np.int64), np.full(len(positions), np.nan)
    slots, n = np.empty(1024, np.int32), 0
    marks = np.zeros(len(batches.items), np.int32)
    n_splits = len(batches.split_begins) - 1
    forbidden = np.zeros(n_splits, np.int64)
    for u in range(len(positives_of_user) - 1):
        own, n_own = np.empty(starts[u + 1] - starts[u], np.int32), 0
        forbidden[:] = 0
        for x in range(starts[u], starts[u + 1]):
            item = batches.slots[find_slot(batches.slots, batches.items, items[rows[x]])]
            if item >= 0 and marks[item] != u + 1:
                marks[item] = u + 1
                own[n_own] = item
                n_own += 1
                forbidden += batches.item_rows[n_splits * item : n_splits * (item + 1)]
        for p in range(positives_of_user[u], positives_of_user[u + 1]):
            if positions[p] < 0:
                continue
            batch = np.searchsorted(batches.begins, positions[p], side="right") - 1
            split = np.searchsorted(batches.split_begins, positions[p], side="right") - 1
            while len(slots) < n + n_own:
                slots = np.append(slots, np.empty(len(slots), np.int32))
            begin = n
            for y in range(n_own):
                slot = _first_slot(own[y], batch, batches)
                if slot >= 0:
                    slots[n] = slot
                    n += 1
            slots[begin:n].sort()
            lengths[p] = n - begin
            of_split = batches.split_begins[split + 1] - batches.split_begins[split]
            shares[p] = forbidden[split] / of_split
    return slots[:n], lengths, shares


@inlined
def _first_slot(item, batch, batches):  # type: ignore[no-untyped-def]
    """Return the first slot of a batch that has an item, -1 where none has it."""
    first, last = batches.begins[batch], batches.begins[batch + 1]
    at, end = batches.first_begins[item], batches.first_begins[item + 1]
    while at < end:
        middle = (at + end) // 2
        if batches.first_positions[middle] < first:
            at = middle + 1
        else:
            end = middle
    found = np.int64(-1)
    if at < batches.first_begins[item + 1] and batches.first_positions[at] < last:
        found = batches.first_positions[at] - first
    return found
