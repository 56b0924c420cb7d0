"""What a stretch of steps does to buckets, known without what came before: for tasks and days.

Of a bucket that the steps t_1 < … < t_n hit, and that was last hit at t_0,

    gap_after = (1 - α)^n · gap_before + α · Σ_k (1 - α)^(n - k) · (t_k - t_(k-1)).

All of it but gap_before and t_0 is known from the stretch alone, so stretches can be summed up
apart, joined, and put on a state in the end.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from winnow.frequency.estimator import StreamingFrequency

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]


class Segments(NamedTuple):
    """The buckets that a stretch of steps hit, ascending, shape (k,) each.

    Attributes:
        bucket: int64: the bucket's number within its array.
        first_step, last_step: int64: the first and the last step that hit it.
        decay: float64: (1 - α)^n, what is left of the gap before.
        first_weight: float64: α · (1 - α)^(n - 1), of the gap that ends with the first step.
        within: float64: the sum over all later gaps.
    """

    bucket: Int64s
    first_step: Int64s
    last_step: Int64s
    decay: Float64s
    first_weight: Float64s
    within: Float64s

    @classmethod
    def of(cls, bucket: Int64s, step: Int64s, rate: float) -> Self:
        """Sum up hits of one array.

        Args:
            bucket, step: Shape (h,): which bucket was hit at which step, in any order; what is
                there twice counts once.
            rate: The learning rate.
        """
        order = np.lexsort((step, bucket))
        bucket, step = bucket[order], step[order]
        new = np.ones(len(bucket), bool)
        new[1:] = (bucket[1:] != bucket[:-1]) | (step[1:] != step[:-1])
        bucket, step = bucket[new], step[new]
        distinct, begins, n = np.unique(bucket, return_index=True, return_counts=True)
        left = np.cumprod(np.concatenate([[1.0], np.full(n.max(initial=0), 1.0 - rate)]))
        later = np.repeat(begins + n, n) - 1 - np.arange(len(bucket))
        gap = np.diff(step, prepend=0)
        gap[begins] = 0
        within = np.add.reduceat(left[later] * gap, begins) if len(begins) else np.empty(0)
        return cls(
            distinct,
            step[begins],
            step[begins + n - 1],
            left[n],
            rate * left[n - 1],
            rate * within,
        )

    def then(self, later: "Segments") -> "Segments":
        """Return this stretch and a later one as one; their steps are counted from one start."""
        bucket = np.union1d(self.bucket, later.bucket)
        one, other = self._at(bucket), later._at(bucket)
        hit_before, hit_after = one.first_step > 0, other.first_step > 0
        between = np.where(hit_before & hit_after, other.first_step - one.last_step, 0)
        return Segments(
            bucket,
            np.where(hit_before, one.first_step, other.first_step),
            np.where(hit_after, other.last_step, one.last_step),
            other.decay * one.decay,
            np.where(hit_before, other.decay * one.first_weight, other.first_weight),
            other.decay * one.within + other.first_weight * between + other.within,
        )

    def _at(self, bucket: Int64s) -> "Segments":
        """Return the segments at more buckets; one that was not hit changes nothing."""
        found = np.searchsorted(bucket, self.bucket)
        at = Segments(
            bucket,
            np.zeros(len(bucket), np.int64),
            np.zeros(len(bucket), np.int64),
            np.ones(len(bucket)),
            np.zeros(len(bucket)),
            np.zeros(len(bucket)),
        )
        for whole, own in zip(at[1:], self[1:], strict=True):
            whole[found] = own
        return at


def put_on(frequency: StreamingFrequency, segments: list[Segments], steps: int) -> None:
    """Have an estimate go on over a stretch of steps that was summed up apart.

    The result is that of one update a step, up to the last digits.

    Args:
        frequency: The estimate; it is changed. Steps of the segments count on from its own.
        segments: One for each array.
        steps: How many steps the stretch has, those without a hit too.
    """
    for number, one in enumerate(segments):
        last, gap = frequency.last_step[number], frequency.gap[number]
        first = frequency.step + one.first_step - last[one.bucket]
        gap[one.bucket] = one.decay * gap[one.bucket] + one.first_weight * first + one.within
        last[one.bucket] = frequency.step + one.last_step
    frequency.step += steps
