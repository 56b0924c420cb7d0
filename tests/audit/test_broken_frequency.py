"""Estimates of frequencies that are wrong: the gates that notice it."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.building import frequency as building
from winnow.errors import GateError
from winnow.frequency import estimator, state
from winnow.frequency.buckets import buckets_of
from winnow.frequency.estimator import StreamingFrequency
from winnow.release.releases import ReleasesSnapshot
from winnow.sampler import batches as staged_batches
from winnow.sampler.streaming_estimate import estimate_over_batches

from tests.e2e.test_streaming_frequency import DATES, build_dates, streaming, written

Mistake = Callable[[pytest.MonkeyPatch], None]


def the_state_is_of_another_date(patch: pytest.MonkeyPatch) -> None:
    known = ReleasesSnapshot.newest

    class Other:
        def __init__(self, releases: ReleasesSnapshot) -> None:
            self.dates, self.releases = releases.dates, releases

        def newest(self, day: Any) -> Any:
            return known(self.releases, day - timedelta(1))

    read = building.frequency_before
    patch.setattr(
        "winnow.building.build.frequency_before",
        lambda request, releases: read(request, Other(releases)),  # type: ignore[arg-type]
    )


def the_estimate_begins_anew(patch: pytest.MonkeyPatch) -> None:
    read = building.frequency_before

    def anew(request: Any, releases: Any) -> Any:
        found = read(request, releases)
        assert found is not None
        return building.FrequencyBefore(StreamingFrequency(found.estimate.settings), found.record)

    patch.setattr("winnow.building.build.frequency_before", anew)


def repeats_in_a_batch_are_gaps_of_zero(patch: pytest.MonkeyPatch) -> None:
    def as_printed(self: StreamingFrequency, items: Any) -> None:
        self.step += 1
        last, gap = self.last_step.reshape(-1), self.gap.reshape(-1)
        rate = self.settings.rate
        for place in self._places(items).T.reshape(-1).tolist():
            gap[place] = (1 - rate) * gap[place] + rate * (self.step - last[place])
            last[place] = self.step

    patch.setattr(StreamingFrequency, "update", as_printed)


def the_smallest_gap_counts(patch: pytest.MonkeyPatch) -> None:
    def smallest(self: StreamingFrequency, items: Any, **_: Any) -> Any:
        places = self._places(items)
        last, gap = self.last_step.reshape(-1)[places], self.gap.reshape(-1)[places]
        return np.where((last > 0).all(axis=0), 1.0 / gap.min(axis=0), np.nan)

    patch.setattr(StreamingFrequency, "presence", smallest)


def all_arrays_have_one_hash(patch: pytest.MonkeyPatch) -> None:
    known = buckets_of

    def first_alone(keys: Any, arrays: int, buckets: int) -> Any:
        return np.repeat(known(keys, 1, buckets), arrays, axis=0)

    patch.setattr(estimator, "buckets_of", first_alone)


def valid_and_test_are_trained_on(patch: pytest.MonkeyPatch) -> None:
    def of_all(rows: Any, batches: Any, frequency: Any, *, stale: bool) -> Any:
        n = batches.split_begins[-1]
        whole = batches._replace(split_begins=np.array([0, n, n, n]))
        return estimate_over_batches(rows, whole, frequency, stale=stale)

    patch.setattr(staged_batches, "estimate_over_batches", of_all)


def the_last_batch_is_left_out(patch: pytest.MonkeyPatch) -> None:
    known = state.state_of

    def earlier(frequency: StreamingFrequency) -> Any:
        rows = known(frequency)
        return rows.filter(np.less(rows["last_step"].to_numpy(), frequency.step))

    patch.setattr("winnow.tables.all_tables.state_of", earlier)


def the_rate_is_half(patch: pytest.MonkeyPatch) -> None:
    known = estimator.updated_gap
    patch.setattr(estimator, "updated_gap", lambda gap, steps, rate: known(gap, steps, rate / 2))


def the_share_is_that_of_a_batch(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(estimator, "share_of", lambda presence, *_: presence)


MISTAKES: dict[Mistake, set[str]] = {
    the_state_is_of_another_date: {"frequency_state_differs", "streaming_log_q_differs"},
    repeats_in_a_batch_are_gaps_of_zero: {"frequency_state_differs", "streaming_log_q_differs"},
    the_smallest_gap_counts: {"streaming_log_q_differs"},
    all_arrays_have_one_hash: {"frequency_state_differs", "streaming_log_q_differs"},
    valid_and_test_are_trained_on: {"frequency_state_differs"},
    the_estimate_begins_anew: {"frequency_state_differs", "streaming_log_q_differs"},
    the_last_batch_is_left_out: {"frequency_state_differs"},
    the_rate_is_half: {"frequency_state_differs", "streaming_log_q_differs"},
    the_share_is_that_of_a_batch: {"streaming_log_q_differs"},
}
IN_EVERY_RUN = (
    the_state_is_of_another_date,
    repeats_in_a_batch_are_gaps_of_zero,
    the_smallest_gap_counts,
)
"""The others are proofs: they are found as these are."""


@pytest.fixture(scope="module")
def two_dates(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of several dates, of which the first two are released as they should be."""
    folder = tmp_path_factory.mktemp("dates")
    written(folder)
    build_dates(streaming(folder), spark, *DATES[:2])
    return folder


@pytest.mark.sail_only
class DescribeMistakes:
    @pytest.mark.parametrize(
        "mistake",
        [
            pytest.param(one, marks=[pytest.mark.proof] * (one not in IN_EVERY_RUN))
            for one in MISTAKES
        ],
        ids=lambda one: one.__name__,
    )
    def it_does_not_pass(
        self,
        mistake: Mistake,
        spark: SparkSession,
        two_dates: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        mistake(monkeypatch)
        with pytest.raises(GateError) as caught:
            build_dates(streaming(two_dates), spark, DATES[2])
        found = {one.where.removeprefix("gate ") for one in caught.value.problems}
        assert found >= MISTAKES[mistake]
        assert found <= {"frequency_state_differs", "streaming_log_q_differs"}
