"""Negatives that other requests of the positive's user cut or put low.

A candidate is what that request could give a positive of its own, but for margins: scores of two
requests do not compare. What the positive's own request ranked is left to its own lists. An item of
several requests is one candidate: of the request that was shown nearest in time to the positive.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.forbidden import mark
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.mix import other_requests_reason
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.ranking_lists import new_lists
from winnow.sampler.kernels.stages import fill_pool, new_pool

OTHERS_RANDOM, OTHERS_NEAREST = 0, 1


class AskedOthers(NamedTuple):
    """What is asked for of other requests.

    Attributes:
        asked: How many of a positive; 0 where nothing is asked for.
        code: Of the source, as in neg_source.
        before_us, after_us: Requests count that were shown from so long before the positive was to
            so long after it; -1 is not at the same time either.
        selection: OTHERS_RANDOM or OTHERS_NEAREST. stream: Names the hashes that choose.
    """

    asked: int = 0
    code: int = 0
    before_us: int = 0
    after_us: int = -1
    selection: int = OTHERS_RANDOM
    stream: int = 0


class OtherRequests(NamedTuple):
    """All requests of users with a kept positive, those with one among them, user by user.

    Attributes:
        key: uint64, shape (m,): the request, as one of its user's; ascending for one user.
        us: int64, shape (m,): when it was shown first.
        row: int64, shape (m,): its row among those that were given.
        begins: int64, shape (u + 1,): those of user i are begins[i]:begins[i + 1].
        group: int64, shape (m,): the group of events with its ranked items.
        further: uint64: the keys of those without a kept positive, whose groups lie behind others.
    """

    key: NDArray[np.uint64]
    us: NDArray[np.int64]
    row: NDArray[np.int64]
    begins: NDArray[np.int64]
    group: NDArray[np.int64]
    further: NDArray[np.uint64]


def other_requests_of(
    owners: Owners, user: NDArray[np.uint64], key: NDArray[np.uint64], us: NDArray[np.int64]
) -> OtherRequests:
    """Number the requests of users.

    Args:
        owners: The users and requests with a kept positive; the users' keys ascend.
        user, key, us: Of each request, in any order, each once; also of other users.
    """
    n_users, n_requests = len(owners.users), len(owners.requests)
    place = np.minimum(np.searchsorted(owners.users, user), max(n_users - 1, 0))
    there = np.flatnonzero(owners.users[place] == user) if n_users else np.empty(0, np.int64)
    rows = there[np.lexsort((key[there], place[there]))]
    keys = key[rows]
    by_key = np.argsort(owners.requests)
    at = np.minimum(np.searchsorted(owners.requests[by_key], keys), max(n_requests - 1, 0))
    own = by_key[at] if n_requests else np.zeros(len(keys), np.int64)
    known = owners.requests[own] == keys if n_requests else np.zeros(len(keys), np.bool_)
    # As they lie in ``GroupedEvents``: users, requests, what was recalled, what users rejected.
    behind = 2 * (n_users + n_requests) + np.cumsum(~known) - 1
    return OtherRequests(
        key=keys,
        us=us[rows],
        row=rows,
        begins=np.searchsorted(place[rows], np.arange(n_users + 1)),
        group=np.where(known, n_users + own, behind),
        further=keys[~known],
    )


@compiled
def choose_of_others(  # type: ignore[no-untyped-def]
    events,
    grouped,
    owners,
    others,
    hashes,
    shown_us,
    forbidden,
    n_items,
    ladder,
    pools,
    asked,
    missing,
    spec,
):
    """Choose as many items of other requests as asked for, each once, for every positive.

    OTHERS_RANDOM takes the smallest hashes of (positive, item); OTHERS_NEAREST those of the request
    that was shown nearest in time first, within one by the hash.

    Args:
        events, grouped: The ranked items. owners: Whose they are. others: The users' requests.
        hashes: uint64, shape (p,), by positive. shown_us: int64, shape (p,): when it was shown.
        forbidden, n_items: As ``choose_negatives`` takes them.
        ladder: The stages.
        pools: What their items go into, all of them with selection random: none then needs a place
            or a score.
        asked: What is asked for.
        missing: int32, shape (p, reasons): receives how many each positive lacks, by the reason.
        spec: How cuts are known.

    Returns:
        How many each positive got, int32, shape (p,); and of each, one behind the other: code,
        stage, rank, size, score, incl_prob as in ``Chosen``, and its place in ``others``.
    """
    n_positives, n_users, n_pools = len(hashes), len(owners.users), len(pools.asked)
    n_of_positive, most = np.zeros(n_positives, np.int32), n_positives * asked.asked
    codes, stages = np.empty(most, np.int32), np.empty(most, np.int8)
    ranks, sizes = np.empty(most, np.int32), np.empty(most, np.int32)
    scores, chances = np.empty(most, np.float64), np.empty(most, np.float64)
    requests = np.empty(most, np.int64)
    widest, longest, most_requests = np.int64(0), np.int64(0), np.int64(0)
    for u in range(n_users):
        of_user = np.int64(0)
        for o in range(others.begins[u], others.begins[u + 1]):
            n = grouped.starts[others.group[o] + 1] - grouped.starts[others.group[o]]
            widest, of_user = max(widest, n), of_user + n
        longest = max(longest, of_user)
        most_requests = max(most_requests, others.begins[u + 1] - others.begins[u])
    pool, lists = new_pool(widest), new_lists(widest)
    list_starts = np.empty(len(ladder.take) + 1, np.int64)
    list_sizes = np.empty(len(ladder.take), np.int64)
    n_of = np.zeros((n_pools, 2), np.int64)
    # Of all candidates of a user, by request; then the same by item.
    key, place = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    at_item, at_rank = np.empty(longest, np.int32), np.empty(longest, np.int32)
    at_stage, at_size = np.empty(longest, np.int8), np.empty(longest, np.int32)
    at_score = np.empty(longest, np.float64)
    n_before, n_after = np.empty(most_requests, np.int64), np.empty(most_requests, np.int64)
    n_rows, counts = np.empty(most_requests, np.int64), np.empty(most_requests, np.bool_)
    away = np.empty(most_requests, np.int64)
    chosen, late = np.empty(asked.asked, np.int64), np.empty(asked.asked, np.int64)
    order_by = np.empty(asked.asked, np.uint64)
    marks, at = np.zeros(n_items, np.int32), 0
    for u in range(n_users):
        mark(forbidden.codes, forbidden.starts[u], forbidden.starts[u + 1], marks, u)
        begin, n = others.begins[u], 0
        of_user = others.begins[u + 1] - begin
        for o in range(of_user):
            group = others.group[begin + o]
            first, last = grouped.starts[group], grouped.starts[group + 1]
            n_rows[o], n_before[o], n_after[o] = last - first, 0, 0
            if first == last:
                continue
            n_after[o] = fill_pool(
                events,
                grouped,
                first,
                last,
                spec,
                ladder,
                pools,
                marks,
                u + 1,
                lists,
                list_starts,
                list_sizes,
                pool,
                n_of,
            )
            for j in range(n_pools):
                n_before[o] += n_of[j, 1]
            for x in range(n_after[o]):
                key[n], place[n], at_item[n] = pool.key[x], o, pool.code[x]
                at_stage[n], at_rank[n], at_size[n] = pool.stage[x], pool.rank[x], pool.size[x]
                at_score[n] = pool.score[x]
                n += 1
        order = np.argsort(key[:n])
        # Items that are in some list of the user, ascending, and where their candidates begin.
        distinct, runs, n_distinct = np.empty(n, np.uint64), np.empty(n + 1, np.int64), 0
        for y in range(n):
            if y == 0 or key[order[y]] != key[order[y - 1]]:
                distinct[n_distinct], runs[n_distinct] = key[order[y]], y
                n_distinct += 1
        runs[n_distinct] = n
        of_own = np.full(n_distinct, -1, np.int64)
        for r in range(owners.requests_of_user[u], owners.requests_of_user[u + 1]):
            for x in range(grouped.starts[n_users + r], grouped.starts[n_users + r + 1]):
                item = events.item[grouped.rows[x]]
                d = np.searchsorted(distinct[:n_distinct], item)
                if d < n_distinct and distinct[d] == item:
                    of_own[d] = r
            for p in range(owners.positives_of_request[r], owners.positives_of_request[r + 1]):
                start, n_chosen, n_pool = fold(hashes[p], U(asked.stream)), 0, 0
                n_requests, before, after = 0, 0, 0
                for o in range(of_user):
                    apart = others.us[begin + o] - shown_us[p]
                    away[o] = abs(apart)
                    counts[o] = (
                        -asked.before_us <= apart <= asked.after_us
                        and others.key[begin + o] != owners.requests[r]
                    )
                    if counts[o] and n_rows[o] > 0:
                        n_requests += 1
                        before, after = before + n_before[o], after + n_after[o]
                for d in range(n_distinct):
                    if of_own[d] == r:
                        continue
                    best = -1
                    for y in range(runs[d], runs[d + 1]):
                        o = place[order[y]]
                        # Of one user they ascend by key: of equal times the smaller one stays.
                        if counts[o] and (
                            best < 0
                            or away[o] < away[place[best]]
                            or (away[o] == away[place[best]] and o < place[best])
                        ):
                            best = order[y]
                    if best < 0:
                        continue
                    n_pool += 1
                    by, behind = fold(start, distinct[d]), np.int64(0)
                    if asked.selection == OTHERS_NEAREST:
                        behind = away[place[best]]
                    if n_chosen == asked.asked and not _before(
                        behind, by, late[n_chosen - 1], order_by[n_chosen - 1]
                    ):
                        continue
                    z = n_chosen if n_chosen < asked.asked else asked.asked - 1
                    n_chosen = min(n_chosen + 1, asked.asked)
                    while z > 0 and _before(behind, by, late[z - 1], order_by[z - 1]):
                        late[z], order_by[z] = late[z - 1], order_by[z - 1]
                        chosen[z] = chosen[z - 1]
                        z -= 1
                    late[z], order_by[z], chosen[z] = behind, by, best
                for z in range(n_chosen):
                    x = chosen[z]
                    codes[at], stages[at], ranks[at] = at_item[x], at_stage[x], at_rank[x]
                    sizes[at], scores[at] = at_size[x], at_score[x]
                    chances[at] = np.nan
                    if asked.selection == OTHERS_RANDOM:
                        chances[at] = n_chosen / n_pool
                    requests[at] = begin + place[x]
                    at += 1
                n_of_positive[p] = n_chosen
                reason = other_requests_reason(n_requests, before, after)
                missing[p, reason] += asked.asked - n_chosen
    return (
        n_of_positive,
        codes[:at],
        stages[:at],
        ranks[:at],
        sizes[:at],
        scores[:at],
        chances[:at],
        requests[:at],
    )


@compiled
def _before(late, by, other_late, other_by):  # type: ignore[no-untyped-def]
    return late < other_late or (late == other_late and by < other_by)
