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
        first_begins: int64, shape (m + 1,): where those of each item begin in the next two.
        first_batches: int32: the batches that have the item, ascending. first_slots: int32, the
            first slot with it in each.
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
    first_batches: NDArray[np.int32]
    first_slots: NDArray[np.int32]


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
def slots_of_items(items, positions, batches):  # type: ignore[no-untyped-def]
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
    # Of each batch its place among those that rows of the user are in, -1 where none is.
    place = np.full(len(batches.begins) - 1, -1, np.int32)
    batch_of = np.searchsorted(batches.begins, positions, side="right") - 1
    found, n_found = np.empty(1024, np.int64), 0
    for u in range(len(positives_of_user) - 1):
        own, n_own = np.empty(starts[u + 1] - starts[u], np.int32), 0
        forbidden[:] = 0
        for x in range(starts[u], starts[u + 1]):
            item = batches.slots[find_slot(batches.slots, batches.items, items[rows[x]])]
            if item >= 0 and marks[item] != u + 1:
                marks[item] = u + 1
                own[n_own] = item
                n_own += 1
                for split in range(n_splits):
                    forbidden[split] += batches.item_rows[n_splits * item + split]
        first, last = positives_of_user[u], positives_of_user[u + 1]
        of_user, n_of_user = np.empty(last - first, np.int64), 0
        for p in range(first, last):
            if positions[p] >= 0 and place[batch_of[p]] < 0:
                place[batch_of[p]] = n_of_user
                of_user[n_of_user] = batch_of[p]
                n_of_user += 1
        # A user has several rows, and most items are in few batches: each item is looked at once.
        n_found = 0
        for y in range(n_own):
            at, end = batches.first_begins[own[y]], batches.first_begins[own[y] + 1]
            while len(found) < n_found + n_of_user:
                found = np.append(found, np.empty(len(found), np.int64))
            if end - at <= _FEW * n_of_user:
                for z in range(at, end):
                    b = place[batches.first_batches[z]]
                    if b >= 0:
                        found[n_found] = (np.int64(b) << 32) | batches.first_slots[z]
                        n_found += 1
            else:
                for b in range(n_of_user):
                    slot = _first_slot(own[y], of_user[b], batches)
                    if slot >= 0:
                        found[n_found] = (np.int64(b) << 32) | slot
                        n_found += 1
        found[:n_found].sort()
        begins = np.searchsorted(found[:n_found] >> 32, np.arange(n_of_user + 1))
        for p in range(first, last):
            if positions[p] < 0:
                continue
            b = place[batch_of[p]]
            lengths[p] = begins[b + 1] - begins[b]
            while len(slots) < n + lengths[p]:
                slots = np.append(slots, np.empty(len(slots), np.int32))
            for z in range(begins[b], begins[b + 1]):
                slots[n] = found[z] & 0xFFFFFFFF
                n += 1
            split = np.searchsorted(batches.split_begins, positions[p], side="right") - 1
            of_split = batches.split_begins[split + 1] - batches.split_begins[split]
            shares[p] = forbidden[split] / of_split
        for b in range(n_of_user):
            place[of_user[b]] = -1
    return slots[:n], lengths, shares


_FEW = 4
"""In so many batches, for each batch of a user, an item's batches are all looked at; else each of
the user's is looked for among them."""


@inlined
def _first_slot(item, batch, batches):  # type: ignore[no-untyped-def]
    """Return the first slot of a batch that has an item, -1 where none has it."""
    at, end = batches.first_begins[item], batches.first_begins[item + 1]
    while at < end:
        middle = (at + end) // 2
        if batches.first_batches[middle] < batch:
            at = middle + 1
        else:
            end = middle
    found = np.int64(-1)
    if at < batches.first_begins[item + 1] and batches.first_batches[at] == batch:
        found = np.int64(batches.first_slots[at])
    return found
