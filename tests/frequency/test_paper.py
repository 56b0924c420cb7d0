"""The simulation of the paper, section 6.1: what its figures 4 and 5 show holds here as well."""

import pytest

from bench.quality.frequency import (
    NO_COLLISIONS,
    STEPS,
    SWITCH,
    Stream,
    error,
    errors,
    settings_of,
)


@pytest.fixture(scope="module")
def short() -> Stream:
    return Stream.of(4_500, 4_000)


@pytest.fixture(scope="module")
def whole() -> Stream:
    return Stream.of(STEPS, SWITCH)


def at(stream: Stream, rate: float, arrays: int, in_all: int, *steps: int) -> list[float]:
    return list(errors(stream, settings_of(rate, arrays, in_all), steps))


class DescribeTheShortSimulation:
    def it_ends_at_a_floor_that_collisions_make(self, short: Stream) -> None:
        [start, end] = at(short, 0.01, 1, 5_000, 1_000, 4_000)
        [alone] = at(short, 0.01, 1, NO_COLLISIONS, 4_000)
        assert start > 0.25
        assert end <= 0.13
        assert alone <= 0.05

    def it_gets_better_with_more_hashes_of_as_many_buckets(self, short: Stream) -> None:
        one, two, four = (at(short, 0.01, m, 5_000, 4_000)[0] for m in (1, 2, 4))
        assert four < two < one

    def it_adapts_sooner_with_a_larger_rate_and_is_noisier(self, short: Stream) -> None:
        fast = at(short, 0.1, 1, 5_000, 4_000, 4_500)
        slow = at(short, 0.01, 1, 5_000, 4_000, 4_500)
        assert fast[0] > slow[0]
        assert fast[1] < slow[1]

    def it_is_measured_against_chances_that_counting_finds(self, short: Stream) -> None:
        assert error(short.counted(), short.wanted(1)) < 0.04


@pytest.mark.proof
class DescribeTheWholeSimulation:
    def it_keeps_within_the_bounds(self, whole: Stream) -> None:
        slow = at(whole, 0.01, 1, 5_000, 10_000, 10_500)
        fast = at(whole, 0.1, 1, 5_000, 10_000, 10_500)
        assert slow[0] <= 0.13
        assert at(whole, 0.01, 1, NO_COLLISIONS, 10_000)[0] <= 0.04
        assert fast[1] < slow[1]
        assert fast[0] > slow[0]

    def it_has_fewer_errors_with_more_hashes_unless_buckets_are_few(self, whole: Stream) -> None:
        one, two, four = (at(whole, 0.01, m, 5_000, 10_000)[0] for m in (1, 2, 4))
        assert four < two < one
        one, two, four = (at(whole, 0.01, m, 2_000, 10_000)[0] for m in (1, 2, 4))
        assert two < four < one
