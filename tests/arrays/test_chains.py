"""Chains of numbers that each stand for another one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from winnow.arrays.chains import ends_of_chains, one_circle


def walked(next_of: list[int], start: int) -> int | None:
    """Go step by step; None where there is no end."""
    at = start
    for _ in range(len(next_of) + 1):
        if next_of[at] == at:
            return at
        at = next_of[at]
    return None


class DescribeEndsOfChains:
    @given(
        st.integers(1, 40).flatmap(
            lambda n: st.lists(st.integers(0, n - 1), min_size=n, max_size=n)
        )
    )
    def it_finds_what_walking_finds(self, next_of: list[int]) -> None:
        ends, endless = ends_of_chains(np.array(next_of, np.int64))
        for start in range(len(next_of)):
            end = walked(next_of, start)
            assert bool(endless[start]) == (end is None)
            assert end is None or int(ends[start]) == end

    def it_follows_the_longest_chain(self) -> None:
        for n in (1, 2, 3, 4, 5, 63, 64, 65):
            ends, endless = ends_of_chains(np.array([0, *range(n - 1)], np.int64))
            assert ends.tolist() == [0] * n
            assert not endless.any()

    def it_knows_no_chain(self) -> None:
        ends, endless = ends_of_chains(np.empty(0, np.int64))
        assert (len(ends), len(endless)) == (0, 0)


class DescribeOneCircle:
    def it_is_what_the_chain_runs_into(self) -> None:
        next_of = np.array([1, 4, 1, 2, 3], np.int64)
        assert one_circle(next_of, 0) == [1, 4, 3, 2]

    def it_may_be_two(self) -> None:
        assert one_circle(np.array([1, 0], np.int64), 1) == [0, 1]
