"""Stretches of steps that are summed up apart give what one update a step gives."""

from itertools import pairwise

import numpy as np
import pytest
from winnow.frequency.buckets import buckets_of, keys_of
from winnow.frequency.estimator import FrequencySettings, StreamingFrequency
from winnow.frequency.segments import Segments, put_on

from tests.frequency.by_the_book import random_batches

SETTINGS = FrequencySettings(batch_size=12, rate=0.01, arrays=3, buckets=30, start_gap=20.0)


def segments_of(batches: list[list[int]], before: int = 0) -> list[Segments]:
    step = np.repeat(np.arange(1, len(batches) + 1) + before, [len(b) for b in batches])
    keys = keys_of(np.array([item for batch in batches for item in batch], np.int64))
    buckets = buckets_of(keys, SETTINGS.arrays, SETTINGS.buckets)
    order = np.random.default_rng(0).permutation(len(step))
    return [Segments.of(one[order], step[order], SETTINGS.rate) for one in buckets]


def step_by_step(batches: list[list[int]]) -> StreamingFrequency:
    estimate = StreamingFrequency(SETTINGS)
    for batch in batches:
        estimate.update(batch)
    return estimate


def near(one: StreamingFrequency, other: StreamingFrequency) -> None:
    assert one.step == other.step
    assert np.array_equal(one.last_step, other.last_step)
    assert one.gap == pytest.approx(other.gap, abs=1e-9)


class DescribeSegments:
    def it_folds_all_steps_at_once(self) -> None:
        batches = random_batches(400)
        estimate = StreamingFrequency(SETTINGS)
        put_on(estimate, segments_of(batches), len(batches))
        near(estimate, step_by_step(batches))

    @pytest.mark.parametrize("days", [[200, 200], [1, 399], [100, 0, 150, 150]])
    def it_goes_on_where_the_day_before_ended(self, days: list[int]) -> None:
        batches, estimate, begin = random_batches(400), StreamingFrequency(SETTINGS), 0
        for n in days:
            put_on(estimate, segments_of(batches[begin : begin + n]), n)
            begin += n
        near(estimate, step_by_step(batches))

    def it_joins_stretches_before_anything_is_known_of_the_state(self) -> None:
        batches = random_batches(400)
        cuts = [0, 90, 91, 300, 400]
        whole: list[Segments] | None = None
        for first, last in pairwise(cuts):
            part = segments_of(batches[first:last], before=first)
            whole = part if whole is None else [
                one.then(other) for one, other in zip(whole, part, strict=True)
            ]  # fmt: skip
        assert whole is not None
        estimate = StreamingFrequency(SETTINGS)
        put_on(estimate, whole, len(batches))
        near(estimate, step_by_step(batches))

    def it_is_the_closed_form(self) -> None:
        one = Segments.of(np.array([4, 4, 4]), np.array([3, 9, 3]), 0.1)
        assert one.bucket.tolist() == [4]
        assert (one.first_step.tolist(), one.last_step.tolist()) == ([3], [9])
        assert one.decay[0] == pytest.approx(0.81)
        assert one.first_weight[0] == pytest.approx(0.09)
        assert one.within[0] == pytest.approx(0.6)
