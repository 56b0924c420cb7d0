"""The statistics of the gates: right under the null, quick to see a bias, never crying wolf."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from winnow.audit.statistics import (
    CERTAIN_P,
    Surprise,
    chi_square,
    kept_of,
    minus_log10,
    occupancy,
    robust_distance,
    stability_index,
)

Floats = NDArray[np.float64]


def zipf(n: int, exponent: float = 0.9) -> Floats:
    shares = 1.0 / np.arange(1, n + 1) ** exponent
    return np.asarray(shares / shares.sum(), np.float64)


def drawn(seed: int, n: int, shares: Floats) -> Floats:
    return np.random.default_rng(seed).multinomial(n, shares).astype(np.float64)


def share_below(p: list[float], bound: float) -> float:
    return float((np.array(p) > -math.log10(bound)).mean())


class DescribeMinusLog10:
    @pytest.mark.parametrize(("p", "wanted"), [(1.0, 0), (0.01, 2), (0.0, 300), (1e-320, 300)])
    def it_is_capped_at_both_ends(self, p: float, wanted: float) -> None:
        assert minus_log10(p) == pytest.approx(wanted)

    def it_takes_more_than_1_for_1(self) -> None:
        assert minus_log10(1.0 + 1e-12) == 0.0


class DescribeBias:
    def it_is_the_size_only_where_chance_is_ruled_out(self) -> None:
        assert Surprise(CERTAIN_P, 0.5, 3).bias == 0.0
        assert Surprise(CERTAIN_P + 0.01, 0.5, 3).bias == 0.5


class DescribeChiSquare:
    @pytest.mark.parametrize(("cells", "draws"), [(5, 400), (50, 2_000), (2_000, 6_000)])
    def it_is_uniform_where_nothing_is_wrong(self, cells: int, draws: int) -> None:
        shares = zipf(cells)
        p = [chi_square(drawn(i, draws, shares), draws * shares).p for i in range(1_500)]
        for bound in (0.5, 0.1, 0.01):
            allowed = 5 * math.sqrt(bound / 1_500)
            assert share_below(p, bound) == pytest.approx(bound, abs=allowed + 0.02 * bound)

    @pytest.mark.parametrize(
        "expected",
        [[5.0, 95.0], [5.0, 5.0], [5.0] * 10 + [1000.0], [6.0, 40.0, 200.0], [0.1] * 100 + [5.0]],
    )
    def it_never_fails_by_chance(self, expected: list[float]) -> None:
        """Short lists with small expectations have the longest tails."""
        want = np.array(expected)
        rows = np.random.default_rng(1).multinomial(round(want.sum()), want / want.sum(), 20_000)
        worst = rows[np.argsort(-(((rows - want) ** 2) / want).sum(axis=1))[:50]]
        found = [chi_square(row.astype(np.float64), want) for row in worst]
        assert max(surprise.p for surprise in found) < CERTAIN_P
        assert all(surprise.bias == 0.0 for surprise in found)

    def it_finds_a_bias_of_two_percent_in_a_million_draws(self) -> None:
        shares = zipf(5_000)
        biased = np.where(np.arange(5_000) % 2 == 0, shares * 1.04, shares * 0.96)
        found = chi_square(drawn(3, 10**6, biased / biased.sum()), 10**6 * shares)
        assert found.p > CERTAIN_P
        assert found.bias == pytest.approx(0.02, rel=0.1)

    def it_finds_one_wrong_item_among_many(self) -> None:
        shares = zipf(5_000)
        wrong = shares.copy()
        wrong[0] *= 1.5
        assert chi_square(drawn(4, 10**6, wrong / wrong.sum()), 10**6 * shares).bias > 0.01

    def it_puts_rare_cells_together_and_loses_no_draw(self) -> None:
        expected = np.array([0.5] * 30 + [100.0, 85.0])
        got = np.zeros(32)
        got[:30], got[30], got[31] = 0.5, 100.0, 85.0
        found = chi_square(got, expected)
        assert found.cells == 4
        assert (found.p, found.size) == (0.0, 0.0)

    def it_says_nothing_of_too_few_cells(self) -> None:
        assert chi_square(np.array([3.0]), np.array([3.0])) == Surprise(0.0, 0.0, 1)
        assert chi_square(np.array([1.0, 1.0]), np.array([1.0, 1.0])).p == 0.0
        assert chi_square(np.zeros(3), np.ones(3)) == Surprise(0.0, 0.0, 0)

    def it_is_certain_of_what_cannot_be_drawn(self) -> None:
        found = chi_square(np.array([99.0, 1.0]), np.array([100.0, 0.0]))
        assert found.p == 300.0
        assert found.size == pytest.approx(0.01)
        assert chi_square(np.array([0.0, 7.0]), np.array([7.0, 0.0])).bias == 1.0

    def it_does_not_cry_wolf_where_no_item_comes_twice(self) -> None:
        """Pooled by what is expected after the draws, those that were drawn lie together."""
        rng = np.random.default_rng(3)
        weights = np.round(1000 / np.arange(1, 2001) ** 0.8)
        found = [draws_without_repetition(rng, weights, 300, 10) for _ in range(20)]
        assert max(chi_square(*one).p for one in found) < 3
        assert min(chi_square(*one[:2]).p for one in found) > 9


def draws_without_repetition(
    rng: np.random.Generator, weights: NDArray[np.float64], positives: int, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What was drawn, what each draw let expect given the ones before, and with none before."""
    # Items in the order of exponentials divided by their weights are drawn one by one.
    order = np.argsort(rng.exponential(size=(positives, len(weights))) / weights, axis=1)
    drawn, expected, total = np.zeros(len(weights)), np.zeros(len(weights)), 0.0
    left = np.ones((positives, len(weights)), np.bool_)
    for draw in range(n):
        rest = (left * weights).sum(axis=1)
        expected += (left * weights / rest[:, None]).sum(axis=0)
        total += float((weights.sum() / rest).sum())
        np.add.at(drawn, order[:, draw], 1.0)
        left[np.arange(positives), order[:, draw]] = False
    return drawn, expected, weights / weights.sum() * total


class DescribeKeptOf:
    @pytest.mark.parametrize(("kept", "n", "keep"), [(0, 20, 0.5), (7, 9, 0.3), (50, 200, 0.25)])
    def it_is_exact_for_one_item(self, kept: int, n: int, keep: float) -> None:
        found = kept_of(float(kept), np.array([float(n)]), np.array([keep]))
        test = stats.binom(n, keep)
        assert found.p == pytest.approx(
            minus_log10(2 * min(test.cdf(kept), test.sf(kept - 1))), abs=1e-9
        )
        assert found.size == pytest.approx(abs(kept - n * keep) / (n * keep))

    def it_is_never_surer_than_the_truth(self) -> None:
        """For items of one keep_prob the sum is binomial, and its tail is known."""
        for n, keep in ((10.0, 0.05), (100.0, 0.01), (1_000.0, 0.5)):
            candidates, chances = np.full(5, n), np.full(5, keep)
            test = stats.binom(round(5 * n), keep)
            for kept in range(0, round(5 * n) + 1, max(1, round(n) // 20)):
                tail = min(test.cdf(kept), test.sf(kept - 1))
                found = kept_of(float(kept), candidates, chances)
                assert found.p <= minus_log10(float(tail)) + 1e-9

    def it_finds_what_was_kept_too_often(self) -> None:
        found = kept_of(10_400.0, np.full(100, 200.0), np.full(100, 0.5))
        assert found.p < CERTAIN_P
        assert kept_of(10_600.0, np.full(100, 200.0), np.full(100, 0.5)).bias > 0.02

    def it_is_certain_where_nothing_is_left_to_chance(self) -> None:
        assert kept_of(9.0, np.array([10.0]), np.array([1.0])).bias == 1.0
        assert kept_of(10.0, np.array([10.0]), np.array([1.0])).bias == 0.0


class DescribeOccupancy:
    @pytest.mark.parametrize(("items", "draws"), [(20, 100), (20, 300), (500, 300), (3_000, 9_000)])
    def it_never_fails_by_chance(self, items: int, draws: int) -> None:
        shares = zipf(items)
        found = [
            occupancy(float((drawn(i, draws, shares) > 0).sum()), draws * shares)
            for i in range(2_000)
        ]
        assert all(surprise.bias == 0.0 for surprise in found)
        assert share_below([surprise.p for surprise in found], 1e-2) <= 0.02

    def it_finds_draws_from_a_head(self) -> None:
        shares = zipf(1_000)
        head = shares[:300] / shares[:300].sum()
        seen = float((drawn(1, 10_000, head) > 0).sum())
        assert occupancy(seen, 10_000 * shares).bias > 0.5

    def it_says_nothing_where_nothing_is_expected(self) -> None:
        assert occupancy(0.0, np.zeros(3)) == Surprise(0.0, 0.0, 0)


class DescribeStabilityIndex:
    def it_is_near_zero_for_two_samples_of_one_distribution(self) -> None:
        """Also where most items are in one of the samples only."""
        shares = zipf(100_000)
        for n in (30, 1_000, 50_000):
            found = [
                stability_index(drawn(2 * i, n, shares), drawn(2 * i + 1, n, shares))
                for i in range(50)
            ]
            assert max(found) < 0.25 if n > 100 else max(found) < 2.0
            assert float(np.median(found)) < 0.1

    def it_sees_interest_move_to_other_items(self) -> None:
        shares = zipf(1_000)
        assert stability_index(drawn(1, 5_000, shares), drawn(2, 5_000, shares[::-1])) > 2.0

    def it_grows_with_the_change(self) -> None:
        before = np.full(20, 1_000.0)
        small, large = before.copy(), before.copy()
        small[0], large[0] = 2_000.0, 20_000.0
        assert 0.0 < stability_index(before, small) < 0.1 < stability_index(before, large)

    def it_is_zero_without_rows(self) -> None:
        assert stability_index(np.zeros(3), np.ones(3)) == 0.0


def sessions(seed: int, users: int, shares: Floats) -> tuple[Floats, float]:
    """Positives of users who each click on one kind of item, as counts and as effective users."""
    luck = np.random.default_rng(seed)
    lengths = luck.geometric(0.02, users)
    kinds = luck.choice(len(shares), users, p=shares)
    counts = np.bincount(kinds, weights=lengths, minlength=len(shares)).astype(np.float64)
    return counts, float(lengths.sum()) ** 2 / float((lengths.astype(np.float64) ** 2).sum())


class DescribeStabilityOfWhatComesInSessions:
    SHARES = np.full(40, 1 / 40)

    def index(self, seed: int, *, robust: bool = True, later: Floats | None = None) -> float:
        before, users_then = sessions(2 * seed, 400, self.SHARES)
        now, users = sessions(2 * seed + 1, 400, self.SHARES if later is None else later)
        return stability_index(before, now, effective=(users_then, users) if robust else None)

    def it_raises_hardly_a_false_alarm(self) -> None:
        """Fifty positives of one user are no fifty witnesses: taken so, every second date warns."""
        alarms = sum(self.index(seed) > 0.25 for seed in range(200)) / 200
        naive = sum(self.index(seed, robust=False) > 0.25 for seed in range(200)) / 200
        assert alarms <= 0.01
        assert naive > 10 * max(alarms, 0.005)
        assert float(np.median([self.index(seed) for seed in range(200)])) < 0.05

    def it_finds_a_drift_all_the_same(self) -> None:
        moved = np.where(np.arange(40) < 10, 4.0, 0.1)
        found = [self.index(seed, later=moved / moved.sum()) for seed in range(50)]
        assert min(found) > 0.25


class DescribeRobustDistance:
    def it_takes_a_tenth_and_ten_times_for_equally_far(self) -> None:
        past = np.array([90.0, 100.0, 110.0, 100.0])
        assert robust_distance(10.0, past) == pytest.approx(robust_distance(1_000.0, past))

    def it_fails_a_volume_that_is_gone(self) -> None:
        assert robust_distance(0.0, np.array([100.0, 101.0, 99.0, 100.0])) > 30

    def it_does_not_mind_small_moves_of_a_figure_that_never_moved(self) -> None:
        assert robust_distance(105.0, np.full(5, 100.0)) == pytest.approx(1.0)

    def it_allows_more_where_there_was_more(self) -> None:
        calm, wild = np.array([99.0, 100.0, 101.0, 100.0]), np.array([50.0, 100.0, 200.0, 100.0])
        assert robust_distance(150.0, wild) < robust_distance(150.0, calm)
