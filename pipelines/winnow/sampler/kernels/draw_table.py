"""Easy negatives: draws from the catalogue by integer weights, conditioned on the forbidden set.

Three arrays make a draw exact: an alias table for the unconditional draw, prefix sums for the draw
from the complement of the forbidden set, and the weights for the probability.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.sampler.kernels.events import index_keys
from winnow.sampler.kernels.hashing import U, below, fold
from winnow.sampler.kernels.logarithm import natural_log, rounded


class DrawTable(NamedTuple):
    """The catalogue as arrays of shape (n,); an item's index in them is its code.

    Attributes:
        keys: uint64 item keys, distinct.
        slots: int32 open-addressing table over ``keys``, see ``events.index_keys``.
        weights: int64, each at least 1; their sum times n stays below 2^62.
        before: int64, the sum of the weights of all smaller codes.
        own: int64 in [0, sum of weights]: the part of an alias column that is the item's own.
        other: int32, the code that has the rest of the column.
        log_weight: float64, ln of the weight.
        hot_keys: uint64, sorted keys of items whose positives are thinned, shape (h,).
        hot_keep: float64 in (0, 1), their keep_prob, shape (h,).
    """

    keys: NDArray[np.uint64]
    slots: NDArray[np.int32]
    weights: NDArray[np.int64]
    before: NDArray[np.int64]
    own: NDArray[np.int64]
    other: NDArray[np.int32]
    log_weight: NDArray[np.float64]
    hot_keys: NDArray[np.uint64]
    hot_keep: NDArray[np.float64]


def draw_table(
    keys: NDArray[np.uint64],
    weights: NDArray[np.int64],
    hot_keys: NDArray[np.uint64],
    hot_keep: NDArray[np.float64],
) -> DrawTable:
    """Return the draw table of items, with all that follows from their weights.

    Args:
        keys: Distinct item keys, shape (n,). weights: Each at least 1, shape (n,).
        hot_keys: Sorted keys of items whose positives are thinned. hot_keep: Their keep_prob.
    """
    own, other = alias_columns(weights)
    return DrawTable(
        keys=keys,
        slots=index_keys(keys),
        weights=weights,
        before=np.cumsum(weights) - weights,
        own=own,
        other=other,
        log_weight=log_weights(weights),
        hot_keys=hot_keys,
        hot_keep=hot_keep,
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
def draw_allowed(own, other, total, marks, mark, key, max_rejections):  # type: ignore[no-untyped-def]
    """Draw a code from the catalogue; return it with the attempts made, or -1 after the last.

    Attempt a uses the hash of (key, a) and nothing else. ``marks[code] == mark`` means forbidden.
    Takes the two arrays of the table that it needs: to pass on all of them costs more than a draw.
    """
    for attempt in range(max_rejections + 1):
        bits = fold(key, U(2 * attempt))
        column = np.int64(below(bits, U(len(own))))
        share = np.int64(below(fold(key, U(2 * attempt + 1)), U(total)))
        code = column if share < own[column] else np.int64(other[column])
        if marks[code] != mark:
            return code, attempt + 1
    return np.int64(-1), max_rejections + 1


@inlined
def draw_complement(  # type: ignore[no-untyped-def]
    before, weights, allowed_weight, forbidden, first, last, key, max_rejections
):
    """Draw a code from the catalogue without the forbidden ones, by inverting the exact CDF.

    ``forbidden[first:last]`` are the forbidden codes, sorted; ``allowed_weight`` >= 1 is the
    weight of all others. Takes O(last - first + log n).
    """
    point = np.int64(below(fold(key, U(2 * max_rejections + 2)), U(allowed_weight)))
    for x in range(first, last):
        if before[forbidden[x]] > point:
            break
        point += weights[forbidden[x]]
    return np.int64(np.searchsorted(before, point, side="right") - 1)


@inlined
def log_prob(log_weight, log_allowed_weight):  # type: ignore[no-untyped-def]
    """Return ln(W / allowed weight): how likely one draw gives an item, to 1e-9; at most 0."""
    return min(0.0, rounded(log_weight - log_allowed_weight))


@compiled
def unconditional_log_prob(table, codes, total):  # type: ignore[no-untyped-def]
    """Return ln(W / sum of W) of each code, to 1e-9, float64; 0 for codes below 0; shape (n,)."""
    logs = np.zeros(len(codes))
    log_total = natural_log(float(total)) if total > 0 else 0.0
    for i in range(len(codes)):
        if codes[i] >= 0:
            logs[i] = log_prob(table.log_weight[codes[i]], log_total)
    return logs
