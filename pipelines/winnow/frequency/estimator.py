"""How often items are in batches, from the steps between two that have them (Yi et al., 2019)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from winnow.frequency.buckets import buckets_of, keys_of
from winnow.frequency.shares import log_of, share_of

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]


@dataclass(frozen=True)
class FrequencySettings:
    """What an estimate depends on, besides the batches.

    Attributes:
        batch_size: Slots of a batch: what a share of it is a share of.
        rate: The learning rate α, in (0, 1): large ones follow changes sooner and are noisier.
        arrays: m, how many arrays there are, each with a hash of its own.
        buckets: H, of each array; one to two times the number of items.
        start_gap: What every bucket's gap begins with, in steps, at least 1.
    """

    batch_size: int
    rate: float = 0.01
    arrays: int = 2
    buckets: int = 1_000_000
    start_gap: float = 100.0

    def __post_init__(self) -> None:
        """Refuse what no estimate can be made with."""
        wrong = [
            f"{name} = {value!r}, expected {expected}"
            for name, value, expected, right in (
                ("batch_size", self.batch_size, "at least 1", self.batch_size >= 1),
                ("rate", self.rate, "more than 0, less than 1", 0.0 < self.rate < 1.0),
                ("arrays", self.arrays, "at least 1", self.arrays >= 1),
                ("buckets", self.buckets, "1 to 2^32", 1 <= self.buckets <= 2**32),
                ("start_gap", self.start_gap, "at least 1", self.start_gap >= 1.0),
            )
            if not right
        ]
        if wrong:
            raise ValueError("; ".join(wrong))


class StreamingFrequency:
    """A running estimate: tell it each batch, ask it how likely items are in one.

    Each item has a bucket in each of m arrays. A bucket knows the last step that hit it, and an
    average of the steps between two hits; the chance that a batch has the item is 1 / the largest
    average of its buckets, as others that share a bucket make its gaps shorter. A bucket is updated
    once a step, however many rows of the batch hit it.

        frequency = StreamingFrequency(FrequencySettings(batch_size=4096))
        for batch in batches:
            frequency.update(batch["item_id"])
            logits = scores - frequency.log_q(batch["item_id"])

    Source:
        Yi et al. 2019, "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
        Recommendations", algorithms 2 and 3.

    Attributes:
        settings: What was asked for.
        step: Batches so far.
        last_step: int64, shape (arrays, buckets): the last step that hit the bucket; 0 where none
            did.
        gap: float64, shape (arrays, buckets): the averaged steps between two hits.
    """

    def __init__(self, settings: FrequencySettings) -> None:
        """Begin before the first batch."""
        self.settings = settings
        self.step = 0
        shape = (settings.arrays, settings.buckets)
        self.last_step: Int64s = np.zeros(shape, np.int64)
        self.gap: Float64s = np.full(shape, settings.start_gap)

    def update(self, items: Any) -> None:
        """Take in the next batch.

        Args:
            items: The items of its rows, in any order; see ``keys_of``. A batch without rows is a
                step as well.
        """
        self.step += 1
        places = self._places(items)
        last, gap = self.last_step.reshape(-1), self.gap.reshape(-1)
        # Who is there twice is given the same value twice.
        gap[places] = updated_gap(gap[places], self.step - last[places], self.settings.rate)
        last[places] = self.step

    def presence(self, items: Any, *, stale: bool = False, floor: bool = False) -> Float64s:
        """Return the chance that a batch has each item at all, shape (n,).

        Args:
            items: See ``keys_of``.
            stale: Count the steps since an item was last seen as its gap where they are more. What
                is not asked for any more fades sooner; where nothing changes it is less exact.
            floor: Give 1 / steps where an item was never seen, in place of NaN.

        Returns:
            In (0, 1]; NaN of items that no batch had (an item that shares all of its buckets with
            others is taken for seen).
        """
        places = self._places(items)
        last, gap = self.last_step.reshape(-1)[places], self.gap.reshape(-1)[places]
        seen = (last > 0).all(axis=0)
        gaps = (np.maximum(gap, self.step - last) if stale else gap).max(axis=0)
        unseen = 1.0 / self.step if floor and self.step > 0 else np.nan
        return np.where(seen, 1.0 / gaps, unseen)

    def share(self, items: Any, *, stale: bool = False, floor: bool = False) -> Float64s:
        """Return the chance of one slot to have each item, shape (n,); see ``share_of``.

        Arguments and NaN as for ``presence``.
        """
        found = self.presence(items, stale=stale, floor=floor)
        return share_of(found, self.settings.batch_size, self.settings.rate)

    def log_q(self, items: Any, *, stale: bool = False, floor: bool = False) -> Float64s:
        """Return the natural log of ``share``, rounded to 1e-9: what a trainer subtracts."""
        return log_of(self.share(items, stale=stale, floor=floor))

    def expected(self, items: Any, *, stale: bool = False, floor: bool = False) -> Float64s:
        """Return the rows of each item to expect in a batch: ``batch_size`` times ``share``."""
        return self.settings.batch_size * self.share(items, stale=stale, floor=floor)

    def _places(self, items: Any) -> Int64s:
        """Return where the buckets of items are in the arrays one behind the other."""
        arrays, buckets = self.last_step.shape
        begins = np.arange(arrays).reshape(-1, 1) * buckets
        places: Int64s = begins + buckets_of(keys_of(items), arrays, buckets)
        return places


def updated_gap(gap: Float64s, steps: Int64s, rate: float) -> Float64s:
    """Return (1 - α) · gap + α · steps: averages after one more gap of so many steps each.

    Every sum is made in this order, so that a loop and a build agree to the last bit.
    """
    found: Float64s = (1.0 - rate) * gap + rate * steps
    return found
