"""Hard negatives chosen at random: every candidate of a pool has the declared chance."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import chisquare
from winnow.sampler.kernels.mix import POOL_TOO_SMALL
from winnow.sampler.kernels.selection import SELECT_RANDOM, SELECT_TAIL, SELECT_TOP

from tests.sampler.many_positives import Sampled, run, table_of

POOL, WANTED, POSITIVES = 6, 2, 12_000


def sampled(selection: int = SELECT_RANDOM, pool: int = POOL) -> Sampled:
    user = np.arange(POSITIVES) % 500 + 1
    candidates = [(p + 1, item) for p in range(POSITIVES) for item in range(pool)]
    return run(
        table_of(np.arange(1, 9, dtype=np.int64)),
        user,
        np.full(POSITIVES, 7),
        candidates=candidates,
        n_hard=WANTED,
        selection=selection,
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
