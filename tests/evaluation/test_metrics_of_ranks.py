"""Metrics of a whole catalogue, and what is told of them by a few drawn items: by brute force."""

import sys
from itertools import combinations

import numpy as np
import pytest
from winnow.evaluation import (
    auc,
    catalogue_ranks,
    corrected,
    corrected_by_rank,
    list_ranks,
    ndcg,
    recall,
    reciprocal_rank,
    sampled_ranks,
)
from winnow.evaluation.corrected import Metric, log_factorials, sampled_above, values_of_sampled

POOL, DRAWN = 11, 4
SETS = list(combinations(range(POOL), DRAWN))
METRICS: dict[str, Metric] = {
    "recall": lambda ranks: recall(ranks, 3),
    "ndcg": lambda ranks: ndcg(ranks, 3),
    "mrr": reciprocal_rank,
}


def by_sorting(scores: list[float], positive: int, left_out: set[int]) -> int:
    others = [s for item, s in enumerate(scores) if item not in left_out | {positive}]
    # Of equal scores the positive is last.
    return (
        sorted([*((-s, 0) for s in others), (-scores[positive], 1)]).index((-scores[positive], 1))
        + 1
    )


def chances() -> np.ndarray:
    """Count how many of all sets have j of the R best items, for every R."""
    found = np.zeros((POOL + 1, DRAWN + 1))
    for above in range(POOL + 1):
        for drawn in SETS:
            found[above, sum(item < above for item in drawn)] += 1 / len(SETS)
    return found


class DescribeRanks:
    def it_ranks_beside_all_that_is_not_left_out(self) -> None:
        random = np.random.default_rng(1)
        scores = random.integers(0, 6, (30, 9)).astype(float)
        places = random.integers(0, 9, 30)
        left_out = random.random((30, 9)) < 0.3
        wanted = [
            by_sorting(list(own), place, set(np.flatnonzero(out).tolist()))
            for own, place, out in zip(scores, places, left_out, strict=True)
        ]
        assert catalogue_ranks(scores, places, left_out).tolist() == wanted
        assert len(set(wanted)) > 5

    def it_takes_one_row_of_scores_for_all(self) -> None:
        scores, none = np.array([3.0, 2.0, 1.0]), np.zeros((3, 3), bool)
        assert catalogue_ranks(scores, np.array([0, 1, 2]), none).tolist() == [1, 2, 3]

    def it_ranks_among_the_drawn_that_are_there(self) -> None:
        positives, negatives = np.array([1.0, 1.0]), np.array([[2.0, 1.0, 0.0], [2.0, 0.0, 9.0]])
        assert sampled_ranks(positives, negatives).tolist() == [3, 3]
        mask = np.array([[True, True, True], [True, True, False]])
        assert sampled_ranks(positives, negatives, mask).tolist() == [3, 2]

    def it_gives_a_model_without_an_opinion_no_credit(self) -> None:
        assert sampled_ranks(np.zeros(2), np.zeros((2, 5))).tolist() == [6, 6]

    def it_gives_scores_that_are_no_numbers_no_credit(self) -> None:
        scores, none = np.array([[np.nan, 0.0, 1.0], [0.0, np.nan, np.nan]]), np.zeros((2, 3), bool)
        assert sampled_ranks(scores[:, 0], scores[:, 1:]).tolist() == [3, 3]
        assert catalogue_ranks(scores, np.array([0, 0]), none).tolist() == [3, 3]

    @pytest.mark.parametrize("place", [-1, 3])
    def it_refuses_the_place_of_what_is_not_in_the_catalogue(self, place: int) -> None:
        with pytest.raises(ValueError, match="others have no score"):
            catalogue_ranks(np.zeros((1, 3)), np.array([place]), np.zeros((1, 3), bool))

    def it_puts_the_positives_of_a_row_into_one_list(self) -> None:
        ranks, rows = np.array([4, 1, 2, 1, 4]), np.array([0, 0, 1, 0, 0])
        # Row 0 has two that stand beside no better negative, and two behind three of them.
        found = list_ranks(ranks, rows)
        assert sorted(found[rows == 0].tolist()) == [1, 2, 6, 7]
        assert found[2] == 2


class DescribeMetrics:
    def it_is_what_its_name_says(self) -> None:
        ranks = np.array([1, 3, 4])
        assert recall(ranks, 3).tolist() == [1.0, 1.0, 0.0]
        assert ndcg(ranks, 3).tolist() == [1.0, 0.5, 0.0]
        assert reciprocal_rank(ranks).tolist() == [1.0, 1 / 3, 0.25]
        assert auc(ranks, 3).tolist() == [1.0, pytest.approx(1 / 3), 0.0]
        assert np.isnan(auc(np.array([1]), np.array([0]))).all()


class DescribeWhatDrawnItemsSay:
    def it_knows_how_likely_each_rank_among_them_is(self) -> None:
        found = sampled_above(np.arange(POOL + 1), DRAWN, log_factorials(POOL))
        assert found == pytest.approx(chances(), abs=1e-12)

    def it_needs_no_correction_of_auc(self) -> None:
        ranks = np.arange(1, POOL + 2)
        sampled = auc(np.arange(1, DRAWN + 2), DRAWN)
        assert chances() @ sampled == pytest.approx(auc(ranks, POOL))

    def it_expects_the_rank_itself(self) -> None:
        found = corrected_by_rank(lambda ranks: ranks.astype(float), np.arange(1, 6), 4, 12)
        assert found.tolist() == [1.0, 4.0, 7.0, 10.0, 13.0]

    def it_knows_no_rank_where_none_is_drawn(self) -> None:
        one = np.array([1])
        with pytest.raises(ValueError, match="tells nothing"):
            corrected_by_rank(reciprocal_rank, one, 0, 12)
        assert corrected_by_rank(reciprocal_rank, one, 0, 0).tolist() == [1.0]

    def it_says_the_same_of_few_ranks_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = values_of_sampled(METRICS["mrr"], DRAWN, POOL, 0.1)
        module = sys.modules[values_of_sampled.__module__]
        monkeypatch.setattr(module, "_CHANCES_AT_A_TIME", 3 * (DRAWN + 1))
        assert values_of_sampled(METRICS["mrr"], DRAWN, POOL, 0.1) == pytest.approx(whole)

    @pytest.mark.parametrize("metric", METRICS)
    def it_minimises_bias_and_variance(self, metric: str) -> None:
        """No other values of sampled ranks have less of both, summed over all ranks."""
        gamma, wanted, p = 0.2, METRICS[metric](np.arange(1, POOL + 2)), chances()

        def loss(values: np.ndarray) -> float:
            mean = p @ values
            variance = p @ values**2 - mean**2
            return float(((mean - wanted) ** 2 + gamma * variance).sum())

        found = values_of_sampled(METRICS[metric], DRAWN, POOL, gamma)
        best, random = loss(found), np.random.default_rng(2)
        for _ in range(200):
            assert loss(found + random.normal(0, 0.01, DRAWN + 1)) > best
        assert best < loss(METRICS[metric](np.arange(1, DRAWN + 2)))

    @pytest.mark.parametrize("metric", METRICS)
    def it_is_the_mean_of_what_a_rank_may_stand_for(self, metric: str) -> None:
        """With gamma 1: where every rank was as likely before."""
        p, values = chances(), METRICS[metric](np.arange(1, POOL + 2))
        wanted = (p * values[:, None]).sum(axis=0) / p.sum(axis=0)
        assert values_of_sampled(METRICS[metric], DRAWN, POOL, 1.0) == pytest.approx(wanted)

    @pytest.mark.parametrize("metric", METRICS)
    def it_is_nearer_to_the_truth_than_the_plain_metric(self, metric: str) -> None:
        random, pool, drawn = np.random.default_rng(3), 1000, 100
        ranks = np.minimum(random.geometric(0.01, 4000), pool + 1)
        above = random.hypergeometric(ranks - 1, pool - ranks + 1, drawn)
        at_20: dict[str, Metric] = {
            "recall": lambda ranks: recall(ranks, 20),
            "ndcg": lambda ranks: ndcg(ranks, 20),
            "mrr": reciprocal_rank,
        }
        of = at_20[metric]
        truth, plain = of(ranks).mean(), of(above + 1).mean()
        found = corrected(of, above + 1, drawn, pool, gamma=0.01).mean()
        assert abs(found - truth) < 0.2 * abs(plain - truth)

    def it_estimates_nothing_where_all_are_drawn(self) -> None:
        of = METRICS["ndcg"]
        ranks = np.arange(1, 6)
        assert corrected(of, ranks, 4, 4).tolist() == of(ranks).tolist()

    def it_takes_every_row_by_its_own_pool(self) -> None:
        of = METRICS["mrr"]
        ranks, drawn, pool = np.array([1, 2, 1]), np.array([4, 4, 3]), np.array([11, 9, 3])
        found = corrected(of, ranks, drawn, pool)
        alone = [corrected(of, ranks[i : i + 1], int(drawn[i]), int(pool[i]))[0] for i in range(3)]
        assert found.tolist() == alone

    @pytest.mark.parametrize(
        ("ranks", "drawn", "pool", "gamma"),
        [([6], 4, 11, 0.1), ([0], 4, 11, 0.1), ([1], 4, 3, 0.1), ([1], 4, 11, 0.0)],
    )
    def it_refuses_what_cannot_be(
        self, ranks: list[int], drawn: int, pool: int, gamma: float
    ) -> None:
        with pytest.raises(ValueError):
            corrected(METRICS["recall"], np.array(ranks), drawn, pool, gamma)
