"""Batches in which no row's item is forbidden to the user of another row."""

import numpy as np

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.events import find_slot
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.logarithm import natural_log, rounded

OPEN = 64
"""So many batches are filled side by side: each is one bit of a number of 64."""


@compiled
def without_conflicts(splits, users, items, starts, forbidden, n_items, batch_size):  # type: ignore[no-untyped-def]
    """Put rows into batches, each into the first open one in which it is in conflict with no row.

    Two rows are in conflict where the item of one is forbidden to the user of the other. A row that
    none of the open batches takes opens a further one; where 64 are open it is left out. A full
    batch is closed, and at the end of a split all are.

    Args:
        splits: int64, ascending, shape (n,). users, items: Numbers of users and items, int64,
            shape (n,). Rows are in the order in which they are put.
        starts: int64, shape (users + 1,): where the items that are forbidden to each user begin.
        forbidden: int64, their numbers. The items of a user's own rows are among them.
        n_items: How many numbers there are. batch_size: Rows of a full batch.

    Returns:
        int64, the batch of each row, shape (n,), numbered as they were opened; -1 where left out.
    """
    n = len(items)
    batch, before = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    # A bit for each open batch: it has the item; the item is forbidden to one of its users.
    has, bars = np.zeros(n_items, np.uint64), np.zeros(n_items, np.uint64)
    oldest_first, n_open, n_batches = np.empty(OPEN, np.int64), 0, 0
    used, number = np.zeros(OPEN, np.bool_), np.zeros(OPEN, np.int64)
    size, last = np.zeros(OPEN, np.int64), np.full(OPEN, -1, np.int64)
    for row in range(n):
        if row > 0 and splits[row] != splits[row - 1]:
            has[:], bars[:], used[:] = U(0), U(0), False
            n_open = 0
        own, end = starts[users[row]], starts[users[row] + 1]
        taken = has[items[row]] | bars[items[row]]
        for x in range(own, end):
            taken |= has[forbidden[x]]
        at = 0
        while at < n_open and (taken >> U(oldest_first[at])) & U(1) != U(0):
            at += 1
        if at == n_open:
            if n_open == OPEN:
                continue
            place = 0
            while used[place]:
                place += 1
            used[place], number[place], size[place], last[place] = True, n_batches, 0, -1
            oldest_first[n_open] = place
            n_open += 1
            n_batches += 1
        place = oldest_first[at]
        bit = U(1) << U(place)
        batch[row], before[row] = number[place], last[place]
        last[place] = row
        size[place] += 1
        has[items[row]] |= bit
        for x in range(own, end):
            bars[forbidden[x]] |= bit
        if size[place] == batch_size:
            member = row
            while member >= 0:
                has[items[member]] &= ~bit
                for x in range(starts[users[member]], starts[users[member] + 1]):
                    bars[forbidden[x]] &= ~bit
                member = before[member]
            used[place] = False
            n_open -= 1
            for other in range(at, n_open):
                oldest_first[other] = oldest_first[other + 1]
    return batch


@compiled
def shares_of_batches(items, positions, batches):  # type: ignore[no-untyped-def]
    """Return how common the item of each row is in batches that have an item once, shape (p,) each.

    Of the n rows of the split that are in batches c are of the item, and of its b batches as many
    have it.

    Returns:
        ln(c / n), rounded to 1e-9, and c / b, float64. NaN where in no batch.
    """
    log_q = np.full(len(items), np.nan)
    presence = log_q.copy()
    n_splits = len(batches.split_begins) - 1
    for p in range(len(items)):
        if positions[p] < 0:
            continue
        split = np.searchsorted(batches.split_begins, positions[p], side="right") - 1
        item = batches.slots[find_slot(batches.slots, batches.items, items[p])]
        c = batches.item_rows[n_splits * item + split]
        first, end = batches.split_begins[split], batches.split_begins[split + 1]
        b = np.searchsorted(batches.begins, end) - np.searchsorted(batches.begins, first)
        log_q[p] = rounded(natural_log(float(c)) - natural_log(float(end - first)))
        presence[p] = c / b
    return log_q, presence
