"""Drawn negatives of all positives: of every source from its group, none that is forbidden."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.draw_groups import DrawGroups, class_at, draw_allowed, log_prob
from winnow.sampler.kernels.draw_sources import Sources
from winnow.sampler.kernels.forbidden import Forbidden, Recalled, mark, mark_recalled
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.logarithm import natural_log
from winnow.sampler.kernels.mix import (
    CATALOGUE_EXHAUSTED,
    GROUP_EXHAUSTED,
    GROUP_UNKNOWN,
    RECALL_UNKNOWN,
)
from winnow.sampler.kernels.mixtures import mix
from winnow.sampler.kernels.negative_columns import Drawn
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.remaining_draws import draw_remaining, group_at, place_forbidden
from winnow.sampler.kernels.sampling_spec import SamplingSpec
from winnow.sampler.kernels.taken_items import give_back, take, weight_of

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


class Room(NamedTuple):
    """What is known while one user's positives are drawn for; made once for all.

    Attributes:
        of_user: Of each source the group that was looked at last for the user, or for the request
            where that matters; -1: none. allowed, n_allowed: What of it may be drawn weighs, and
            how many items that is. log_allowed: The logarithm of the weight.
        given, begins: How many draws the positive has of each source, and where they begin.
        taken, old_marks: The items of distinct draws, and what stood in ``marks`` before.
        places, outside: Where on a group's line forbidden items are, and these with taken ones.
        marks: Shape (catalogue,).
    """

    of_user: Longs
    allowed: Longs
    n_allowed: Longs
    log_allowed: NDArray[np.float64]
    given: Longs
    begins: Longs
    taken: Ints
    old_marks: Ints
    places: Longs
    outside: Longs
    marks: Ints

    @classmethod
    def of(cls, n_sources: int, widest: int, deepest: int, n_items: int) -> "Room":
        """Return room for so many forbidden items at most, and so many distinct draws."""
        return cls(
            of_user=np.empty(n_sources, np.int64),
            allowed=np.empty(n_sources, np.int64),
            n_allowed=np.empty(n_sources, np.int64),
            log_allowed=np.empty(n_sources),
            given=np.zeros(n_sources, np.int64),
            begins=np.zeros(n_sources, np.int64),
            taken=np.empty(deepest, np.int32),
            old_marks=np.empty(deepest, np.int32),
            places=np.empty(widest, np.int64),
            outside=np.empty(widest + deepest, np.int64),
            marks=np.zeros(n_items, np.int32),
        )


def draw_negatives(
    hashes: NDArray[np.uint64],
    owners: Owners,
    forbidden: Forbidden,
    recalled: Recalled,
    n_items: int,
    groups: DrawGroups,
    sources: Sources,
    group_of: Ints,
    missing: Ints,
    spec: SamplingSpec,
) -> tuple[Ints, Ints, Ints, Drawn]:
    """Draw the negatives of positives, and those that stand in for missing ones.

    Args:
        hashes: By positive, shape (p,). owners: Whose they are.
        forbidden: As ``forbidden_codes`` returns it. recalled: As ``recalled_codes``.
        n_items: Items of the catalogue.
        groups: What is drawn from. sources: How much of what.
        group_of: Shape (s, p): the group that a source draws from for a positive, -1: none.
        missing: Shape (p, reasons): the chosen negatives that are missing; receives those that
            draws did not give.
        spec: Whether the last source fills, and whether the mixture is asked for.

    Returns:
        ``n_easy``, ``n_fill`` and ``shortfall`` as in ``Groups``, and the draws.
    """
    n, n_asked, n_missing = len(hashes), int(sources.asked.sum()), missing.sum(axis=1)
    size = n * n_asked + (int(n_missing.sum()) + n * n_asked if spec.fills else 0)
    drawn = Drawn.room_for(size, mixture=spec.mixture)
    of_users = np.diff(forbidden.starts)
    of_requests = np.repeat(of_users, np.diff(owners.requests_of_user)) + np.diff(recalled.starts)
    widest = max(int(of_users.max(initial=0)), int(of_requests.max(initial=0)))
    deepest = 0
    if sources.distinct.any():
        deepest = 2 * n_asked + int(n_missing.max(initial=0))
    room = Room.of(len(sources.asked), widest, deepest, n_items)
    counts = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
    given = forbidden, recalled, missing, n_items
    at = _draw(hashes, owners, given, groups, sources, group_of, spec, room, drawn, counts)
    return *counts, drawn.first(at)


@compiled
def _draw(hashes, owners, known, groups, sources, group_of, spec, room, drawn, counts):  # type: ignore[no-untyped-def]
    n_easy, n_fill, shortfall = counts
    forbidden, recalled, missing, n_items = known
    n_sources, marks, taken, places = len(sources.asked), room.marks, room.taken, room.places
    of_user, allowed, given, begins = room.of_user, room.allowed, room.given, room.begins
    most, at, r = np.int64(spec.max_rejections), np.int64(0), np.int64(0)
    for u in range(len(owners.users)):
        user = forbidden.codes[forbidden.starts[u] : forbidden.starts[u + 1]]
        mark(user, 0, len(user), marks, u)
        of_user[:] = -1
        placed, placed_all, n_places = np.int64(-1), False, np.int64(0)
        of_request = recalled.codes[:0]
        for p in range(owners.positives_of_user[u], owners.positives_of_user[u + 1]):
            while p >= owners.positives_of_request[r + 1]:
                r += 1
            if p == owners.positives_of_request[r]:
                of_request = recalled.codes[recalled.starts[r] : recalled.starts[r + 1]]
                mark_recalled(of_request, marks, u, r)
                for s in range(n_sources):
                    if sources.not_recalled[s]:
                        of_user[s] = -1
                if placed_all:
                    placed = np.int64(-1)
            begin, n_missing = at, np.int64(0)
            for reason in range(missing.shape[1]):
                n_missing += missing[p, reason]
            for s in range(n_sources):
                fills = spec.fills and s == n_sources - 1
                n = n_missing if fills else np.int64(sources.asked[s])
                g, apart = np.int64(group_of[s, p]), sources.not_recalled[s]
                given[s] = 0
                if n == 0:
                    continue
                reason = GROUP_UNKNOWN
                if apart and not fills and not recalled.logged[r]:
                    g, reason = np.int64(-1), RECALL_UNKNOWN
                if g >= 0:
                    one = group_at(groups, g)
                    if of_user[s] != g:
                        of_user[s] = g
                        gone, n_gone = weight_of(one, user, marks, np.int64(u + 1))
                        if apart:
                            more, n_more = weight_of(one, of_request, marks, -r - 1)
                            gone, n_gone = gone + more, n_gone + n_more
                        left = one.total - gone
                        n_of = len(one.codes) if len(one.codes) > 0 else n_items
                        allowed[s], room.n_allowed[s] = left, n_of - n_gone
                        room.log_allowed[s] = natural_log(float(left)) if left > 0 else 0.0
                    reason = GROUP_EXHAUSTED if len(one.codes) > 0 else CATALOGUE_EXHAUSTED
                if g < 0 or allowed[s] == 0:
                    if not fills:
                        missing[p, reason] += n
                        n_missing += n
                    continue
                # Of distinct draws: how many are taken, and the weight that these leave.
                distinct, n_taken = sources.distinct[s], np.int64(0)
                left, log_left = allowed[s], room.log_allowed[s]
                if distinct:
                    behind = sources.behind[s]
                    if behind >= 0:
                        for x in range(begins[behind], begins[behind] + given[behind]):
                            code = np.int64(drawn.code[x])
                            place = take(
                                one.codes, code, marks, u + 1, taken, room.old_marks, n_taken
                            )
                            left -= one.weights[class_at(one.class_of, place)]
                            n_taken += 1
                    short = max(0, n - (room.n_allowed[s] - n_taken))
                    n -= short
                    if short > 0 and not fills:
                        missing[p, reason] += short
                        n_missing += short
                    log_left = natural_log(float(left)) if left > 0 else 0.0
                given[s], begins[s] = n, at
                second_mark = -r - 1 if apart else np.int64(u + 1)
                # A fill draws from a stream of its own, so that one missing negative more or less
                # changes no other one. Its numbers go on behind those of the easy ones.
                earlier = np.int64(n_easy[p]) if fills else np.int64(0)
                stream = fold(hashes[p], sources.stream[s])
                # A draw takes the arrays that it needs: to pass on the group costs more than it.
                codes, line, weights, logs = one.codes, one.line, one.weights, one.log_weights
                before, firsts, total = one.before, one.firsts, one.total
                for draw in range(earlier, earlier + n):
                    key = fold(stream, U(draw))
                    code, number, tried = draw_allowed(
                        codes,
                        line,
                        weights,
                        before,
                        firsts,
                        total,
                        marks,
                        np.int64(u + 1),
                        second_mark,
                        key,
                        most,
                    )
                    if code < 0:
                        if placed != g or placed_all != apart:
                            placed, placed_all = g, apart
                            n_places = place_forbidden(
                                one, user, of_request, apart, marks, u + 1, -r - 1, places
                            )
                        tried += 1
                        code, number = draw_remaining(
                            one,
                            left,
                            places,
                            n_places,
                            taken[:n_taken],
                            marks,
                            u + 1,
                            room.outside,
                            key,
                            most,
                        )
                    drawn.source[at], drawn.code[at] = sources.code[s], code
                    drawn.attempts[at], drawn.q[at] = tried, weights[number] / total
                    drawn.log_q[at] = log_prob(logs[number], log_left)
                    at += 1
                    if distinct:
                        take(codes, code, marks, u + 1, taken, room.old_marks, n_taken)
                        n_taken += 1
                        left -= weights[number]
                        log_left = natural_log(float(left)) if left > 0 else 0.0
                give_back(marks, taken, room.old_marks, n_taken)
                if fills:
                    n_fill[p] = n
                else:
                    n_easy[p] += n
            shortfall[p] = n_missing - n_fill[p]
            if spec.mixture:
                mix(groups, sources.not_recalled, room, drawn, begin, at, -r - 1)
    return at
