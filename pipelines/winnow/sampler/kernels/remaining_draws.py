"""Draws of what a user may get of a group, exact where nearly all of it is forbidden."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import inlined
from winnow.sampler.kernels.draw_groups import draw_complement
from winnow.sampler.kernels.taken_items import add_places, sort_places


class OneGroup(NamedTuple):
    """One group of ``DrawGroups``, by the names of its fields."""

    codes: NDArray[np.int32]
    line: NDArray[np.int32]
    class_of: NDArray[np.int32]
    weights: NDArray[np.int64]
    log_weights: NDArray[np.float64]
    firsts: NDArray[np.int64]
    before: NDArray[np.int64]
    total: int


@inlined
def group_at(groups, g):  # type: ignore[no-untyped-def]
    """Return group g as ``OneGroup``."""
    a, b = groups.class_begins[g], groups.class_begins[g + 1]
    c, d = groups.line_begins[g], groups.line_begins[g + 1]
    return OneGroup(
        groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]],
        groups.line[c:d],
        groups.class_of[c:d],
        groups.weights[a:b],
        groups.log_weights[a:b],
        groups.firsts[a:b],
        groups.before[a:b],
        groups.totals[g],
    )


@inlined
def place_forbidden(one, of_user, of_request, apart, marks, user, request, places):  # type: ignore[no-untyped-def]
    """Put where the forbidden items are on a group's line, in order; return how many they are.

    Args:
        one: The group. of_user, of_request: The codes that are forbidden to the user, and those
            that were recalled for the request, which count where ``apart``.
        marks, user, request: What stands in ``marks`` at those that count, of either kind.
        places: Receives the places.
    """
    line, firsts = one.line, one.firsts
    n = add_places(one.codes, line, one.class_of, firsts, of_user, marks, user, places, np.int64(0))
    if apart:
        n = add_places(one.codes, line, one.class_of, firsts, of_request, marks, request, places, n)
    sort_places(places, n)
    return n


@inlined
def draw_remaining(one, left, places, n, taken, marks, mark, room, key, most):  # type: ignore[no-untyped-def]
    """Draw an item that is neither forbidden nor taken; return its code and class.

    Args:
        one: The group. left: What the others weigh, at least 1.
        places, n: What ``place_forbidden`` gave.
        taken, marks, mark: The codes that were drawn before and must not come again, all with the
            mark.
        room: int64, as long as both together. key, most: As ``draw_complement`` takes them.
    """
    out = places[:n]
    if len(taken) > 0:
        for x in range(n):
            room[x] = places[x]
        n_out = add_places(
            one.codes, one.line, one.class_of, one.firsts, taken, marks, mark, room, n
        )
        sort_places(room, n_out)
        out = room[:n_out]
    return draw_complement(
        one.codes, one.line, one.weights, one.before, one.firsts, left, out, key, most
    )
