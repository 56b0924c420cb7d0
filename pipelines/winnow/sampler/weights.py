"""Integer weights of the easy draw and keep_prob of hot items, the same on every machine.

No power or logarithm of a vector library is used: they differ between CPUs in the last digits.
Square roots are exact by IEEE 754; other exponents are computed in decimal arithmetic, once for
each distinct count.
"""

import math
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.distinct import distinct

if TYPE_CHECKING:
    from winnow.config.positives import Downsampling, Upsampling


_STEPS = 64
_HALF_A_STEP = 2**26 // _STEPS // 2
_MOST_TOTAL = 2**52
_MOST_TOTAL_TIMES_ITEMS = 2**61


def power(base: float, exponent: float) -> float:
    """Return base^exponent for base > 0, to the last bit the same everywhere.

    Quarters of an exponent are made of square roots: x^0.75 = √x · √√x.
    """
    root = math.sqrt(base)
    quarters = {0.0: 1.0, 0.25: math.sqrt(root), 0.5: root, 1.0: base}
    if exponent in quarters:
        return quarters[exponent]
    if exponent == 0.75:
        return root * math.sqrt(root)
    return _decimal_power(base, exponent)


@lru_cache(maxsize=2**16)
def _decimal_power(base: float, exponent: float) -> float:
    # A twentieth of a millisecond each, and the groups of a catalogue have the same few counts.
    with localcontext() as context:
        context.prec = 30
        return float(Decimal(base) ** Decimal(exponent))


def popularity_of(items: pa.Table) -> NDArray[np.int64] | NDArray[np.float64]:
    """Return f of items, shape (n,): their clicks, or multiples of 1/64 of what else counts.

    Args:
        items: ``clicks``; where these are not the popularity, ``popularity`` (int64, in units of
            which one event of the newest date has 2^26).
    """
    if "popularity" not in items.column_names:
        clicks: NDArray[np.int64] = items["clicks"].to_numpy()
        return clicks
    units: NDArray[np.int64] = items["popularity"].to_numpy()
    steps: NDArray[np.int64] = (units + _HALF_A_STEP) // (2 * _HALF_A_STEP)
    return steps.astype(np.float64) / _STEPS


def integer_weights(clicks: NDArray[Any], smoothing: float, alpha: float) -> NDArray[np.int64]:
    """Return W_i = max(1, round(scale · (f_i + s)^alpha)), shape (n,).

    The scale is the largest power of two with which sum(W) stays below 2^52 and n · sum(W) below
    2^61, so that sums are exact in whole and in floating numbers, and a point of the line that all
    weights make, of 64 bits, falls on an item by its weight to within n · 2^-63 of its chance.

    Args:
        clicks: f_i, whole or not, shape (n,). smoothing: s, with f_i + s > 0. alpha: The exponent.

    Source:
        Mikolov et al. 2013, "Distributed Representations of Words and Phrases", section 2.2, for
        the exponent 0.75.
    """
    return weights_by_group(clicks, np.array([0, len(clicks)]), smoothing, alpha)


def weights_by_group(
    clicks: NDArray[Any], starts: NDArray[np.int64], smoothing: float, alpha: float
) -> NDArray[np.int64]:
    """Return ``integer_weights`` of each of many groups, one behind the other, shape (n,).

    Args:
        clicks: Those of group g are clicks[starts[g]:starts[g + 1]].
        starts: Shape (groups + 1,), from 0 to n. smoothing, alpha: As for one group.
    """
    if len(clicks) == 0:
        return np.empty(0, np.int64)
    counts, number = distinct(clicks)
    shares = np.array([power(float(f) + smoothing, alpha) for f in counts])
    sizes = np.diff(starts)
    # How often each group has each count: one row for each pair of both.
    pairs, of_item = np.arange(len(counts)), number
    if len(sizes) > 1:
        group = np.repeat(np.arange(len(sizes)), sizes)
        pairs, of_item = distinct(group * len(counts) + number)
    times, of_group = np.bincount(of_item, minlength=len(pairs)), pairs // len(counts)
    share = shares[pairs % len(counts)]
    sums = (share * times).tolist()
    begins = np.searchsorted(of_group, np.arange(len(sizes) + 1)).tolist()
    scales = np.ones(len(sizes))
    for g, n in enumerate(sizes.tolist()):
        if n:
            total = math.fsum(sums[begins[g] : begins[g + 1]])
            most = min(_MOST_TOTAL, _MOST_TOTAL_TIMES_ITEMS // n)
            scales[g] = 2.0 ** math.floor(math.log2(most / (total + n)))
    # A power of two times a share is exact, and rounded to the nearest even as one by one.
    scaled = np.rint(share * scales[of_group])
    weights: NDArray[np.int64] = np.maximum(scaled, 1.0).astype(np.int64)[of_item]
    return weights


def threshold(clicks: NDArray[Any], rule: "Downsampling") -> float:
    """Return t in clicks: those configured, or the quantile of f over the items with clicks.

    Where t is a share, it is that share of the clicks of all items. The quantile is one of the
    counts: the smallest that at least that share of items does not exceed. Without any click it
    is 1.
    """
    if rule.of_shares:
        return rule.threshold_share * float(clicks.sum())
    if rule.threshold_clicks is not None:
        return rule.threshold_clicks
    clicked = np.sort(clicks[clicks > 0])
    if len(clicked) == 0:
        return 1.0
    return float(clicked[math.ceil(rule.threshold_quantile * len(clicked)) - 1])


def keep_probs(clicks: NDArray[Any], rule: "Downsampling") -> NDArray[np.float64]:
    """Return keep_prob of each item's positives, in (0, 1], shape (n,); 1 where f is 0.

    Source:
        ``sqrt`` is the subsampling of Mikolov et al. 2013, section 2.3, with clicks in place of
        word frequencies; ``word2vec_paper`` has shares as they do, and ``word2vec_code`` is what
        their program computes.
    """
    t = threshold(clicks, rule)
    counts, number = distinct(clicks)
    kept = np.ones(len(counts))
    for i, f in enumerate(counts):
        if rule.rule == "none" or f <= t:
            continue
        ratio = t / float(f)
        linear = ratio if rule.rule == "word2vec_code" else 0.0
        exponent = {"cap": 1.0, "power": rule.power}.get(rule.rule, 0.5)
        kept[i] = min(1.0, power(ratio, exponent) + linear)
    return kept[number]


def expected_rows(clicks: NDArray[np.int64], rule: "Upsampling") -> NDArray[np.float64]:
    """Return how many rows are expected of a positive by its item's clicks, from 1, shape (n,).

    An item without clicks counts as one with a single click.
    """
    counts, number = distinct(np.maximum(clicks, 1))
    rows = np.ones(len(counts))
    for i, f in enumerate(counts):
        if f < rule.threshold_clicks:
            rows[i] = min(rule.most, power(rule.threshold_clicks / float(f), rule.power))
    return rows[number]
