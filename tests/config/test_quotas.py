"""Shares and counts of negatives as whole numbers: they always add up."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.config.quotas import Quota, numbers_of

OPEN = Quota(None, None)


def share(part: float) -> Quota:
    return Quota(part, None)


def count(number: int) -> Quota:
    return Quota(None, number)


class DescribeNumbers:
    @pytest.mark.parametrize("total", [1, 2, 3, 5, 7, 20])
    @pytest.mark.parametrize("percent", range(5, 100, 5))
    def it_gives_hard_ones_their_share_with_halves_rounded_up(
        self, total: int, percent: int
    ) -> None:
        """K_h = floor(K · ratio + 0.5), of which a share of easy ones leaves the rest."""
        found = numbers_of(total, [share((100 - percent) / 100)], [OPEN, OPEN])
        wanted = int(total * Fraction(percent, 100) + Fraction(1, 2))
        assert (found.easy, found.hard, found.pool) == ((total - wanted,), (0, 0), wanted)

    def it_halves_what_is_left_between_kinds_without_a_number(self) -> None:
        assert numbers_of(5, [OPEN], [OPEN])[:] == ((2,), (0,), 3)
        assert numbers_of(5, [OPEN], [])[:] == ((5,), (), 0)
        assert numbers_of(5, [], [OPEN])[:] == ((), (0,), 5)
        assert numbers_of(20, [count(4), OPEN, OPEN], [count(5), OPEN])[:] == ((4, 3, 2), (5, 0), 6)

    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(
        total=st.integers(1, 1000),
        parts=st.lists(st.integers(1, 100), min_size=1, max_size=8),
        n_easy=st.integers(0, 8),
    )
    def it_makes_shares_of_everything_add_up(
        self, total: int, parts: list[int], n_easy: int
    ) -> None:
        whole = sum(parts)
        exact = [Fraction(part, whole) for part in parts]
        quotas = [Quota(float(round(one, 6)), None) for one in exact]
        found = numbers_of(total, quotas[:n_easy], quotas[n_easy:])
        assert abs(found.total - total) <= 1
        for number, one in zip([*found.easy, *found.hard], exact, strict=True):
            assert abs(number - total * one) <= 1 + total * Fraction(1, 10**5)
