"""Tests that do not cry wolf: how unlikely a figure is, and how large it is beyond chance.

A release is deterministic: what fails by chance fails on every try. So a bias counts only where p
lies below ``CERTAIN_P``, and what then counts is its size, not p. All p-values are given as
-log10 p, capped at 300: the larger, the less likely.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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


def chi_square(drawn: NDArray[np.float64], expected: NDArray[np.float64]) -> Surprise:
    """Compare drawn counts with expected ones, cell by cell; both of shape (n,).

    Cells with an expectation below 5 are pooled. ``size`` is the total variation between drawn and
    expected shares, less what chance alone gives: E|N - E| is about sqrt(2 E / pi) for a count.

    Source:
        Pearson 1900; pooling as Cochran 1954, "Some methods for strengthening the common
        chi-square tests".
    """
    impossible = float(drawn[expected <= 0].sum())
    total = float(drawn.sum())
    if total == 0:
        return Surprise(0.0, 0.0, 0)
    if impossible > 0:
        return Surprise(_MOST, 1.0 if impossible == total else max(impossible / total, 1e-9), 0)
    want, got = _pooled(expected, drawn)
    if len(want) < 2:
        return Surprise(0.0, 0.0, len(want))
    statistic = float(((got - want) ** 2 / want).sum())
    p = minus_log10(float(stats.chi2.sf(statistic, len(want) - 1)))
    by_chance = 0.5 * float(np.sqrt(2.0 * want / math.pi).sum()) / total
    variation = 0.5 * float(np.abs(got - want).sum()) / total
    return Surprise(p, max(0.0, variation - by_chance), len(want))


def _pooled(
    expected: NDArray[np.float64], drawn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put items that expect too few together, the rarest first; no cell expects too few then."""
    rare = expected < LEAST_EXPECTED
    order = np.argsort(expected[rare], kind="stable")
    few, few_drawn = expected[rare][order], drawn[rare][order]
    # Groups of twice the least: an item holds less than the least, so each group holds enough.
    group = np.floor(np.cumsum(few) / (2 * LEAST_EXPECTED)).astype(np.int64)
    if len(group) and few[group == group[-1]].sum() < LEAST_EXPECTED:
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
        p of the two-sided normal approximation of the sum of binomials, exact for one item;
        ``size`` is |kept - expected| / expected.
    """
    expected = float((candidates * keep).sum())
    variance = float((candidates * keep * (1.0 - keep)).sum())
    if variance == 0.0:
        off = abs(kept - expected) > 1e-6
        return Surprise(_MOST if off else 0.0, 1.0 if off else 0.0, len(keep))
    if len(keep) == 1:
        n, chance = round(float(candidates[0])), float(keep[0])
        p = 2.0 * min(stats.binom.cdf(kept, n, chance), stats.binom.sf(kept - 1, n, chance))
    else:
        p = 2.0 * float(stats.norm.sf(abs(kept - expected) / math.sqrt(variance)))
    return Surprise(minus_log10(float(p)), abs(kept - expected) / expected, len(keep))


def occupancy(seen: float, expected: NDArray[np.float64]) -> Surprise:
    """Compare how many items were drawn at all with what their expected counts let expect.

    An item with E expected draws is missing with probability about exp(-E); items are taken as
    independent, which overstates the variance a little.
    """
    missing = np.exp(-expected)
    mean = float((1.0 - missing).sum())
    deviation = math.sqrt(float((missing * (1.0 - missing)).sum()) + 1e-12)
    if mean == 0.0:
        return Surprise(0.0, 0.0, 0)
    # Half an item on each side: the count is whole, the normal distribution is not.
    distance = max(0.0, abs(seen - mean) - 0.5)
    p = minus_log10(2.0 * float(stats.norm.sf(distance / deviation)))
    return Surprise(p, abs(seen - mean) / mean, len(expected))


def stability_index(before: NDArray[np.float64], now: NDArray[np.float64], bins: int = 20) -> float:
    """Return the population stability index of two counts over the same items, shape (n,).

    Items are put into bins that held about equal shares before; a bin's share is smoothed by half
    a count, so that none is 0. Below 0.1 little has changed, above 0.25 much.

    Source:
        Yurdakul 2018, "Statistical Properties of Population Stability Index", section 2.
    """
    if before.sum() == 0 or now.sum() == 0:
        return 0.0
    order = np.argsort(-before, kind="stable")
    reached = np.cumsum(before[order]) - before[order] / 2
    place = np.minimum((reached / before.sum() * bins).astype(np.int64), bins - 1)
    # Items that were not there before are a bin of their own.
    place = np.where(before[order] == 0, bins, place)
    old = np.bincount(place, weights=before[order], minlength=bins + 1) + 0.5
    new = np.bincount(place, weights=now[order], minlength=bins + 1) + 0.5
    p, q = old / old.sum(), new / new.sum()
    return float(((q - p) * np.log(q / p)).sum())


def robust_distance(value: float, earlier: NDArray[np.float64]) -> float:
    """Return the distance of a value from the median of earlier ones, in robust sd.

    The robust standard deviation is 1.4826 times the median absolute deviation, but at least 5 %
    of the median: a figure that hardly ever moved must not fail at its first move.
    """
    median = float(np.median(earlier))
    spread = 1.4826 * float(np.median(np.abs(earlier - median)))
    return abs(value - median) / max(spread, 0.05 * abs(median), 1e-12)
