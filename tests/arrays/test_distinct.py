"""Distinct numbers are those of NumPy, with the places of each."""

import numpy as np
import pytest
from numpy.typing import NDArray
from winnow.arrays.distinct import distinct, most_first

MANY = 30_000


def as_numpy(numbers: NDArray[np.generic]) -> None:
    found, place = distinct(numbers)
    wanted, inverse = np.unique(numbers, return_inverse=True)
    assert found.dtype == numbers.dtype
    assert place.dtype == np.int32
    assert found.tolist() == wanted.tolist()
    assert place.tolist() == inverse.tolist()


class DescribeDistinct:
    @pytest.mark.parametrize("n", [0, 1, 100, MANY])
    @pytest.mark.parametrize("kinds", [1, 7, 511, 512, 513, 5_000, 2**40])
    def it_finds_whole_numbers_as_numpy_does(self, n: int, kinds: int) -> None:
        numbers = np.random.default_rng(n + kinds).integers(-kinds // 2, kinds, n)
        as_numpy(numbers)

    def it_finds_every_number_where_all_differ(self) -> None:
        as_numpy(np.random.default_rng(0).permutation(MANY) - 5)

    def it_finds_the_ends_of_the_range(self) -> None:
        ends = np.array([2**63 - 1, -(2**63), 0, -1], np.int64)
        as_numpy(np.tile(ends, MANY // 4))

    @pytest.mark.parametrize("n", [100, MANY])
    def it_finds_parts_of_one_and_negative_ones(self, n: int) -> None:
        as_numpy(np.random.default_rng(n).integers(-400, 400, n) / 64)

    @pytest.mark.parametrize("n", [0, 100, MANY])
    def it_orders_them_the_largest_first_and_equal_ones_as_they_come(self, n: int) -> None:
        numbers = np.random.default_rng(n).integers(-5, 50, n)
        assert most_first(numbers).tolist() == np.argsort(-numbers, kind="stable").tolist()

    def it_takes_the_two_zeros_for_one(self) -> None:
        found, place = distinct(np.tile([0.0, -0.0, 1.0], MANY))
        assert found.tolist() == [0.0, 1.0]
        assert place[:3].tolist() == [0, 0, 1]
