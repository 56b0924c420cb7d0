"""Hard negatives chosen at random: every candidate of a pool has the declared chance."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy.stats import chisquare
from winnow.sampler.kernels.mix import POOL_TOO_SMALL
from winnow.sampler.kernels.selection import SELECT_RANDOM, SELECT_SCORE, SELECT_TAIL, SELECT_TOP

from tests.sampler.many_positives import Sampled, run, table_of

POOL, WANTED, POSITIVES = 6, 2, 12_000


def sampled(selection: int = SELECT_RANDOM, pool: int = POOL, temperature: float = 1.0) -> Sampled:
    user = np.arange(POSITIVES) % 500 + 1
    candidates = [(p + 1, item) for p in range(POSITIVES) for item in range(pool)]
    return run(
        table_of(np.arange(1, 9, dtype=np.int64)),
        user,
        np.full(POSITIVES, 7),
        candidates=candidates,
        n_hard=WANTED,
        selection=selection,
        temperature=temperature,
    )


@pytest.fixture(scope="module")
def made() -> Sampled:
    return sampled()


class DescribeRandomSelection:
    def it_chooses_each_candidate_equally_often(self, made: Sampled) -> None:
        counts = np.bincount(made.groups.chosen.code, minlength=POOL)
        assert counts.sum() == POSITIVES * WANTED
        assert chisquare(counts).pvalue > 1e-4

    def it_chooses_each_subset_equally_often(self, made: Sampled) -> None:
        chosen = np.sort(made.groups.chosen.code.reshape(-1, WANTED), axis=1)
        subsets = list(combinations(range(POOL), WANTED))
        counts = [int(np.sum((chosen == subset).all(axis=1))) for subset in subsets]
        assert sum(counts) == POSITIVES, "without replacement"
        assert chisquare(counts).pvalue > 1e-4

    def it_declares_drawn_over_pool(self, made: Sampled) -> None:
        assert set(made.groups.chosen.incl_prob.tolist()) == {WANTED / POOL}
        assert set(made.groups.n_hard.tolist()) == {WANTED}

    def it_takes_a_pool_that_is_too_small_as_a_whole(self) -> None:
        small = sampled(pool=1).groups
        assert set(small.chosen.code.tolist()) == {0}
        assert set(small.missing[:, POOL_TOO_SMALL].tolist()) == {1}


class DescribeOtherSelections:
    @pytest.mark.parametrize("selection", [SELECT_TOP, SELECT_TAIL])
    def it_takes_the_same_candidates_of_every_equal_pool(self, selection: int) -> None:
        assert len(set(sampled(selection).groups.chosen.code.tolist())) == WANTED


class DescribeSelectionByScore:
    """Item n has the score -n, so its weight is exp(-n / T)."""

    @pytest.mark.parametrize("temperature", [0.7, 1.0, 3.0])
    def it_chooses_one_after_the_other_in_proportion_to_the_weights(
        self, temperature: float
    ) -> None:
        chosen = sampled(SELECT_SCORE, temperature=temperature).groups.chosen
        pairs = chosen.code.reshape(-1, WANTED)
        weights = np.exp(-np.arange(POOL) / temperature)
        ordered = list(permutations(range(POOL), WANTED))
        first = np.array([weights[a] / weights.sum() for a, _ in ordered])
        second = np.array([weights[b] / (weights.sum() - weights[a]) for a, b in ordered])
        counts = np.array([int(np.sum((pairs == pair).all(axis=1))) for pair in ordered])
        assert counts.sum() == POSITIVES, "without replacement"
        expected = POSITIVES * first * second
        rare = expected < 5
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
        assert chisquare(counts[expected > 0], expected[expected > 0]).pvalue > 1e-4

    def it_has_no_incl_prob(self) -> None:
        assert np.isnan(sampled(SELECT_SCORE).groups.chosen.incl_prob).all()

    def it_takes_the_best_where_it_is_cold_and_all_alike_where_it_is_hot(self) -> None:
        cold = sampled(SELECT_SCORE, temperature=1e-6).groups.chosen.code
        assert set(map(tuple, cold.reshape(-1, WANTED).tolist())) == {(0, 1)}
        hot = sampled(SELECT_SCORE, temperature=1e6).groups.chosen.code
        assert chisquare(np.bincount(hot, minlength=POOL)).pvalue > 1e-4
