"""Positives of hot items survive as often as keep_prob says."""

import numpy as np
import pytest
from scipy.stats import binom

from tests.sampler.many_positives import run, table_of

KEEP = {0: 0.05, 1: 0.3, 2: 0.5, 3: 0.9, 4: 0.999}
POSITIVES = 20_000
COLD = 5


def kept_items(seed: int) -> tuple[np.ndarray, np.ndarray]:
    table = table_of(np.ones(6, np.int64), KEEP)
    item = np.tile(np.arange(6), POSITIVES)
    user = np.arange(len(item)) % 997 + 1
    made = run(table, user, item, seed=seed)
    return np.searchsorted(table.keys, made.kept.item), made.kept.keep_prob


class DescribeDownSampling:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def it_keeps_each_item_within_its_binomial_interval(self, seed: int) -> None:
        items, _ = kept_items(seed)
        for item, keep_prob in KEEP.items():
            low, high = binom.interval(1 - 1e-5, POSITIVES, keep_prob)
            assert low <= np.sum(items == item) <= high

    def it_keeps_every_positive_of_an_item_that_is_not_hot(self) -> None:
        items, keep_prob = kept_items(1)
        assert np.sum(items == COLD) == POSITIVES
        assert set(keep_prob[items == COLD]) == {1.0}

    def it_writes_the_probability_on_the_row(self) -> None:
        items, keep_prob = kept_items(1)
        for item, expected in KEEP.items():
            assert set(keep_prob[items == item]) == {expected}

    def it_undoes_the_thinning_in_expectation(self) -> None:
        items, keep_prob = kept_items(1)
        for item, p in KEEP.items():
            restored = np.sum(1.0 / keep_prob[items == item])
            # Five standard deviations of a sum of Bernoulli trials, each weighed by 1 / p.
            assert abs(restored - POSITIVES) <= 5 * np.sqrt(POSITIVES * (1 - p) / p)

    def it_keeps_other_rows_for_another_seed(self) -> None:
        table = table_of(np.ones(1, np.int64), {0: 0.5})
        user = np.arange(1, 2001)
        one, other = (run(table, user, np.zeros(2000, np.int64), seed=s).kept.user for s in (1, 2))
        both = len(np.intersect1d(one, other))
        low, high = binom.interval(1 - 1e-5, 2000, 0.25)
        assert low <= both <= high
