"""Drawn negatives of all positives: of every source from its group, none that is forbidden."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled
from winnow.sampler.kernels.draw_groups import (
    class_at,
    draw_allowed,
    draw_complement,
    log_prob,
)
from winnow.sampler.kernels.forbidden import mark, mark_recalled
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.logarithm import natural_log
from winnow.sampler.kernels.mix import (
    CATALOGUE_EXHAUSTED,
    GROUP_EXHAUSTED,
    GROUP_UNKNOWN,
    RECALL_UNKNOWN,
)
from winnow.sampler.kernels.mixtures import mix
from winnow.sampler.kernels.taken_items import add_places, give_back, take, weight_of


class Sources(NamedTuple):
    """The sources of draws, in the order of their negatives; the last one may be that of fills.

    Attributes:
        asked: int32, shape (s,): draws of a positive; of fills it does not matter.
        code: int8, shape (s,): as in neg_source.
        stream: uint64, shape (s,): names the hashes of the draws.
        not_recalled: bool, shape (s,): whether what was recalled for the positive's request is
            forbidden as well. One that fills draws where nothing is known of that, too.
        distinct: bool, shape (s,): whether a positive gets no item twice of the source. ``log_q``
            is then that of each draw given the ones before it; it is not together with mixtures.
        behind: int32, shape (s,): of a distinct one that fills, the source before it of whose
            draws it repeats none either, which draws from the same groups; -1: none.
    """

    asked: NDArray[np.int32]
    code: NDArray[np.int8]
    stream: NDArray[np.uint64]
    not_recalled: NDArray[np.bool_]
    distinct: NDArray[np.bool_]
    behind: NDArray[np.int32]


@compiled
def draw_negatives(  # type: ignore[no-untyped-def]
    hashes, owners, forbidden, recalled, n_items, groups, sources, group_of, missing, spec
):
    """Draw the negatives of positives, and those that stand in for missing ones.

    Args:
        hashes: uint64, shape (p,), by positive. owners: Whose they are.
        forbidden: As ``forbidden_codes`` returns it. recalled: As ``recalled_codes``.
        n_items: Items of the catalogue.
        groups: What is drawn from. sources: How much of what.
        group_of: int32, shape (s, p): the group that a source draws from for a positive, -1: none.
        missing: int32, shape (p, reasons): the chosen negatives that are missing; receives those
            that draws did not give.
        spec: Whether the last source fills, and whether the mixture is asked for.

    Returns:
        ``n_easy``, ``n_fill`` and ``shortfall`` as in ``Groups``, and the fields of ``Drawn``.
    """
    n_positives, n_sources = len(hashes), len(sources.asked)
    n_easy, n_fill, shortfall = (
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
    )
    n_asked = sources.asked.sum()
    size = n_positives * n_asked + (missing.sum() + n_positives * n_asked if spec.fills else 0)
    source, codes, attempts = (
        np.empty(size, np.int8),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
    )
    q, log_q = np.empty(size), np.empty(size)
    mixture = np.empty(size if spec.mixture else 0)
    marks, widest = np.zeros(n_items, np.int32), 0
    for u in range(len(owners.users)):
        of_one = forbidden.starts[u + 1] - forbidden.starts[u]
        for r in range(owners.requests_of_user[u], owners.requests_of_user[u + 1]):
            widest = max(widest, of_one + recalled.starts[r + 1] - recalled.starts[r])
        widest = max(widest, of_one)
    # Of the user, or of the request where that matters: what each source draws from, and how much
    # of that is allowed.
    of_user, allowed = np.empty(n_sources, np.int64), np.empty(n_sources, np.int64)
    log_allowed, given = np.empty(n_sources), np.zeros(n_sources, np.int64)
    n_allowed, begins = np.empty(n_sources, np.int64), np.zeros(n_sources, np.int64)
    deepest = np.int64(0)
    if sources.distinct.any():
        for p in range(n_positives):
            deepest = max(deepest, 2 * n_asked + missing[p].sum())
    gone_codes, old_marks = np.empty(deepest, np.int32), np.empty(deepest, np.int32)
    places, outside = np.empty(widest, np.int64), np.empty(widest + deepest, np.int64)
    most, at, r = spec.max_rejections, 0, 0
    for u in range(len(owners.users)):
        first, last = forbidden.starts[u], forbidden.starts[u + 1]
        mark(forbidden.codes, first, last, marks, u)
        of_user[:] = -1
        placed, placed_all, n_places = np.int64(-1), False, 0
        back, front = np.int64(0), np.int64(0)
        for p in range(owners.positives_of_user[u], owners.positives_of_user[u + 1]):
            while p >= owners.positives_of_request[r + 1]:
                r += 1
            if p == owners.positives_of_request[r]:
                back, front = recalled.starts[r], recalled.starts[r + 1]
                mark_recalled(recalled.codes, back, front, marks, u, r)
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
                    a, b = groups.class_begins[g], groups.class_begins[g + 1]
                    weights = groups.weights[a:b]
                    of_group = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
                    line = groups.line[groups.line_begins[g] : groups.line_begins[g + 1]]
                    class_of = groups.class_of[groups.line_begins[g] : groups.line_begins[g + 1]]
                    if of_user[s] != g:
                        of_user[s] = g
                        user = forbidden.codes[first:last]
                        gone, n_gone = weight_of(of_group, class_of, weights, user, marks, u + 1)
                        if apart:
                            of_request = recalled.codes[back:front]
                            more, n_more = weight_of(
                                of_group, class_of, weights, of_request, marks, -r - 1
                            )
                            gone, n_gone = gone + more, n_gone + n_more
                        left = groups.totals[g] - gone
                        n_of = len(of_group) if len(of_group) > 0 else n_items
                        allowed[s], n_allowed[s] = left, n_of - n_gone
                        log_allowed[s] = natural_log(float(left)) if left > 0 else 0.0
                    reason = GROUP_EXHAUSTED if len(of_group) > 0 else CATALOGUE_EXHAUSTED
                if g < 0 or allowed[s] == 0:
                    if not fills:
                        missing[p, reason] += n
                        n_missing += n
                    continue
                # Of distinct draws: how many are taken, and the weight that these leave.
                distinct, n_taken = sources.distinct[s], 0
                left, log_left = allowed[s], log_allowed[s]
                if distinct:
                    behind = sources.behind[s]
                    if behind >= 0:
                        for x in range(begins[behind], begins[behind] + given[behind]):
                            place = take(
                                of_group, codes[x], marks, u + 1, gone_codes, old_marks, n_taken
                            )
                            left -= weights[class_at(class_of, place)]
                            n_taken += 1
                    short = max(0, n - (n_allowed[s] - n_taken))
                    n -= short
                    if short > 0 and not fills:
                        missing[p, reason] += short
                        n_missing += short
                    log_left = natural_log(float(left)) if left > 0 else 0.0
                given[s], begins[s] = n, at
                before, firsts, total = groups.before[a:b], groups.firsts[a:b], groups.totals[g]
                logs = groups.log_weights[a:b]
                second_mark = -r - 1 if apart else u + 1
                # A fill draws from a stream of its own, so that one missing negative more or less
                # changes no other one. Its numbers go on behind those of the easy ones.
                earlier = n_easy[p] if fills else 0
                stream = fold(hashes[p], sources.stream[s])
                for draw in range(earlier, earlier + n):
                    key = fold(stream, U(draw))
                    code, number, tried = draw_allowed(
                        of_group,
                        line,
                        weights,
                        before,
                        firsts,
                        total,
                        marks,
                        u + 1,
                        second_mark,
                        key,
                        most,
                    )
                    if code < 0:
                        if placed != g or placed_all != apart:
                            placed, placed_all = g, apart
                            user = forbidden.codes[first:last]
                            n_places = add_places(
                                of_group, line, class_of, firsts, user, marks, u + 1, places, 0
                            )
                            if apart:
                                n_places = add_places(
                                    of_group,
                                    line,
                                    class_of,
                                    firsts,
                                    recalled.codes[back:front],
                                    marks,
                                    -r - 1,
                                    places,
                                    n_places,
                                )
                            places[:n_places].sort()
                        tried += 1
                        out = places[:n_places]
                        if distinct:
                            n_out = add_places(
                                of_group,
                                line,
                                class_of,
                                firsts,
                                gone_codes[:n_taken],
                                marks,
                                u + 1,
                                outside,
                                n_places,
                            )
                            outside[:n_places] = out
                            out = outside[:n_out]
                            out.sort()
                        code, number = draw_complement(
                            of_group, line, weights, before, firsts, left, out, key, most
                        )
                    source[at], codes[at], attempts[at] = sources.code[s], code, tried
                    q[at] = weights[number] / total
                    log_q[at] = log_prob(logs[number], log_left)
                    at += 1
                    if distinct:
                        take(of_group, code, marks, u + 1, gone_codes, old_marks, n_taken)
                        n_taken += 1
                        left -= weights[number]
                        log_left = natural_log(float(left)) if left > 0 else 0.0
                give_back(marks, gone_codes, old_marks, n_taken)
                if fills:
                    n_fill[p] = n
                else:
                    n_easy[p] += n
            shortfall[p] = n_missing - n_fill[p]
            if spec.mixture:
                mix(
                    groups,
                    sources.not_recalled,
                    of_user,
                    allowed,
                    given,
                    codes,
                    log_q,
                    mixture,
                    begin,
                    at,
                    marks,
                    -r - 1,
                )
    return (
        n_easy,
        n_fill,
        shortfall,
        source[:at],
        codes[:at],
        q[:at],
        log_q[:at],
        mixture[:at],
        attempts[:at],
    )
