"""The estimate made again by the audit, of rows that are right, and of those that are not."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from winnow.audit.gates.frequency import distance, rank_correlation
from winnow.audit.recompute.frequency import Replayed, replay
from winnow.config.in_batch import InBatch
from winnow.frequency.estimator import StreamingFrequency
from winnow.frequency.state import resumed, state_of

N_ITEMS = 300


def asked(**settings: Any) -> InBatch:
    given = {"rate": 0.1, "arrays": 3, "buckets": 200, "start_gap": 9.0, **settings}
    return InBatch.model_validate({"batch_size": 32, "streaming": given})


def batches(n: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    items = rng.integers(-(2**62), 2**62, N_ITEMS)
    return [items[(N_ITEMS * rng.random(32) ** 2).astype(int)] for _ in range(n)]


def made(
    settings: InBatch, before: pa.Table | None = None, n: int = 40
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Rows, the state before them, and the state after them."""
    start = StreamingFrequency(settings.frequency) if before is None else None
    before = state_of(start) if start is not None else before
    assert before is not None and settings.streaming is not None
    frequency, stale = resumed(before, settings.frequency), settings.streaming.stale
    rows: list[dict[str, Any]] = []
    of_date = batches(n + 4, seed=before.num_rows)
    for number, items in enumerate(of_date):
        split = "train" if number < n else "valid"
        if split == "train":
            frequency.update(items)
        for item, log_q in zip(items, frequency.log_q(items, stale=stale), strict=True):
            value = None if np.isnan(log_q) else log_q
            row = {"split": split, "batch_id": number, "item": item, "streaming_log_q": value}
            rows.append(row)
    order = np.random.default_rng(0).permutation(len(rows))
    return pa.Table.from_pylist(rows).take(pa.array(order)), before, state_of(frequency)


def judged(
    settings: InBatch, rows: pa.Table, before: pa.Table, after: pa.Table, one_in: int = 1
) -> tuple[int, int]:
    found: Replayed = replay(rows, before, after, settings, one_in)
    return found.buckets_wrong, found.log_q_wrong


def changed(state: pa.Table, column: str, by: float, *places: int) -> pa.Table:
    values = state[column].to_numpy().copy()
    values[list(places)] += by
    return state.set_column(state.column_names.index(column), column, pa.array(values))


class DescribeTheReplay:
    @pytest.mark.parametrize("stale", [False, True])
    @pytest.mark.parametrize("one_in", [1, 4])
    def it_finds_nothing_wrong_with_what_is_right(self, stale: bool, one_in: int) -> None:
        settings = asked(stale=stale)
        first = made(settings)
        second = made(settings, first[2])
        assert judged(settings, *first, one_in=one_in) == (0, 0)
        assert judged(settings, *second, one_in=one_in) == (0, 0)

    def it_tells_the_shares_of_items(self) -> None:
        settings = asked(rate=0.02, buckets=5000)
        rows, before, after = made(settings, n=400)
        found = replay(rows, before, after, settings, 1)
        assert found.counted.sum() == pytest.approx(1.0)
        assert 0.9 < rank_correlation(found.estimated, found.counted) < 1
        assert 0 < distance(found.estimated, found.counted) < 0.25
        assert found.saturated == 0.0

    def it_tells_what_is_in_every_batch(self) -> None:
        settings = asked(start_gap=1.0)
        frequency = StreamingFrequency(settings.frequency)
        rows = []
        for number in range(4):
            frequency.update([7, 7, 7, number])
            rows += [
                {"split": "train", "batch_id": number, "item": item, "streaming_log_q": log_q}
                for item, log_q in zip([7, 7, 7, number],
                                       frequency.log_q([7, 7, 7, number]), strict=True)
            ]  # fmt: skip
        none = state_of(StreamingFrequency(settings.frequency))
        found = replay(pa.Table.from_pylist(rows), none, state_of(frequency), settings, 1)
        assert (found.buckets_wrong, found.log_q_wrong) == (0, 0)
        assert found.saturated >= 0.75

    @pytest.mark.parametrize("one_in", [1, 4])
    def it_sees_another_state_before(self, one_in: int) -> None:
        settings = asked()
        first = made(settings)
        rows, before, after = made(settings, first[2])
        none = before.slice(0, 0)
        wrong, rows_wrong = judged(settings, rows, none, after, one_in=one_in)
        assert wrong > 10 and rows_wrong > 10
        longer = changed(before, "steps", 1, *range(before.num_rows))
        assert judged(settings, rows, longer, after, one_in=one_in)[0] > 10

    def it_sees_single_buckets(self) -> None:
        settings = asked()
        rows, before, after = made(settings)
        assert judged(settings, rows, before, changed(after, "gap", 1e-6, 5)) == (1, 0)
        assert judged(settings, rows, before, changed(after, "last_step", 1, 5, 9)) == (2, 0)
        assert judged(settings, rows, before, changed(after, "steps", 1, 5)) == (1, 0)
        assert judged(settings, rows, before, after.slice(3)) == (3, 0)
        twice = pa.concat_tables([after, after.slice(7, 1)])
        assert judged(settings, rows, before, twice)[0] >= 1

    def it_sees_single_rows(self) -> None:
        settings = asked()
        rows, before, after = made(settings)
        column = rows.column_names.index("streaming_log_q")
        values = rows["streaming_log_q"].to_pylist()
        known = [place for place, value in enumerate(values) if value is not None]
        unknown = [place for place, value in enumerate(values) if value is None]
        assert unknown, "items of valid that no batch of train had"
        for place, value in ((known[0], None), (known[1], values[known[1]] + 1e-8),
                             (unknown[0], -3.0)):  # fmt: skip
            other = [*values[:place], value, *values[place + 1 :]]
            table = rows.set_column(column, "streaming_log_q", pa.array(other))
            assert judged(settings, table, before, after) == (0, 1)

    def it_sees_a_batch_that_was_not_told(self) -> None:
        settings = asked()
        rows, before, after = made(settings)
        fewer = rows.filter(np.not_equal(rows["batch_id"].to_numpy(), 17))
        wrong, rows_wrong = judged(settings, fewer, before, after)
        assert wrong > 10 and rows_wrong > 10

    def it_looks_at_nothing_where_there_is_nothing(self) -> None:
        settings = asked()
        rows, before, after = made(settings)
        none = pa.table({name: rows[name].slice(0, 0) for name in rows.column_names})
        assert judged(settings, none, after, after) == (0, 0)
        assert judged(settings, none, before, after)[0] == 2 * after.num_rows


class DescribeTheFigures:
    def it_correlates_ranks_and_not_values(self) -> None:
        one = np.array([0.1, 0.2, 0.3, 0.9])
        assert rank_correlation(one, one**3) == pytest.approx(1.0)
        assert rank_correlation(one, -one) == pytest.approx(-1.0)
        # Ranks 1, 2.5, 2.5, 4 beside 1, 2, 3, 4.
        assert rank_correlation(np.array([0, 1, 1, 2]), one) == pytest.approx(0.9486832980505138)
        assert rank_correlation(np.ones(4), one) == 0.0
        assert rank_correlation(np.empty(0), np.empty(0)) == 0.0

    def it_measures_what_two_distributions_have_not_in_common(self) -> None:
        assert distance(np.array([1.0, 3.0]), np.array([0.25, 0.75])) == 0.0
        assert distance(np.array([1.0, 0.0]), np.array([0.0, 5.0])) == 1.0
        assert distance(np.array([0.5, 0.5]), np.array([0.2, 0.8])) == pytest.approx(0.3)
        assert distance(np.empty(0), np.empty(0)) == 0.0
