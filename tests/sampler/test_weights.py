"""Integer weights and keep_prob: exact, monotone, and never zero."""

import math
from decimal import Decimal, getcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.config.positives import Downsampling
from winnow.sampler.weights import integer_weights, keep_probs, power, threshold, weights_by_group

CLICKS = np.array([0, 1, 1, 2, 10, 999, 123_456], np.int64)

THRESHOLDS = {
    "sqrt": {"threshold_clicks": 5.0},
    "cap": {"threshold_clicks": 5.0},
    "power": {"threshold_clicks": 5.0},
    "word2vec_paper": {"threshold_share": 0.02},
    "word2vec_code": {"threshold_share": 0.02},
}

counts = st.lists(st.integers(0, 10**9), min_size=1, max_size=60)


def rule(name: str, **rest: float) -> Downsampling:
    return Downsampling.model_validate({"rule": name, **rest})


class DescribePower:
    @pytest.mark.parametrize("base", [0.5, 1.0, 2.0, 7.0, 1e9])
    def it_makes_three_quarters_of_square_roots(self, base: float) -> None:
        assert power(base, 0.75) == math.sqrt(base) * math.sqrt(math.sqrt(base))

    @pytest.mark.parametrize("exponent", [0.1, 0.3, 0.9, 1.7, 4.0])
    def it_makes_other_exponents_to_the_last_bit(self, exponent: float) -> None:
        getcontext().prec = 60
        for base in (0.001, 3.0, 12_345.678):
            assert power(base, exponent) == float(Decimal(base) ** Decimal(exponent))

    def it_knows_the_exponents_zero_and_one_exactly(self) -> None:
        assert power(0.1, 0.0) == 1.0
        assert power(0.1, 1.0) == 0.1


def one_by_one(clicks: list[int], smoothing: float, alpha: float) -> list[int]:
    """The formula as it stands in the docs, an item at a time."""
    shares = [float(Decimal(f + smoothing) ** Decimal(alpha)) for f in clicks]
    of_counts = [shares[clicks.index(f)] * clicks.count(f) for f in sorted(set(clicks))]
    most = min(2**52, 2**61 // len(clicks))
    scale = 2.0 ** math.floor(math.log2(most / (math.fsum(of_counts) + len(clicks))))
    return [max(1, round(share * scale)) for share in shares]


class DescribeWeightsByGroup:
    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(
        sizes=st.lists(st.integers(0, 12), min_size=1, max_size=8),
        seed=st.integers(0, 2**32),
        most=st.sampled_from([2, 40, 10**9]),
        alpha=st.sampled_from([0.3, 0.7, 2.0]),
    )
    def it_weighs_every_group_as_if_it_were_alone(
        self, sizes: list[int], seed: int, most: int, alpha: float
    ) -> None:
        getcontext().prec = 30
        clicks = [seed * (i + 1) * 2_654_435_761 % most for i in range(sum(sizes))]
        starts = np.cumsum([0, *sizes])
        made = weights_by_group(np.array(clicks, np.int64), starts, 1.0, alpha)
        for a, b in pairwise(starts.tolist()):
            wanted = one_by_one(clicks[a:b], 1.0, alpha) if b > a else []
            assert made[a:b].tolist() == wanted


class DescribeIntegerWeights:
    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(clicks=counts, alpha=st.sampled_from([0.0, 0.3, 0.5, 0.75, 1.0, 2.0]))
    def it_stays_within_64_bits_and_never_gives_zero(self, clicks: list[int], alpha: float) -> None:
        weights = [int(w) for w in integer_weights(np.array(clicks, np.int64), 1.0, alpha)]
        assert min(weights) >= 1
        assert sum(weights) < 2**53
        assert sum(weights) * len(weights) < 2**62

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(clicks=counts)
    def it_is_monotone_in_the_clicks(self, clicks: list[int]) -> None:
        weights = integer_weights(np.array(sorted(clicks), np.int64), 1.0, 0.75)
        assert np.all(np.diff(weights) >= 0)

    def it_gives_equal_items_equal_weights(self) -> None:
        weights = integer_weights(CLICKS, 1.0, 0.75)
        assert weights[1] == weights[2]
        assert np.all(np.diff(weights[[0, 1, 3, 4, 5, 6]]) > 0)

    @pytest.mark.parametrize("alpha", [0.0, 0.3, 0.75, 1.0])
    def it_keeps_the_shares_of_the_real_weights(self, alpha: float) -> None:
        weights = integer_weights(CLICKS, 2.0, alpha)
        real = np.array([power(float(c) + 2.0, alpha) for c in CLICKS])
        assert weights / weights.sum() == pytest.approx(real / real.sum(), rel=1e-12)

    def it_uses_most_of_the_52_bits(self) -> None:
        assert integer_weights(CLICKS, 1.0, 0.75).sum() > 2**50

    def it_does_not_depend_on_the_order_of_the_items(self) -> None:
        turned = integer_weights(CLICKS[::-1].copy(), 1.0, 0.3)
        assert np.array_equal(turned[::-1], integer_weights(CLICKS, 1.0, 0.3))

    def it_gives_a_weight_of_one_to_an_item_that_rounds_to_nothing(self) -> None:
        weights = integer_weights(np.array([0, 10**9], np.int64), 1e-6, 4.0)
        assert weights[0] == 1

    def it_takes_an_empty_catalogue(self) -> None:
        weights = integer_weights(np.empty(0, np.int64), 1.0, 0.75)
        assert weights.dtype == np.int64 and len(weights) == 0

    def it_weighs_all_alike_where_nothing_was_ever_clicked(self) -> None:
        assert len(set(integer_weights(np.zeros(7, np.int64), 1.0, 0.75).tolist())) == 1


class DescribeThreshold:
    def it_is_the_smallest_count_that_the_share_of_clicked_items_does_not_exceed(self) -> None:
        clicks = np.array([0] * 50 + list(range(1, 101)), np.int64)
        assert threshold(clicks, rule("sqrt", threshold_quantile=0.99)) == 99.0
        assert threshold(clicks, rule("sqrt", threshold_quantile=0.5)) == 50.0
        assert threshold(clicks, rule("sqrt", threshold_quantile=1.0)) == 100.0
        assert threshold(clicks, rule("sqrt", threshold_quantile=0.001)) == 1.0

    def it_is_the_configured_number_of_clicks_where_there_is_one(self) -> None:
        assert threshold(CLICKS, rule("sqrt", threshold_clicks=2.5)) == 2.5

    def it_is_one_without_history(self) -> None:
        assert threshold(np.zeros(4, np.int64), rule("sqrt")) == 1.0


class DescribeKeepProbs:
    @pytest.mark.parametrize(
        ("name", "more", "exponent"),
        [("sqrt", {}, 0.5), ("cap", {}, 1.0), ("power", {"power": 0.3}, 0.3)],
    )
    def it_thins_only_above_the_threshold(
        self, name: str, more: dict[str, float], exponent: float
    ) -> None:
        found = keep_probs(CLICKS, rule(name, threshold_clicks=10.0, **more))
        assert found[:5].tolist() == [1.0] * 5
        assert found[5] == power(10.0 / 999, exponent)
        assert found[6] == power(10.0 / 123_456, exponent)

    def it_has_the_formulas_of_word2vec_with_shares_of_all_clicks(self) -> None:
        clicks = np.array([0, 16, 100, 400, 484], np.int64)
        paper = keep_probs(clicks, rule("word2vec_paper", threshold_share=0.025))
        assert paper.tolist() == [1.0, 1.0, 0.5, 0.25, math.sqrt(25 / 484)]
        code = keep_probs(clicks, rule("word2vec_code", threshold_share=0.025))
        assert code.tolist() == [1.0, 1.0, 0.75, 0.3125, math.sqrt(25 / 484) + 25 / 484]

    def it_keeps_all_that_is_little_above_the_threshold_of_the_code(self) -> None:
        """√r + r is 1 where r = (3 - √5) / 2."""
        clicks = np.array([261, 262, 10**6 - 523], np.int64)
        found = keep_probs(clicks, rule("word2vec_code", threshold_share=0.0001))
        assert found[0] == 1.0
        assert 0.999 < found[1] < 1.0

    def it_keeps_all_without_a_rule(self) -> None:
        assert set(keep_probs(CLICKS, rule("none", threshold_clicks=1.0)).tolist()) == {1.0}

    def it_keeps_an_item_that_was_never_clicked(self) -> None:
        assert keep_probs(CLICKS, rule("cap", threshold_clicks=1e-9))[0] == 1.0

    def it_keeps_all_without_history(self) -> None:
        assert set(keep_probs(np.zeros(9, np.int64), rule("sqrt")).tolist()) == {1.0}

    @settings(deadline=None, max_examples=50, derandomize=True)
    @given(clicks=counts, name=st.sampled_from(list(THRESHOLDS)))
    def it_is_a_probability_that_falls_with_the_clicks(self, clicks: list[int], name: str) -> None:
        found = keep_probs(np.array(sorted(clicks), np.int64), rule(name, **THRESHOLDS[name]))
        assert np.all((found > 0) & (found <= 1))
        assert np.all(np.diff(found) <= 0)
