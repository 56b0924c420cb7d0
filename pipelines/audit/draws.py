"""One partition of users: their negatives against what the logs forbid them. NumPy, no Spark.

This shares the definitions of the forbidden set and of log_q with the sampler, not its code: no
hash set, no kernel, no event of the sampler is used, only sorted arrays of what the logs and the
staged table hold.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SHOWN, CLICKED, POSITIVE = 0, 1, 2
"""Kinds of rows: an impression, a click, a positive with its negatives."""

MOST_OFF = 1e-6
"""A log_q may differ by so much from the one that is computed here."""

SOURCES = 2
"""Sources of easy draws that are counted apart: popularity (code 0) and easy_fill (code 1)."""


@dataclass(frozen=True)
class Weighed:
    """The items that may be drawn.

    Attributes:
        keys: 64-bit keys, ascending, shape (n,).
        weights: Integer weights W, shape (n,).
    """

    keys: NDArray[np.int64]
    weights: NDArray[np.int64]


@dataclass(frozen=True)
class Negatives:
    """Negatives of a partition, one entry per negative.

    Attributes:
        user: Place of the user among the partition's, shape (m,).
        item: 64-bit key, shape (m,).
        source: 0 popularity, 1 easy_fill, 2 and above hard, shape (m,).
        log_q: As declared; NaN where NULL, shape (m,).
    """

    user: NDArray[np.int64]
    item: NDArray[np.int64]
    source: NDArray[np.int8]
    log_q: NDArray[np.float64]


@dataclass(frozen=True)
class DrawFigures:
    """What one partition adds to the figures; sums over partitions are the figures.

    Attributes:
        shown, clicked, ineligible: Negatives that are so.
        invalid: Easy draws without a finite log_q <= 0, and hard negatives with one.
        differing: Easy draws in the catalogue whose log_q is not the probability.
        total: S, the sum of the users' w, per source, shape (2,).
        drawn: Draws per item of the catalogue and source, shape (2, n).
        blocked: Sum of w over the users that the item is forbidden to, shape (2, n).
        hard: Hard negatives per item of the catalogue, shape (n,).
        log_q: Counts between ``edges``, shape (len(edges) - 1,).
    """

    shown: int
    clicked: int
    ineligible: int
    invalid: int
    differing: int
    total: NDArray[np.float64]
    drawn: NDArray[np.float64]
    blocked: NDArray[np.float64]
    hard: NDArray[np.float64]
    log_q: NDArray[np.float64]


def log_q_edges(items: Weighed) -> NDArray[np.float64]:
    """Return 41 edges from below the smallest unconditional log_q up to 0."""
    if len(items.weights) == 0:
        return np.linspace(-1.0, 0.0, 41)
    lowest = float(np.log(items.weights.min()) - np.log(items.weights.sum()))
    return np.linspace(min(np.floor(lowest), -1.0), 0.0, 41)


def examine(
    users: int,
    shown: tuple[NDArray[np.int64], NDArray[np.int64]],
    clicked: tuple[NDArray[np.int64], NDArray[np.int64]],
    negatives: Negatives,
    items: Weighed,
) -> DrawFigures:
    """Compare a partition's negatives with the forbidden sets of its users.

    Args:
        users: How many users the partition has.
        shown, clicked: (user, item) of impressions and clicks in the exclusion window, duplicates
            allowed: place of the user and 64-bit key, shapes (k,).
        negatives: The users' negatives, all of them.
        items: The catalogue.
    """
    n = len(items.keys)
    known_keys = pa.array(items.keys)

    def coded(keys: NDArray[np.int64]) -> NDArray[np.int64]:
        # Items of the catalogue by their place. An item outside of it can only be a negative by
        # mistake; it needs no number of its own then, but one that no forbidden item has.
        found = pc.index_in(pa.array(keys), known_keys).fill_null(-1).to_numpy()
        return np.asarray(found, np.int64)

    codes = coded(negatives.item)
    strange, of_logs = np.unique(negatives.item[codes < 0]), (coded(shown[1]), coded(clicked[1]))
    width = n + len(strange) + 1

    def pairs(
        user: NDArray[np.int64], code: NDArray[np.int64], keys: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        outside = np.flatnonzero(code < 0)
        if len(outside):
            at = np.minimum(np.searchsorted(strange, keys[outside]), max(len(strange) - 1, 0))
            same = strange[at] == keys[outside] if len(strange) else np.zeros(len(at), np.bool_)
            code = code.copy()
            # The last number is for items that are neither drawn nor in the catalogue.
            code[outside] = np.where(same, n + at, width - 1)
        return user * width + code

    was_shown = pairs(shown[0], of_logs[0], shown[1])
    was_clicked = pairs(clicked[0], of_logs[1], clicked[1])
    forbidden = _distinct(np.concatenate([was_shown, was_clicked]))
    of_user, of_item = np.divmod(forbidden, max(width, 1))
    inside = of_item < n
    of_user, of_item = of_user[inside], of_item[inside]
    weights = items.weights.astype(np.float64)
    total_weight = weights.sum()
    # Sums of integers below 2^53 are exact in float64, in whatever order.
    left = total_weight - np.bincount(of_user, weights=weights[of_item], minlength=users)

    pair = pairs(negatives.user, codes, negatives.item)
    code = pair - negatives.user * width
    hits = pair[_among(pair, forbidden)]
    known, easy = code < n, negatives.source < SOURCES
    declared = negatives.log_q
    valid = np.isfinite(declared) & (declared <= 0)
    judged = easy & known & valid
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = np.log(weights[code[judged]]) - np.log(left[negatives.user[judged]])
    differing = ~(np.abs(exact - declared[judged]) <= MOST_OFF)

    total, drawn, blocked = np.zeros(SOURCES), np.zeros((SOURCES, n)), np.zeros((SOURCES, n))
    for source in range(SOURCES):
        own = negatives.source == source
        draws = np.bincount(negatives.user[own], minlength=users)
        share = np.where(left > 0, left, np.inf) / max(total_weight, 1.0)
        w = np.where(draws > 0, draws / share, 0.0)
        total[source] = w.sum()
        blocked[source] = np.bincount(of_item, weights=w[of_user], minlength=n)
        drawn[source] = np.bincount(code[own & known], minlength=n)
    counted, _ = np.histogram(
        np.clip(declared[easy & valid], log_q_edges(items)[0], 0.0), log_q_edges(items)
    )
    return DrawFigures(
        shown=int(_among(hits, was_shown).sum()),
        clicked=int(_among(hits, was_clicked).sum()),
        ineligible=int((~known).sum()),
        invalid=int((easy & ~valid).sum() + (~easy & ~np.isnan(declared)).sum()),
        differing=int(differing.sum()),
        total=total,
        drawn=drawn,
        blocked=blocked,
        hard=np.bincount(code[~easy & known], minlength=n).astype(np.float64),
        log_q=counted.astype(np.float64),
    )


def _distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the values ascending, each once; by a sort: NumPy's own way is five times slower."""
    ascending = np.sort(values)
    first = np.ones(len(ascending), np.bool_)
    first[1:] = ascending[1:] != ascending[:-1]
    return ascending[first]


def _among(pairs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the pairs are among some others, same shape."""
    if len(pairs) == 0:
        return np.zeros(0, np.bool_)
    found = pc.is_in(pa.array(pairs), pa.array(others)).to_numpy(zero_copy_only=False)
    return np.asarray(found, np.bool_)


def expected_draws(
    items: Weighed, total: NDArray[np.float64], blocked: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return E_i = q_i (S - sum of w over users that i is forbidden to), per source, (2, n).

    Exact without a table of users by items: a user with ``draws`` draws gives each allowed item
    draws * q_i / (1 - q(F)), which is q_i * w. ``total`` and ``blocked`` as in ``DrawFigures``.
    """
    q = items.weights / max(float(items.weights.sum()), 1.0)
    rest = np.maximum(total[:, None] - blocked, 0.0)
    # An item that is forbidden to every user who drew leaves a rest of rounding errors only.
    rest[rest < 1e-9 * total[:, None]] = 0.0
    return q[None, :] * rest
