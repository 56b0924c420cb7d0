"""The requests of one user: numbered by the positives they have, with their candidates beside."""

import numpy as np

from pipelines.arrays.compiled import compiled
from pipelines.sampling.events import FIRST_CANDIDATE


@compiled
def number_requests(kept, first, last, request_of):  # type: ignore[no-untyped-def]
    """Number the distinct requests of one user's positives, which are sorted by request.

    Args:
        kept: All positives; the user's are those at first to last.
        request_of: Receives the number of each one's request, from 0.

    Returns:
        How many requests there are.
    """
    n = 0
    for p in range(first, last):
        if p > first and kept.request[p] != kept.request[p - 1]:
            n += 1
        request_of[p - first] = n
    return n + 1


@compiled
def candidates_by_request(  # type: ignore[no-untyped-def]
    events, rows, first, last, requests, n_requests, starts, by_request
):
    """Sort one user's candidate events by the number of their request.

    Args:
        events, rows, first, last: The user's events are rows[first:last].
        requests, n_requests: requests[:n_requests] are the keys by number, ascending.
        starts, by_request: Receive the events of request r as by_request[starts[r]:starts[r + 1]];
            those of other requests are left out.
    """
    place = np.empty(last - first, np.int32)
    starts[: n_requests + 1] = 0
    for x in range(first, last):
        row = rows[x]
        place[x - first] = -1
        if events.kind[row] >= FIRST_CANDIDATE:
            at = np.searchsorted(requests[:n_requests], events.request[row])
            if at < n_requests and requests[at] == events.request[row]:
                place[x - first] = at
                starts[at + 1] += 1
    for r in range(n_requests):
        starts[r + 1] += starts[r]
    free = starts[:n_requests].copy()
    for x in range(first, last):
        r = place[x - first]
        if r >= 0:
            by_request[free[r]] = rows[x]
            free[r] += 1
