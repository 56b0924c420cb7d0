"""Negatives that other requests of the positive's user cut or put low.

A candidate is what that request could give a positive of its own, but for margins: scores of two
requests do not compare. What the positive's own request ranked is left to its own lists. An item of
several requests is one candidate: of the request that was shown nearest in time to the positive.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.sampler.kernels.events import Events
from winnow.sampler.kernels.forbidden import Forbidden, mark
from winnow.sampler.kernels.grouped_events import GroupedEvents
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.mix import other_requests_reason
from winnow.sampler.kernels.negative_columns import Chosen
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.requests_of_users import OtherRequests
from winnow.sampler.kernels.room_of_users import Room
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.stages import Ladder, Pools, fill_pool

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


def choose_of_others(
    events: Events,
    grouped: GroupedEvents,
    owners: Owners,
    others: OtherRequests,
    hashes: NDArray[np.uint64],
    shown_us: NDArray[np.int64],
    forbidden: Forbidden,
    n_items: int,
    ladder: Ladder,
    pools: Pools,
    asked: AskedOthers,
    missing: NDArray[np.int32],
    spec: SamplingSpec,
) -> tuple[NDArray[np.int32], Chosen]:
    """Choose as many items of other requests as asked for, each once, for every positive.

    OTHERS_RANDOM takes the smallest hashes of (positive, item); OTHERS_NEAREST those of the request
    that was shown nearest in time first, within one by the hash.

    Args:
        events, grouped: The ranked items. owners: Whose they are. others: The users' requests.
        hashes: By positive, shape (p,). shown_us: When it was shown, shape (p,).
        forbidden, n_items: As ``choose_negatives`` takes them.
        ladder: The stages.
        pools: What their items go into, all of them with selection random: none then needs a place
            or a score.
        asked: What is asked for.
        missing: Shape (p, reasons): receives how many each positive lacks, by the reason.
        spec: How cuts are known

    Returns:
        How many each positive got, shape (p,), and these, each with its place in ``others``.
    """
    rows = np.diff(grouped.starts)[others.group]
    before = np.concatenate([[0], np.cumsum(rows)])
    longest = int(np.diff(before[others.begins]).max(initial=0))
    most_requests = int(np.diff(others.begins).max(initial=0))
    room = Room.of(int(rows.max(initial=0)), longest, most_requests, ladder, pools, n_items)
    n_of_positive = np.zeros(len(hashes), np.int32)
    chosen = Chosen.room_for(len(hashes) * asked.asked, of_others=True)
    chosen.source[:] = asked.code
    recipe, found = (ladder, pools, asked, spec), (n_of_positive, chosen, missing)
    n = _choose(events, grouped, owners, others, hashes, shown_us, forbidden, recipe, room, found)
    return n_of_positive, chosen.first(n)


@compiled
def _choose(  # type: ignore[no-untyped-def]
    events, grouped, owners, others, hashes, shown_us, forbidden, recipe, room, found
):
    ladder, pools, asked, spec = recipe
    n_of_positive, out, missing = found
    n_users, n_pools = len(owners.users), len(pools.asked)
    pool, n_of, marks = room.pool, room.n_of, room.marks
    key, place, at_item, at_rank = room.key, room.place, room.item, room.rank
    at_stage, at_size, at_score = room.stage, room.size, room.score
    n_before, n_after, n_rows = room.n_before, room.n_after, room.n_rows
    counts, away, at = room.counts, room.away, np.int64(0)
    chosen, late = np.empty(asked.asked, np.int64), np.empty(asked.asked, np.int64)
    order_by = np.empty(asked.asked, np.uint64)
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
                room.lists,
                room.list_starts,
                room.list_sizes,
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
                    out.code[at], out.stage[at], out.rank[at] = at_item[x], at_stage[x], at_rank[x]
                    out.size[at], out.score[at] = at_size[x], at_score[x]
                    out.incl_prob[at] = np.nan
                    if asked.selection == OTHERS_RANDOM:
                        out.incl_prob[at] = n_chosen / n_pool
                    out.request[at] = begin + place[x]
                    at += 1
                n_of_positive[p] = n_chosen
                reason = other_requests_reason(n_requests, before, after)
                missing[p, reason] += asked.asked - n_chosen
    return at


@inlined
def _before(late, by, other_late, other_by):  # type: ignore[no-untyped-def]
    return late < other_late or (late == other_late and by < other_by)
