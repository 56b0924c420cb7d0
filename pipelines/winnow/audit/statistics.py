"""Tests that do not cry wolf: how unlikely a figure is, and how large it is beyond chance.

A release is deterministic: what fails by chance fails on every try. So a bias counts only where p
lies below ``CERTAIN_P``, and what then counts is its size, not p. All p-values are given as
-log10 p, capped at 300: the larger, the less likely.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from winnow.arrays.distinct import distinct
from winnow.arrays.grouping import rows_by_group

CERTAIN_P = 9.0
"""-log10 of the p below which chance is ruled out."""

LEAST_EXPECTED = 5.0
"""Cells that expect fewer are put together, or the chi-square distribution would not hold."""

_MOST = 300.0


@dataclass(frozen=True)
class Surprise:
    """How far counts lie from their expectation.

    Attributes:
        p: -log10 of the probability of such counts or worse, in [0, 300].
        size: How far they are off, as a share in [0, 1], whatever p is.
        cells: How many cells were compared.
    """

    p: float
    size: float
    cells: int

    @property
    def bias(self) -> float:
        """The size where chance is ruled out, else 0."""
        return self.size if self.p > CERTAIN_P else 0.0


def minus_log10(p: float) -> float:
    """Return -log10 p in [0, 300]."""
    return _MOST if p <= 10**-_MOST else max(0.0, -math.log10(min(p, 1.0)))


def chi_square(
    drawn: NDArray[np.float64],
    expected: NDArray[np.float64],
    likely: NDArray[np.float64] | None = None,
) -> Surprise:
    """Compare drawn counts with expected ones, cell by cell; both of shape (n,).

    Cells with an expectation below 5 are pooled, by ``likely`` where what was drawn has a say in
    what is expected, as it has where an item comes once at most: cells that are put together by
    such an expectation are put together by what was drawn.

    ``size`` is the largest total variation between
    the shares that the chi-square beyond chance allows, sqrt((X - (k - 1)) / n) / 2: the variation
    of the counts themselves is mostly noise where a cell's bias is smaller than its noise.

    Source:
        Pearson 1900; pooling as Cochran 1954, "Some methods for strengthening the common
        chi-square tests"; the variance as Haldane 1937, "The exact value of the moments of the
        distribution of chi-square".
    """
    impossible = float(drawn[expected <= 0].sum())
    total = float(drawn.sum())
    if total == 0:
        return Surprise(0.0, 0.0, 0)
    if impossible > 0:
        return Surprise(_MOST, 1.0 if impossible == total else max(impossible / total, 1e-9), 0)
    want, got = _pooled(expected, drawn, expected if likely is None else likely)
    if len(want) < 2:
        return Surprise(0.0, 0.0, len(want))
    statistic = float(((got - want) ** 2 / want).sum())
    cells = len(want)
    # Cells that expect little have long tails: as so many degrees of freedom as mean and variance
    # together ask for. Without this a p of 1e-9 would come once in a million.
    variance = 2 * (cells - 1) + float((1 / want).sum()) - (cells**2 + 2 * cells - 2) / total
    scale = max(1.0, variance / (2 * (cells - 1)))
    p = minus_log10(float(special.chdtrc((cells - 1) / scale, statistic / scale)))
    beyond_chance = max(0.0, statistic - (cells - 1)) / total
    return Surprise(p, min(1.0, 0.5 * math.sqrt(beyond_chance)), cells)


def _pooled(
    expected: NDArray[np.float64], drawn: NDArray[np.float64], likely: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put items that expect too few together, the rarest first; no cell expects too few then."""
    rare = likely < LEAST_EXPECTED
    values, number = distinct(likely[rare])
    order, _ = rows_by_group(number, len(values))
    few, few_drawn, few_likely = (of[rare][order] for of in (expected, drawn, likely))
    # Groups of twice the least: an item holds less than the least, so each group holds enough.
    group = np.floor(np.cumsum(few_likely) / (2 * LEAST_EXPECTED)).astype(np.int64)
    if len(group) and few_likely[group == group[-1]].sum() < LEAST_EXPECTED:
        group[group == group[-1]] = max(group[-1] - 1, 0)
    want = np.concatenate([np.bincount(group, weights=few), expected[~rare]])
    got = np.concatenate([np.bincount(group, weights=few_drawn), drawn[~rare]])
    if len(want) > 1 and want[0] < LEAST_EXPECTED:
        smallest = 1 + int(np.argmin(want[1:]))
        want[smallest] += want[0]
        got[smallest] += got[0]
        want, got = want[1:], got[1:]
    return want, got


def kept_of(kept: float, candidates: NDArray[np.float64], keep: NDArray[np.float64]) -> Surprise:
    """Compare the kept positives of some items with what their keep_prob lets expect.

    Args:
        kept: How many were kept, of all the items together.
        candidates: Positives before down-sampling of each item, shape (n,).
        keep: keep_prob of each item, shape (n,).

    Returns:
        p of both sides: exact for one item, else a bound that is never too small;
        ``size`` is |kept - expected| / expected.
    """
    expected = float((candidates * keep).sum())
    variance = float((candidates * keep * (1.0 - keep)).sum())
    if variance == 0.0:
        off = abs(kept - expected) > 1e-6
        return Surprise(_MOST if off else 0.0, 1.0 if off else 0.0, len(keep))
    if len(keep) == 1:
        n, chance = round(float(candidates[0])), float(keep[0])
        p = 2.0 * min(special.bdtr(kept, n, chance), special.bdtrc(kept - 1, n, chance))
        surprise = minus_log10(float(p))
    else:
        surprise = _far_off(abs(kept - expected), variance)
    return Surprise(surprise, abs(kept - expected) / expected, len(keep))


def _far_off(distance: float, variance: float) -> float:
    """Return -log10 of a bound on how likely yes-or-no events are so far off their expected sum.

    The normal distribution is far too sure of itself where few events are expected: one missing
    item of twenty would come once in 10^50. This bound holds for any number of them.

    Source:
        Bennett 1962, "Probability Inequalities for the Sum of Independent Random Variables".
    """
    ratio = distance / variance
    exponent = variance * ((1.0 + ratio) * math.log1p(ratio) - ratio)
    return min(_MOST, max(0.0, (exponent - math.log(2.0)) / math.log(10.0)))


def occupancy(
    seen: float, expected: NDArray[np.float64], times: NDArray[np.float64] | None = None
) -> Surprise:
    """Compare how many items were drawn at all with what their expected counts let expect.

    An item with E expected draws is missing with probability about exp(-E); items are taken as
    independent, which overstates the variance a little. p is a bound that is never too small.
    ``times`` is how many items each expectation is of, shape (n,); None is one.
    """
    missing = np.exp(-expected)
    each = np.ones(len(expected)) if times is None else times
    mean = float(((1.0 - missing) * each).sum())
    if mean == 0.0:
        return Surprise(0.0, 0.0, 0)
    variance = float((missing * (1.0 - missing) * each).sum())
    # Half an item on each side: the count is whole, its expectation is not.
    distance = max(0.0, abs(seen - mean) - 0.5)
    p = _far_off(distance, max(variance, 1e-9))
    return Surprise(p, abs(seen - mean) / mean, int(each.sum()))


def stability_index(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    bins: int = 20,
    effective: tuple[float, float] | None = None,
) -> float:
    """Return the population stability index of two counts over the same groups, shape (n,).

    The groups are in an order that neither count has a say in, or chance would look like drift:
    what was rare today is more often rare than rare again tomorrow. They are put into bins that
    held about equal shares before; a bin's share is smoothed by half a count, so that none is 0;
    what chance alone gives, about (bins - 1) (1 / before + 1 / now), is taken off: ``before`` and
    ``now`` there are the independent draws, as many as ``effective`` says where counts come in
    clusters. Below 0.1 little has changed, above 0.25 much.

    Source:
        Yurdakul 2018, "Statistical Properties of Population Stability Index", section 2.
    """
    if before.sum() == 0 or now.sum() == 0:
        return 0.0
    reached = np.cumsum(before) - before / 2
    place = np.minimum((reached / before.sum() * bins).astype(np.int64), bins - 1)
    _, place = np.unique(place, return_inverse=True)
    old = np.bincount(place, weights=before) + 0.5
    new = np.bincount(place, weights=now) + 0.5
    p, q = old / old.sum(), new / new.sum()
    draws = (float(before.sum()), float(now.sum())) if effective is None else effective
    by_chance = (len(old) - 1) * (1 / draws[0] + 1 / draws[1])
    return max(0.0, float(((q - p) * np.log(q / p)).sum()) - float(by_chance))


def robust_distance(value: float, earlier: NDArray[np.float64]) -> float:
    """Return how far a value lies from the median of earlier ones, as ratios, in robust sd.

    Ratios, so that a tenth and ten times as much are equally far. The robust standard deviation is
    1.4826 times the median absolute deviation of the logarithms, but at least ln 1.05: a figure
    that hardly ever moved must not fail at its first move.
    """
    least = 1e-9
    past = np.log(np.maximum(earlier, least))
    median = float(np.median(past))
    spread = 1.4826 * float(np.median(np.abs(past - median)))
    return abs(math.log(max(value, least)) - median) / max(spread, math.log(1.05))
