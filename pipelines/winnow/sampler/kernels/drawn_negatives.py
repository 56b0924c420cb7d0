"""Drawn negatives of all positives: of every source from its group, none that is forbidden."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.sampler.kernels.draw_groups import draw_allowed, draw_complement, log_prob, place_of
from winnow.sampler.kernels.forbidden import mark
from winnow.sampler.kernels.hashing import U, fold
from winnow.sampler.kernels.logarithm import natural_log, rounded
from winnow.sampler.kernels.mix import CATALOGUE_EXHAUSTED, GROUP_EXHAUSTED, GROUP_UNKNOWN


class Sources(NamedTuple):
    """The sources of draws, in the order of their negatives; the last one may be that of fills.

    Attributes:
        asked: int32, shape (s,): draws of a positive; of fills it does not matter.
        code: int8, shape (s,): as in neg_source.
        stream: uint64, shape (s,): names the hashes of the draws.
    """

    asked: NDArray[np.int32]
    code: NDArray[np.int8]
    stream: NDArray[np.uint64]


@compiled
def draw_negatives(  # type: ignore[no-untyped-def]
    hashes, positives_of_user, forbidden, n_items, groups, sources, group_of, missing, spec
):
    """Draw the negatives of positives, and those that stand in for missing ones.

    Args:
        hashes: uint64, shape (p,), by positive. positives_of_user: As in ``Owners``.
        forbidden: As ``forbidden_codes`` returns it. n_items: Items of the catalogue.
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
    most = n_positives * n_asked + (missing.sum() + n_positives * n_asked if spec.fills else 0)
    source, codes, attempts = (
        np.empty(most, np.int8),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
    )
    q, log_q = np.empty(most), np.empty(most)
    mixture = np.empty(most if spec.mixture else 0)
    marks, widest = np.zeros(n_items, np.int32), 0
    for u in range(len(positives_of_user) - 1):
        widest = max(widest, forbidden.starts[u + 1] - forbidden.starts[u])
    # Of the user: what each source draws from, and how much of that is allowed.
    of_user, allowed = np.empty(n_sources, np.int64), np.empty(n_sources, np.int64)
    log_allowed, given = np.empty(n_sources), np.zeros(n_sources, np.int64)
    places = np.empty(widest, np.int64)
    rejections, at = spec.max_rejections, 0
    for u in range(len(positives_of_user) - 1):
        first, last = forbidden.starts[u], forbidden.starts[u + 1]
        mark(forbidden.codes, first, last, marks, u)
        of_user[:] = -1
        placed, n_places = np.int64(-1), 0
        for p in range(positives_of_user[u], positives_of_user[u + 1]):
            begin, n_missing = at, np.int64(0)
            for reason in range(missing.shape[1]):
                n_missing += missing[p, reason]
            for s in range(n_sources):
                fills = spec.fills and s == n_sources - 1
                n = n_missing if fills else np.int64(sources.asked[s])
                g = np.int64(group_of[s, p])
                given[s] = 0
                if n == 0:
                    continue
                reason = GROUP_UNKNOWN
                if g >= 0:
                    a, b = groups.begins[g], groups.begins[g + 1]
                    of_group = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
                    weights = groups.weights[a:b]
                    if of_user[s] != g:
                        of_user[s] = g
                        left = groups.totals[g]
                        for x in range(first, last):
                            place = place_of(of_group, forbidden.codes[x])
                            if place >= 0:
                                left -= weights[place]
                        allowed[s] = left
                        log_allowed[s] = natural_log(float(left)) if left > 0 else 0.0
                    reason = GROUP_EXHAUSTED if len(of_group) > 0 else CATALOGUE_EXHAUSTED
                if g < 0 or allowed[s] == 0:
                    if not fills:
                        missing[p, reason] += n
                        n_missing += n
                    continue
                given[s] = n
                own, other, total = groups.own[a:b], groups.other[a:b], groups.totals[g]
                logs = groups.log_weights[a:b]
                # A fill draws from a stream of its own, so that one missing negative more or less
                # changes no other one. Its numbers go on behind those of the easy ones.
                number = n_easy[p] if fills else 0
                stream = fold(hashes[p], sources.stream[s])
                for draw in range(number, number + n):
                    key = fold(stream, U(draw))
                    place, code, tried = draw_allowed(
                        of_group, own, other, total, marks, u + 1, key, rejections
                    )
                    if place < 0:
                        if placed != g:
                            placed, n_places = g, 0
                            for x in range(first, last):
                                where = place_of(of_group, forbidden.codes[x])
                                if where >= 0:
                                    places[n_places] = where
                                    n_places += 1
                            places[:n_places].sort()
                        tried += 1
                        before = groups.before[a:b]
                        place = draw_complement(
                            before, weights, allowed[s], places[:n_places], key, rejections
                        )
                        code = np.int64(of_group[place]) if len(of_group) > 0 else place
                    source[at], codes[at], attempts[at] = sources.code[s], code, tried
                    q[at] = weights[place] / total
                    log_q[at] = log_prob(logs[place], log_allowed[s])
                    at += 1
                if fills:
                    n_fill[p] = n
                else:
                    n_easy[p] += n
            shortfall[p] = n_missing - n_fill[p]
            if spec.mixture:
                _mix(groups, of_user, allowed, given, codes, log_q, mixture, begin, at)
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


@inlined
def _mix(groups, of_user, allowed, given, codes, log_q, mixture, begin, end):  # type: ignore[no-untyped-def]
    """Put ln(Σ n_s p_s(i) / Σ n_s) of the draws begin:end of one positive into ``mixture``.

    n_s is how many each source gave, p_s(i) how likely one draw of it gives the item, given F.
    """
    alone = np.int64(-1)
    for s in range(len(given)):
        if given[s] > 0:
            if alone == -1:
                alone = of_user[s]
            elif alone != of_user[s]:
                alone = np.int64(-2)
    for x in range(begin, end):
        if alone != -2:
            mixture[x] = log_q[x]
            continue
        expected = 0.0
        for s in range(len(given)):
            if given[s] > 0:
                g = of_user[s]
                of_group = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
                place = place_of(of_group, codes[x])
                if place >= 0:
                    weight = groups.weights[groups.begins[g] + place]
                    expected += given[s] * (weight / allowed[s])
        mixture[x] = min(0.0, rounded(natural_log(expected / (end - begin))))
