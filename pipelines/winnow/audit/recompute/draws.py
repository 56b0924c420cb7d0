"""One partition of users: their negatives against what the logs forbid them. No Spark.

This shares the definitions of the forbidden set and of log_q with the sampler, not its code: items
are found by Arrow, and what is counted starts from the logs and the staged table.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.audit.recompute.kernels.draw_counts import SOURCES, count_draws

SHOWN, CLICKED, POSITIVE = 0, 1, 2
"""Kinds of rows: an impression, a click, a positive with its negatives."""

_SPARSEST = 8
"""Keys whose range is more than so many times their number are not counted up."""

MOST_OFF = 1e-6
"""A log_q may differ by so much from the one that is computed here."""


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

    user: NDArray[np.int32]
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
    log_q: NDArray[np.float64]


def log_q_edges(items: Weighed) -> NDArray[np.float64]:
    """Return 41 edges from below the smallest unconditional log_q up to 0."""
    if len(items.weights) == 0:
        return np.linspace(-1.0, 0.0, 41)
    lowest = float(np.log(items.weights.min()) - np.log(items.weights.sum()))
    return np.linspace(min(np.floor(lowest), -1.0), 0.0, 41)


def examine(
    users: int,
    shown: tuple[NDArray[np.int32], NDArray[np.int64]],
    clicked: tuple[NDArray[np.int32], NDArray[np.int64]],
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
    n, items_of = len(items.keys), (negatives.item, shown[1], clicked[1])
    codes = [places_of(item, items.keys) for item in items_of]
    # An item outside of the catalogue can only be a negative by mistake: it has a number then.
    strange = np.unique(negatives.item[codes[0] < 0])
    for places, item in zip(codes, items_of, strict=True):
        outside = np.flatnonzero(places < 0)
        at = np.searchsorted(strange, item[outside])
        same = np.append(strange, 0)[at] == item[outside]
        # The last number is for items that are neither drawn nor in the catalogue.
        places[outside] = np.where((at < len(strange)) & same, n + at, n + len(strange))
    code, shown_code, clicked_code = codes
    known, easy, declared = code < n, negatives.source < SOURCES, negatives.log_q
    valid = np.isfinite(declared) & (declared <= 0)
    weights = np.zeros(n + len(strange) + 1)
    weights[:n] = items.weights
    counts = count_draws(
        users,
        (shown[0], shown_code),
        (clicked[0], clicked_code),
        (negatives.user, code, negatives.source, np.where(easy & known & valid, declared, np.nan)),
        weights,
        MOST_OFF,
    )
    edges = log_q_edges(items)
    within = np.clip(declared[easy & valid], edges[0], 0.0)
    # As bins and range: edges of their own would have every number sorted.
    counted, _ = np.histogram(within, len(edges) - 1, (edges[0], 0.0))
    return DrawFigures(
        shown=counts.shown,
        clicked=counts.clicked,
        ineligible=int((~known).sum()),
        invalid=int((easy & ~valid).sum() + (~easy & ~np.isnan(declared)).sum()),
        differing=counts.differing,
        total=counts.total,
        drawn=counts.drawn[:, :n],
        blocked=counts.blocked[:, :n],
        log_q=counted.astype(np.float64),
    )


def places_of(item: NDArray[np.int64], keys: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the place of each item among ascending keys, -1 where it is not there; shape (k,)."""
    n = len(keys)
    span = int(keys[-1]) - int(keys[0]) + 1 if n else 0
    if n == 0 or span > _SPARSEST * n:
        found = pc.index_in(pa.array(item), pa.array(keys)).fill_null(-1).to_numpy()
        return np.array(found, np.int32)
    # Ids that were counted up are looked up in a table with a slot for each, in a third of the
    # time; its last slot is for all that are below or above.
    table = np.full(span + 1, -1, np.int32)
    table[keys - keys[0]] = np.arange(n)
    # What is below, or so far above that the difference overflows, is a huge number when unsigned.
    slot = (item - keys[0]).view(np.uint64)
    found_at: NDArray[np.int32] = table[np.minimum(slot, np.uint64(span)).view(np.int64)]
    return found_at


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
