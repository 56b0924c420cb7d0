"""Shares and counts of negatives as whole numbers that add up."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple


@dataclass(frozen=True)
class Quota:
    """How many negatives a source is asked for; neither where it gets a part of what is left.

    Attributes:
        share: Of all negatives of a positive, in (0, 1]. count: A number of them.
    """

    share: float | None
    count: int | None

    @property
    def open(self) -> bool:
        """Whether no number is said."""
        return self.share is None and self.count is None


class Numbers(NamedTuple):
    """Whole numbers of negatives per positive.

    Attributes:
        easy: Per easy source. hard: Per hard source; 0 for those that have no number.
        pool: What the hard sources without a number get together.
    """

    easy: tuple[int, ...]
    hard: tuple[int, ...]
    pool: int

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.easy) + sum(self.hard) + self.pool


def numbers_of(total: int, easy: Sequence[Quota], hard: Sequence[Quota]) -> Numbers:
    """Turn what sources are asked for into whole numbers.

    Shares are summed up from the first source to the last and the sums rounded, halves down, so
    that shares that add up to 1 give exactly ``total`` and a half goes to the hard ones. What is
    left goes to the sources without a number: half of it, rounded up, to the hard ones as one pool,
    the other half evenly to the easy ones; all of it to one kind where the other has none.

    Args:
        total: Negatives of a positive. easy, hard: What each source is asked for.
    """
    said, summed, before = [], Fraction(0), 0
    for quota in [*easy, *hard]:
        if quota.count is not None:
            summed += quota.count
        elif quota.share is not None:
            # The share as it is written: 0.1 is a tenth.
            summed += total * Fraction(Decimal(str(quota.share)))
        upto = math.ceil(summed - Fraction(1, 2))
        said.append(upto - before)
        before = upto
    numbers, of_hard = said[: len(easy)], said[len(easy) :]
    left = max(total - before, 0)
    open_easy = [i for i, quota in enumerate(easy) if quota.open]
    open_hard = any(quota.open for quota in hard)
    pool = (left + 1) // 2 if open_easy and open_hard else left if open_hard else 0
    each, rest = divmod(left - pool, len(open_easy)) if open_easy else (0, 0)
    for n, i in enumerate(open_easy):
        numbers[i] = each + (n < rest)
    return Numbers(tuple(numbers), tuple(of_hard), pool)
