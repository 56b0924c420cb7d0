"""Positives of cold items are repeated as often as is expected, by hashes."""

import numpy as np
import pytest
from winnow.audit.recompute.repeats import recomputed_rows
from winnow.config.positives import Upsampling
from winnow.sampler.kernels.positives import Kept
from winnow.sampler.kernels.repeats import repeated, rows_of_positives
from winnow.sampler.weights import expected_rows

from tests.sampler.many_positives import run, table_of


def kept(n: int, seed: int = 1) -> Kept:
    """Positives of one item, each of another request."""
    table = table_of(np.ones(1, np.int64))
    return run(table, np.arange(n) % 97, np.zeros(n, np.int64), seed=seed).kept


class DescribeExpectedRows:
    CLICKS = np.array([0, 1, 4, 15, 16, 17, 1_000], np.int64)

    def it_has_the_formula_with_a_floor_and_a_most(self) -> None:
        rule = Upsampling(threshold_clicks=16.0, power=0.5, most=3.0)
        found = expected_rows(self.CLICKS, rule)
        assert found.tolist() == [3.0, 3.0, 2.0, np.sqrt(16 / 15), 1.0, 1.0, 1.0]

    @pytest.mark.parametrize("power", [0.25, 0.5, 0.7, 1.0, 2.0])
    def it_is_what_the_audit_computes(self, power: float) -> None:
        rule = Upsampling(threshold_clicks=12.5, power=power, most=7.5)
        clicks = np.arange(0, 40)
        assert recomputed_rows(clicks, rule) == pytest.approx(
            expected_rows(clicks, rule), rel=1e-12
        )


class DescribeRepeats:
    @pytest.mark.parametrize("expected", [1.0, 1.25, 2.5, 3.0])
    def it_gives_as_many_rows_as_expected_but_for_chance(self, expected: float) -> None:
        every = kept(20_000)
        rows = rows_of_positives(every.hash, np.full(len(every.hash), expected))
        assert set(rows.tolist()) <= {int(expected), int(expected) + 1}
        rest = expected - int(expected)
        # Five standard deviations of 20,000 events.
        assert abs(rows.mean() - expected) <= 5 * np.sqrt(rest * (1 - rest) / 20_000)

    def it_leaves_the_first_row_alone_and_gives_others_hashes_of_their_own(self) -> None:
        every = kept(300)
        rows = np.arange(300) % 3 + 1
        found, number = repeated(every, rows)
        assert number.tolist() == [i for n in rows.tolist() for i in range(n)]
        assert len(set(found.hash.tolist())) == len(set(found.draw_hash.tolist())) == rows.sum()
        for name in Kept._fields:
            first = getattr(found, name)[number == 0]
            assert np.array_equal(first, getattr(every, name))

    def it_repeats_others_for_another_seed(self) -> None:
        expected = np.full(1_000, 1.5)
        one, other = (rows_of_positives(kept(1_000, seed).hash, expected) for seed in (1, 2))
        assert not np.array_equal(one, other)
