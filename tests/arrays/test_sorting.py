"""Numbers sorted digit by digit are in the order that comparing them gives."""

import numpy as np
import pytest
from numpy.typing import NDArray
from winnow.arrays import sorting
from winnow.arrays.sorting import order_of, sorted_numbers

ENDS = np.array([-(2**63), -1, 0, 1, 2**63 - 1])
CHANCE = np.random.default_rng(7)
CASES = {
    "of all 64 bits": CHANCE.integers(-(2**63), 2**63 - 1, 30_000),
    "that repeat": CHANCE.integers(-40, 40, 30_000),
    "of which only a digit in the middle differs": CHANCE.integers(0, 200, 30_000) << 24,
    "in order": np.arange(-15_000, 15_000),
    "in reverse": np.arange(15_000, -15_000, -1),
    "that are equal": np.full(30_000, -5),
    "at both ends": np.tile(ENDS, 6_000),
    "few": CHANCE.integers(-9, 9, 100),
    "one": ENDS[:1],
    "none": ENDS[:0],
}


@pytest.fixture(params=["always compiled", "small ones by NumPy"])
def _few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "always compiled":
        monkeypatch.setattr(sorting, "_FEW", -1)


@pytest.mark.usefixtures("_few")
@pytest.mark.parametrize("numbers", CASES.values(), ids=CASES.keys())
class DescribeSorting:
    def it_gives_the_numbers_in_ascending_order(self, numbers: NDArray[np.int64]) -> None:
        before = numbers.copy()
        found = sorted_numbers(numbers)
        assert found.dtype == np.int64
        assert np.array_equal(found, np.sort(numbers))
        assert np.array_equal(numbers, before), "what was given is left as it is"

    def it_gives_equal_numbers_in_the_order_that_they_have(
        self, numbers: NDArray[np.int64]
    ) -> None:
        assert np.array_equal(order_of(numbers), np.argsort(numbers, kind="stable"))
