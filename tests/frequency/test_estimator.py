"""The estimate of the paper, told batch by batch."""

import math

import numpy as np
import pytest
from winnow.frequency.buckets import buckets_of, keys_of
from winnow.frequency.estimator import FrequencySettings, StreamingFrequency

from tests.frequency.by_the_book import Book, random_batches

SMALL = FrequencySettings(batch_size=12, rate=0.1, arrays=2, buckets=40, start_gap=20.0)


def after(batches: list[list[int]], settings: FrequencySettings = SMALL) -> StreamingFrequency:
    estimate = StreamingFrequency(settings)
    for batch in batches:
        estimate.update(batch)
    return estimate


class DescribeAnEstimate:
    @pytest.mark.parametrize("arrays", [1, 2, 4])
    def it_is_what_the_book_says_to_the_last_bit(self, arrays: int) -> None:
        settings = FrequencySettings(12, 0.1, arrays, 40, 20.0)
        book, estimate = Book(settings), StreamingFrequency(settings)
        for batch in random_batches(200):
            book.update(batch)
            estimate.update(batch)
            assert estimate.step == book.t
            found = estimate.presence(np.arange(60)).tolist()
            wanted = [book.presence(item) for item in range(60)]
            assert [None if x != x else x for x in found] == wanted

    def it_counts_a_bucket_once_a_step_and_in_no_order(self) -> None:
        batches = random_batches(50)
        repeated = [batch[::-1] + batch for batch in batches]
        one, other = after(batches), after(repeated)
        assert np.array_equal(one.gap, other.gap)
        assert np.array_equal(one.last_step, other.last_step)

    def it_takes_the_largest_gap_of_several_arrays(self) -> None:
        estimate = after(random_batches(100))
        places = buckets_of(keys_of(np.arange(60)), 2, SMALL.buckets)
        single = [1.0 / estimate.gap[number][places[number]] for number in range(2)]
        found = estimate.presence(np.arange(60))
        seen = ~np.isnan(found)
        assert seen.sum() > 20
        assert np.array_equal(found[seen], np.minimum(*single)[seen])
        assert (np.minimum(*single) < np.maximum(*single))[seen].any()

    def it_says_of_what_was_never_seen_that_it_does_not_know(self) -> None:
        estimate = after([[1, 2], [1], [2]], FrequencySettings(12, 0.1, 2, 100_000))
        assert np.isnan(estimate.presence([3])).all()
        assert np.isnan(estimate.log_q([3])).all()
        assert estimate.presence([3], floor=True).tolist() == [1 / 3]
        assert np.isnan(after([]).presence([3], floor=True)).all()

    def it_has_stale_items_fade_where_asked(self) -> None:
        settings = FrequencySettings(12, 0.1, 1, 100_000, start_gap=10.0)
        estimate = after([[1]] * 50 + [[2]] * 400, settings)
        gap = 1 + 9 * 0.9**50
        assert estimate.presence([1])[0] == pytest.approx(1 / gap)
        assert estimate.presence([1], stale=True).tolist() == [1 / 400]
        assert estimate.presence([2], stale=True)[0] == estimate.presence([2])[0]

    def it_takes_what_numpy_makes_an_array_of(self) -> None:
        class Tensor:
            def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
                return np.array([[1, 2], [3, 1]], np.int32)

        one, other = StreamingFrequency(SMALL), StreamingFrequency(SMALL)
        one.update(Tensor())
        other.update([1, 2, 3])
        assert np.array_equal(one.gap, other.gap)
        assert one.log_q(Tensor()).shape == (4,)

    def it_refuses_settings_that_make_no_sense(self) -> None:
        with pytest.raises(ValueError, match=r"rate = 1.0, expected .*; buckets = 0, expected"):
            FrequencySettings(12, 1.0, 1, 0)


class DescribeShares:
    def it_tells_the_chance_of_a_slot_from_that_of_a_batch(self) -> None:
        settings = FrequencySettings(128, 0.01, 1, 100_000, start_gap=4.0)
        estimate = StreamingFrequency(settings)
        for step in range(1, 401):
            estimate.update([1] if step % 4 == 0 else [2])
        p = float(estimate.presence([1])[0])
        assert p == pytest.approx(0.25)
        q = float(estimate.share([1])[0])
        assert q == pytest.approx(1 - 0.75 ** (1 / 128), rel=1e-12)
        assert estimate.log_q([1])[0] == round(math.log(q), 9)
        assert estimate.expected([1])[0] == 128 * q

    def it_finds_the_true_share_of_independent_rows(self) -> None:
        rng = np.random.default_rng(3)
        q = np.array([0.02, 0.005, 0.001, 0.974])
        estimate = StreamingFrequency(FrequencySettings(64, 0.005, 1, 100_000, start_gap=10.0))
        for _ in range(6_000):
            estimate.update(rng.choice(4, 64, p=q))
        # The steady spread of a gap is sqrt(α / (2 - α)) of it, here 5 %.
        assert estimate.share([0, 1, 2]) == pytest.approx(q[:3], rel=0.2)
        assert estimate.expected([0])[0] == pytest.approx(64 * 0.02, rel=0.2)

    def it_does_not_have_an_item_of_every_batch_fill_all_its_slots(self) -> None:
        settings = FrequencySettings(128, 0.01, 1, 100_000, start_gap=1.0)
        estimate = after([[1]] * 10, settings)
        assert estimate.presence([1]).tolist() == [1.0]
        assert estimate.share([1])[0] == pytest.approx(1 - 0.01 ** (1 / 128))
        assert estimate.expected([1])[0] < 5


class DescribeTheProposition:
    """4.1 of the paper, by the corrected formulas: the printed ones are wrong."""

    def it_has_the_bias_and_the_spread_that_follow_from_the_sum(self) -> None:
        rng = np.random.default_rng(5)
        p, alpha, start, hits = 0.2, 0.1, 2.0, 8
        gaps = rng.geometric(p, (20_000, hits))
        found = np.full(len(gaps), start)
        for t in range(hits):
            found = (1 - alpha) * found + alpha * gaps[:, t]
        left = (1 - alpha) ** hits
        delta, variance = 1 / p, (1 - p) / p**2
        assert found.mean() - delta == pytest.approx(left * (start - delta), abs=0.04)
        printed = left * start - (1 - alpha) ** (hits - 1) * delta
        assert abs(found.mean() - delta - printed) > 0.2
        assert found.var() == pytest.approx(
            alpha / (2 - alpha) * (1 - left**2) * variance, rel=0.05
        )

    @pytest.mark.parametrize(("p", "alpha"), [(0.3, 0.1), (0.05, 0.1)])
    def it_is_too_high_by_what_jensen_says(self, p: float, alpha: float) -> None:
        n, burn_in = 4_000, int(6 / (p * alpha))
        rng = np.random.default_rng(7)
        settings = FrequencySettings(n, alpha, 1, 40_000_000, start_gap=1 / p)
        estimate, found = StreamingFrequency(settings), []
        items = np.arange(n)
        for step in range(2 * burn_in):
            estimate.update(items[rng.random(n) < p])
            if step > burn_in and step % 20 == 0:
                found.append(np.nanmean(estimate.presence(items)))
        wanted = 1 + alpha / (2 - alpha) * (1 - p)
        assert np.mean(found) / p == pytest.approx(wanted, abs=0.01)
