"""Groups of the catalogue to draw from by integer weights, each with all that makes a draw exact.

Three arrays make a draw exact: an alias table for the unconditional draw, prefix sums for the draw
from the complement of the forbidden set, and the weights for the probability.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.sampler.kernels.hashing import U, below, fold
from winnow.sampler.kernels.logarithm import natural_log, rounded


class DrawGroups(NamedTuple):
    """Groups of items, one behind the other: group g has the elements begins[g]:begins[g + 1].

    Attributes:
        begins: int64, shape (groups + 1,).
        code_begins: int64, shape (groups + 1,): the codes of group g, ascending, are
            codes[code_begins[g]:code_begins[g + 1]]. None where the group is the whole catalogue:
            there an item's code is its place.
        codes: int32.
        totals: int64, shape (groups,): the sum of the weights of each.
        weights: int64, each at least 1; a group's sum times its size stays below 2^62.
        before: int64, the sum of the weights of all smaller places of the group.
        own: int64 in [0, total]: the part of an alias column that is the item's own.
        other: int32, the place that has the rest of the column.
        log_weights: float64, ln of the weight.
    """

    begins: NDArray[np.int64]
    code_begins: NDArray[np.int64]
    codes: NDArray[np.int32]
    totals: NDArray[np.int64]
    weights: NDArray[np.int64]
    before: NDArray[np.int64]
    own: NDArray[np.int64]
    other: NDArray[np.int32]
    log_weights: NDArray[np.float64]


Group = tuple[NDArray[np.int32] | None, NDArray[np.int64]]
"""The codes of a group, ascending, None for the whole catalogue; and their weights."""


def draw_groups(groups: Sequence[Group]) -> DrawGroups:
    """Return groups with all that follows from their weights.

    Args:
        groups: One at least.
    """
    sizes = [len(weights) for _, weights in groups]
    n_codes = [0 if codes is None else len(codes) for codes, _ in groups]
    aliases = [alias_columns(weights) for _, weights in groups]
    weights = np.concatenate([weights for _, weights in groups])
    return DrawGroups(
        begins=np.cumsum([0, *sizes]),
        code_begins=np.cumsum([0, *n_codes]),
        codes=np.concatenate([np.empty(0, np.int32) if c is None else c for c, _ in groups]),
        totals=np.array([own.sum() for _, own in groups], np.int64),
        weights=weights,
        before=np.concatenate([np.cumsum(own) - own for _, own in groups]),
        own=np.concatenate([own for own, _ in aliases]),
        other=np.concatenate([other for _, other in aliases]),
        log_weights=log_weights(weights),
    )


@compiled
def alias_columns(weights):  # type: ignore[no-untyped-def]
    """Return the alias table of integer weights, exactly: (own int64, other int32), shape (n,).

    n columns share n · sum(W): column i holds own[i] of item i and sum(W) - own[i] of item
    other[i]; over all columns item i holds exactly n · W_i.

    Source:
        Vose 1991, "A Linear Algorithm for Generating Random Numbers with a Given Distribution";
        here in integers.
    """
    n = len(weights)
    total = weights.sum()
    own, other = weights * n, np.arange(n).astype(np.int32)
    small, large = np.empty(n, np.int32), np.empty(n, np.int32)
    n_small, n_large = 0, 0
    for i in range(n):
        if own[i] < total:
            small[n_small] = i
            n_small += 1
        else:
            large[n_large] = i
            n_large += 1
    while n_small > 0 and n_large > 0:
        n_small -= 1
        low, high = small[n_small], large[n_large - 1]
        other[low] = high
        own[high] -= total - own[low]
        if own[high] < total:
            n_large -= 1
            small[n_small] = high
            n_small += 1
    return own, other


@compiled
def log_weights(weights):  # type: ignore[no-untyped-def]
    """Return ln W of each integer weight, float64, shape (n,)."""
    logs = np.empty(len(weights))
    for i in range(len(weights)):
        logs[i] = natural_log(float(weights[i]))
    return logs


@inlined
def place_of(codes, code):  # type: ignore[no-untyped-def]
    """Return the place of a catalogue code in a group, -1 where it is not in it.

    ``codes`` are the group's, ascending; without any the group is the whole catalogue.
    """
    if len(codes) == 0:
        return np.int64(code)
    at = np.searchsorted(codes, code)
    return np.int64(at) if at < len(codes) and codes[at] == code else np.int64(-1)


@inlined
def draw_allowed(codes, own, other, total, marks, mark, other_mark, key, max_rejections):  # type: ignore[no-untyped-def]
    """Draw a place of a group; return it with its code and the attempts made, or -1 after the last.

    Attempt a uses the hash of (key, a) and nothing else. Where ``marks[code]`` is one of the two
    marks, the item is forbidden.
    Takes the arrays of the group that it needs: to pass on all of them costs more than a draw.
    """
    for attempt in range(max_rejections + 1):
        bits = fold(key, U(2 * attempt))
        column = np.int64(below(bits, U(len(own))))
        share = np.int64(below(fold(key, U(2 * attempt + 1)), U(total)))
        place = column if share < own[column] else np.int64(other[column])
        code = np.int64(codes[place]) if len(codes) > 0 else place
        if marks[code] != mark and marks[code] != other_mark:
            return place, code, attempt + 1
    return np.int64(-1), np.int64(-1), max_rejections + 1


@inlined
def draw_complement(before, weights, allowed_weight, forbidden, key, max_rejections):  # type: ignore[no-untyped-def]
    """Draw a place of a group without the forbidden ones, by inverting the exact CDF.

    ``forbidden`` are the forbidden places, sorted; ``allowed_weight`` >= 1 is the weight of all
    others. Takes O(forbidden + log n).
    """
    point = np.int64(below(fold(key, U(2 * max_rejections + 2)), U(allowed_weight)))
    for x in range(len(forbidden)):
        if before[forbidden[x]] > point:
            break
        point += weights[forbidden[x]]
    return np.int64(np.searchsorted(before, point, side="right") - 1)


@inlined
def log_prob(log_weight, log_allowed_weight):  # type: ignore[no-untyped-def]
    """Return ln(W / allowed weight): how likely one draw gives an item, to 1e-9; at most 0."""
    return min(0.0, rounded(log_weight - log_allowed_weight))


@compiled
def unconditional_log_prob(log_weights, codes, total):  # type: ignore[no-untyped-def]
    """Return ln(W / sum of W) of each code, to 1e-9, float64; 0 for codes below 0; shape (n,)."""
    logs = np.zeros(len(codes))
    log_total = natural_log(float(total)) if total > 0 else 0.0
    for i in range(len(codes)):
        if codes[i] >= 0:
            logs[i] = log_prob(log_weights[codes[i]], log_total)
    return logs
