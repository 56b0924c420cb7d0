"""The simulation of Yi et al. 2019, section 6.1: figures 4 and 5 again.

``python -m bench.quality.frequency`` prints the errors that frequency.md beside this file has.

1,000 items; a batch is 128 of them drawn without replacement by q_i ∝ (i + 1)²; halfway q is turned
around. The error is Σ |p̂_i - p_i| / (2 · 128), with p_i = 128 q_i as in the paper.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from winnow.frequency.estimator import FrequencySettings, StreamingFrequency

Float64s = NDArray[np.float64]

N_ITEMS, BATCH = 1_000, 128
STEPS, SWITCH = 20_000, 10_000
LOOKED_AT = (1_000, 5_000, 10_000, 10_500, 12_000, 20_000)
NO_COLLISIONS = 5_000_000
"""Buckets of which two of the items hardly ever share one."""


@dataclass(frozen=True)
class Stream:
    """Batches, and how likely items are in them.

    Attributes:
        batches: int16, shape (steps, 128): the items of each.
        switch: The number of batches after which q is turned around.
    """

    batches: NDArray[np.int16]
    switch: int

    @classmethod
    def of(cls, steps: int, switch: int, seed: int = 0) -> "Stream":
        """Draw batches without replacement: item after item by q among those that are left."""
        rng = np.random.default_rng(seed)
        batches = np.empty((steps, BATCH), np.int16)
        for step in range(steps):
            q = chances(turned=step >= switch)
            # The smallest of exponentials with rates q are such a draw.
            waits = rng.standard_exponential(N_ITEMS) / q
            batches[step] = np.argpartition(waits, BATCH)[:BATCH]
        return cls(batches, switch)

    def wanted(self, step: int) -> Float64s:
        """Return the paper's p_i of the batch that makes so many steps."""
        return BATCH * chances(turned=step > self.switch)

    def counted(self) -> Float64s:
        """Return the share of the batches before the switch that have each item."""
        there = np.bincount(self.batches[: self.switch].reshape(-1), minlength=N_ITEMS)
        return there / self.switch


def chances(*, turned: bool) -> Float64s:
    """Return q of every item, before the switch or after it."""
    weights = (np.arange(N_ITEMS, dtype=np.float64) + 1) ** 2
    q: Float64s = weights / weights.sum()
    return q[::-1].copy() if turned else q


def error(estimate: Float64s, wanted: Float64s) -> float:
    """Return Σ |p̂ - p| / (2 · 128); an item that was never seen counts as p̂ = 0."""
    return float(np.abs(np.nan_to_num(estimate) - wanted).sum() / (2 * BATCH))


def errors(
    stream: Stream, settings: FrequencySettings, steps: Sequence[int], *, stale: bool = False
) -> Iterator[float]:
    """Give the error of one estimate after each of some numbers of steps, ascending."""
    estimate, items = StreamingFrequency(settings), np.arange(N_ITEMS)
    for step, batch in enumerate(stream.batches[: steps[-1]], start=1):
        estimate.update(batch)
        if step in steps:
            yield error(estimate.presence(items, stale=stale), stream.wanted(step))


def settings_of(rate: float, arrays: int, in_all: int) -> FrequencySettings:
    """Return settings with so many buckets in all arrays together."""
    return FrequencySettings(BATCH, rate, arrays, in_all // arrays)


ROWS = (
    *((f"α = {rate}, m = 1", rate, 1, 5_000, False) for rate in (0.1, 0.05, 0.01, 0.005, 0.001)),
    ("α = 0.01, no collisions", 0.01, 1, NO_COLLISIONS, False),
    ("α = 0.01, no collisions, stale", 0.01, 1, NO_COLLISIONS, True),
    *((f"α = 0.01, 5,000 buckets, m = {m}", 0.01, m, 5_000, False) for m in (1, 2, 4)),
    *((f"α = 0.01, 2,000 buckets, m = {m}", 0.01, m, 2_000, False) for m in (1, 2, 4)),
)


def main() -> None:
    """Print a table of errors by step."""
    began = time.perf_counter()
    stream = Stream.of(STEPS, SWITCH)
    counted = error(stream.counted(), stream.wanted(1))
    print(f"counting {SWITCH:,} batches exactly: {counted:.3f}")  # noqa: T201
    print("setting | " + " | ".join(f"{step:,}" for step in LOOKED_AT))  # noqa: T201
    for name, rate, arrays, in_all, stale in ROWS:
        found = errors(stream, settings_of(rate, arrays, in_all), LOOKED_AT, stale=stale)
        print(f"{name} | " + " | ".join(f"{one:.3f}" for one in found), flush=True)  # noqa: T201
    print(f"{time.perf_counter() - began:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
