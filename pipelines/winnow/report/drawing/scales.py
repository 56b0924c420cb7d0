"""Scales: where a figure lies between the two ends of an axis, and which ticks it gets."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """An axis from ``low`` to ``high``, with ticks at round figures."""

    low: float
    high: float
    ticks: tuple[float, ...]
    by_factors: bool = False

    def at(self, value: float) -> float:
        """Return the place of a figure in per cent of the axis; beyond an end it is that end."""
        low, high, here = self.low, self.high, value
        if self.by_factors:
            low, high = math.log10(low), math.log10(high)
            here = math.log10(value) if value > 0 else low
        return 100 * min(1.0, max(0.0, (here - low) / (high - low)))


def even(values: Iterable[float], *, intervals: int = 4) -> Scale:
    """Return a scale on which equal distances are equal differences."""
    known = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(known), max(known)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    step = _round_step((high - low) / intervals)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(n * step, 12) for n in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def by_factors(values: Iterable[float]) -> Scale:
    """Return a scale on which equal distances are equal factors, from one power of ten to another.

    Figures that are not above 0 have no place on it and stand at its low end.
    """
    known = [value for value in values if value > 0 and math.isfinite(value)] or [1.0]
    first = math.floor(math.log10(min(known)) + 1e-9)
    last = max(first + 1, math.ceil(math.log10(max(known)) - 1e-9))
    every = math.ceil((last - first) / 5)
    ticks = tuple(10.0**n for n in range(first, last + 1, every))
    return Scale(10.0**first, 10.0**last, ticks, by_factors=True)


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= least * (1 - 1e-9))
