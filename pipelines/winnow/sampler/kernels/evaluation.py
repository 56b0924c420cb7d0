"""What a request is evaluated with: items drawn evenly without repeats, and items seen before."""

import numpy as np

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.hashing import EVALUATION_STREAM, U, below, fold, row_hash

_TRIES = 8
"""So many candidates per negative are looked at before the rest of the pool is listed."""


@compiled
def draw_evenly(  # type: ignore[no-untyped-def]
    seed, users, requests, asked_us, own_codes, starts, begins, ends, at_most
):
    """Draw items of the catalogue for requests, each set of n of a pool as likely as any other.

    The j-th candidate is item ⌊N · h / 2^64⌋ for a hash h of (seed, user, request, j). Those that
    are not of the pool, or were taken before, are passed over. After 8 n candidates the rest of the
    pool is listed in the order of codes, and each further one takes an item out of it.

    Args:
        seed: What ``seed_state`` gives of the seed and epoch 0: every epoch has the same ones.
        users, requests: uint64 keys, shape (r,).
        asked_us: When each request began, int64, shape (r,).
        own_codes: Distinct codes of the items that users were shown or clicked, -1 outside the
            catalogue, of request i those of its user: starts[i, 0] up to starts[i, 1].
        starts: int64, shape (r, 2).
        begins, ends: When items are there, int64 microseconds, shape (N,): from the first of these
            up to before the second.
        at_most: n where the pool is large enough.

    Returns:
        Codes of the negatives, int32, shape (r, at_most), -1 behind the last one; and M, the items
        of each pool, int64, shape (r,).
    """
    n_items, n_requests = len(begins), len(users)
    found = np.full((n_requests, at_most), -1, np.int32)
    pools = np.zeros(n_requests, np.int64)
    # Sorted, they tell how many items are there at any moment.
    all_begins, all_ends = np.sort(begins), np.sort(ends)
    marks = np.zeros(n_items, np.int32)
    for i in range(n_requests):
        now, mark = asked_us[i], np.int32(i + 1)
        pool = np.searchsorted(all_begins, now, side="right") - np.searchsorted(
            all_ends, now, side="right"
        )
        for place in range(starts[i, 0], starts[i, 1]):
            code = own_codes[place]
            if code >= 0:
                marks[code] = mark
                if begins[code] <= now < ends[code]:
                    pool -= 1
        pools[i] = pool
        wanted = min(at_most, pool)
        if wanted == 0:
            continue
        own = row_hash(seed, users[i], requests[i], EVALUATION_STREAM)
        state, number, n = fold(own, EVALUATION_STREAM), U(0), 0
        limit = U(_TRIES * wanted)
        while n < wanted and number < limit:
            code = np.int64(below(fold(state, number), U(n_items)))
            number += U(1)
            if marks[code] != mark and begins[code] <= now < ends[code]:
                marks[code] = mark
                found[i, n] = code
                n += 1
        if n == wanted:
            continue
        rest = np.empty(pool - n, np.int32)
        left = 0
        for item in range(n_items):
            if marks[item] != mark and begins[item] <= now < ends[item]:
                rest[left] = item
                left += 1
        while n < wanted:
            at = np.int64(below(fold(state, number), U(left)))
            number += U(1)
            left -= 1
            found[i, n] = rest[at]
            rest[at] = rest[left]
            n += 1
    return found, pools


@compiled
def seen_before(items, at_us, starts, asked_us, n_items, at_most):  # type: ignore[no-untyped-def]
    """List what users had met before they asked, the latest first, each item once.

    Args:
        items: Numbers of the items of events, int64 in [0, n_items), shape (m,); the events of a
            user lie together, the latest first.
        at_us: When they were, int64, shape (m,).
        starts: int64, shape (r, 2): where the events of a request's user begin and end.
        asked_us: int64, shape (r,): what is earlier is before.
        n_items: How many numbers there are. at_most: How long a list may be.

    Returns:
        Rows of the events that stand for the listed items, int64, of all requests one behind the
        other; the length of each list, int64, shape (r,); and whether there is more, bool, (r,).
    """
    n_requests = len(asked_us)
    most = 0
    for i in range(n_requests):
        most += min(at_most, starts[i, 1] - starts[i, 0])
    rows, lengths = np.empty(most, np.int64), np.zeros(n_requests, np.int64)
    cut = np.zeros(n_requests, np.bool_)
    marks = np.full(n_items, -1, np.int64)
    n = 0
    for i in range(n_requests):
        # Behind the first event of all that is early enough, all are.
        low, high = starts[i, 0], starts[i, 1]
        while low < high:
            middle = (low + high) // 2
            if at_us[middle] < asked_us[i]:
                high = middle
            else:
                low = middle + 1
        for row in range(low, starts[i, 1]):
            if marks[items[row]] == i:
                continue
            if lengths[i] == at_most:
                cut[i] = True
                break
            marks[items[row]] = i
            rows[n] = row
            lengths[i] += 1
            n += 1
    return rows[:n], lengths, cut
