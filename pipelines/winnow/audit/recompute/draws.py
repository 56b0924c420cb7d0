"""One partition of users: their negatives against what the logs forbid them. No Spark.

This shares the definitions of the forbidden set and of log_q with the sampler, not its code: items
are found by Arrow, and what is counted starts from the logs and the staged table.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.kernels.draw_counts import count_draws
from winnow.audit.recompute.kernels.draw_rows import Draws
from winnow.audit.recompute.kernels.group_slots import Slots

SHOWN, CLICKED, POSITIVE, RECALLED = range(4)
"""Kinds of rows: an impression, a click, a positive with its negatives, an item of a request that
the ranking log has."""

_SPARSEST = 8
"""Keys whose range is more than so many times their number are not counted up."""

_NO_CODE = -2

MOST_OFF = 1e-6
"""A log_q may differ by so much from the one that is computed here."""


NOTHING = np.empty(0, np.int32), np.empty(0, np.int64)
"""No rows of places and keys."""


@dataclass(frozen=True)
class Negatives:
    """Negatives of a partition, those of one positive together, one entry per negative.

    Attributes:
        user: Place of the user among the partition's, shape (m,).
        item: 64-bit key, shape (m,).
        source: As in neg_source, shape (m,).
        log_q: As declared; NaN where NULL, shape (m,).
        positive: 64-bit key of the positive's item, shape (m,).
        row: Number of the positive's row, shape (m,).
        mixture: mixture_log_q as declared; NaN where NULL; empty where no table tells it.
        segments: int32, shape (m, attributes): the numbers of the segments of the user and of the
            markets of the request, -1 where there is none.
        request: int32, shape (m,): the place of the positive's request among those that are told;
            empty where no source asks what was recalled.
    """

    user: NDArray[np.int32]
    item: NDArray[np.int64]
    source: NDArray[np.int8]
    log_q: NDArray[np.float64]
    positive: NDArray[np.int64]
    row: NDArray[np.int64]
    mixture: NDArray[np.float64]
    segments: NDArray[np.int32] = field(default_factory=lambda: np.empty((0, 0), np.int32))
    request: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))


@dataclass(frozen=True)
class DrawFigures:
    """What one partition adds to the figures; sums over partitions are the figures.

    Attributes:
        shown, clicked, ineligible: Negatives that are so; of ``shown`` those that may not be.
        outside: Draws of an item of the catalogue that is not in the group of their positive.
        invalid: Draws without a finite log_q <= 0, and negatives that are no draws with one.
        differing: Draws in their group whose log_q is not the probability.
        mixing: Draws whose mixture_log_q is not the probability, or is NULL.
        recalled: Draws of sources that must not give what was recalled, of an item that the ranking
            log has of the request, or for a request of which it has none.
        repeated: Draws of sources that repeat no item of a positive, of one that it had before.
        total: S, the sum of the users' w, by group.
        drawn: Draws, by slot.
        blocked: Sum of w over the users that the item is forbidden to, by slot.
        spent: Sum of w over the draws of a positive behind that of the item, where none comes
            twice, by slot.
        log_q: Counts between ``edges``, shape (len(edges) - 1,).
    """

    shown: int
    clicked: int
    ineligible: int
    outside: int
    invalid: int
    differing: int
    mixing: int
    recalled: int
    repeated: int
    total: NDArray[np.float64]
    drawn: NDArray[np.float64]
    blocked: NDArray[np.float64]
    spent: NDArray[np.float64]
    log_q: NDArray[np.float64]


def log_q_edges(drawable: Drawable) -> NDArray[np.float64]:
    """Return 41 edges from below the smallest unconditional log_q up to 0."""
    return np.linspace(np.floor(drawable.lowest_log_q[0]), 0.0, 41)


def examine(
    users: int,
    shown: tuple[NDArray[np.int32], NDArray[np.int64]],
    clicked: tuple[NDArray[np.int32], NDArray[np.int64]],
    negatives: Negatives,
    drawable: Drawable,
    recalled: tuple[NDArray[np.int32], NDArray[np.int64]] = NOTHING,
    exempt: int | None = None,
) -> DrawFigures:
    """Compare a partition's negatives with the forbidden sets of its users.

    Args:
        users: How many users the partition has.
        shown, clicked: (user, item) of impressions and clicks in the exclusion window, duplicates
            allowed: place of the user and 64-bit key, shapes (k,).
        negatives: The users' negatives, all of them.
        drawable: What may be drawn.
        recalled: (request, item) of the ranking log, duplicates allowed: place of the request, as
            in ``Negatives``, and 64-bit key, shapes (k,).
        exempt: The code of neg_source of what the user may have been shown, if any: that each of
            these was rejected is another gate.
    """
    n, items_of = len(drawable.keys), (negatives.item, shown[1], clicked[1], recalled[1])
    codes = [places_of(item, drawable.keys) for item in items_of]
    # An item outside of the catalogue can only be a negative by mistake: it has a number then.
    strange = np.unique(negatives.item[codes[0] < 0])
    for places, item in zip(codes, items_of, strict=True):
        outside = np.flatnonzero(places < 0)
        at = np.searchsorted(strange, item[outside])
        same = np.append(strange, 0)[at] == item[outside]
        # The last number is for items that are neither drawn nor in the catalogue.
        places[outside] = np.where((at < len(strange)) & same, n + at, n + len(strange))
    code, shown_code, clicked_code, recalled_code = codes
    source = _source_of(negatives.source, drawable.codes)
    known, drawn, declared = code < n, source >= 0, negatives.log_q
    positive = np.full(len(code), -1, np.int32)
    if (drawable.rows >= 0).any():
        positive = places_of(negatives.positive, drawable.keys)
    valid = np.isfinite(declared) & (declared <= 0)
    mixture = negatives.mixture
    if len(mixture):
        # One that is missing differs from every probability.
        mixture = np.where(drawn & known, np.nan_to_num(mixture, nan=np.inf), np.nan)
    counts = count_draws(
        users,
        (shown[0], shown_code),
        (clicked[0], clicked_code),
        (recalled[0], recalled_code),
        Draws(
            negatives.user,
            code,
            source,
            drawable.groups_of(source, positive, negatives.segments),
            negatives.row,
            np.where(drawn & known & valid, declared, np.nan),
            mixture,
            negatives.request,
            negatives.source == (_NO_CODE if exempt is None else exempt),
        ),
        _slots(drawable),
        n + len(strange) + 1,
        MOST_OFF,
    )
    edges = log_q_edges(drawable)
    within = np.clip(declared[drawn & valid], edges[0], 0.0)
    # As bins and range: edges of their own would have every number sorted.
    counted, _ = np.histogram(within, len(edges) - 1, (edges[0], 0.0))
    return DrawFigures(
        shown=counts.shown,
        clicked=counts.clicked,
        ineligible=int((~known).sum()),
        outside=counts.outside,
        invalid=int((drawn & ~valid).sum() + (~drawn & ~np.isnan(declared)).sum()),
        differing=counts.differing,
        mixing=counts.mixing,
        recalled=counts.recalled,
        repeated=counts.repeated,
        total=counts.total,
        drawn=counts.drawn,
        blocked=counts.blocked,
        spent=counts.spent,
        log_q=counted.astype(np.float64),
    )


def _source_of(code: NDArray[np.int8], codes: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the place of each code among those of draws, -1 where it is none of them."""
    place = np.full(256, -1, np.int64)
    place[codes.astype(np.int64) + 128] = np.arange(len(codes))
    found: NDArray[np.int64] = place[code.astype(np.int64) + 128]
    return found


def _slots(drawable: Drawable) -> Slots:
    return Slots(
        drawable.begins,
        drawable.items,
        drawable.weights,
        drawable.totals,
        len(drawable.keys),
        len(drawable.codes),
        drawable.not_recalled,
        drawable.distinct,
        drawable.behind,
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
