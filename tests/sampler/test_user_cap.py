"""A cap on the positives of a user: a fair choice by hashes, and its probability."""

import numpy as np
import pyarrow as pa
import pytest
from winnow.sampler.kernels.positives import Kept, Strengths
from winnow.sampler.kernels.user_cap import places_in_cap
from winnow.sampler.positive_columns import PositiveColumns

from tests.sampler.many_positives import run, table_of

CAP = 3


def kept(users: list[int], seed: int = 1) -> Kept:
    """One positive of item 0 for each entry, in the order of their keys."""
    number = np.array(users, np.int64)
    return run(
        table_of(np.ones(1, np.int64)), number, np.zeros(len(users), np.int64), seed=seed
    ).kept


def under(cap: int | None, every: Kept) -> tuple[Kept, dict[str, pa.Array]]:
    return PositiveColumns(per_user_cap=cap).resampled(every, lambda kept: kept.pair)


class DescribeACapPerUser:
    def it_ranks_the_positives_of_each_user_and_counts_them(self) -> None:
        rank, total = places_in_cap(kept([1] * 5 + [2] + [3] * 2))
        assert [sorted(rank[:5].tolist()), rank[5], sorted(rank[6:].tolist())] == [
            [1, 2, 3, 4, 5],
            1,
            [1, 2],
        ]
        assert total.tolist() == [5] * 5 + [1] + [2] * 2

    def it_keeps_so_many_and_says_how_likely_that_was(self) -> None:
        stay, columns = under(CAP, kept([1] * 5 + [2] * 2))
        assert stay.user.tolist() == [1] * 3 + [2] * 2
        assert columns["cap_prob"].to_pylist() == [0.6] * 3 + [1.0] * 2
        assert sorted(columns["user_rank_in_cap"].to_pylist()[:3]) == [1, 2, 3]

    def it_keeps_all_without_a_cap(self) -> None:
        every = kept([1] * 5)
        stay, columns = under(None, every)
        assert stay is every
        assert columns == {}

    def it_counts_weak_ones_where_asked(self) -> None:
        every = kept([1] * 5 + [2] * 2)
        action = every.action.copy()
        action[[0, 1, 2, 6]] = -1
        settings = PositiveColumns(per_user_cap=2, capped=Strengths(weak=True))
        stay, columns = settings.resampled(every._replace(action=action), lambda kept: kept.pair)
        assert stay.user.tolist() == [1] * 2 + [2] * 2
        assert sorted(columns["user_rank_in_cap"].to_pylist()) == [1, 1, 2, 2]
        assert columns["cap_prob"].to_pylist() == [0.4, 0.4, 1.0, 1.0]

    def it_counts_organic_ones_where_asked(self) -> None:
        every = kept([1] * 3)
        action = every.action.copy()
        action[[0, 1]] = -1, -118
        settings = PositiveColumns(per_user_cap=1, capped=Strengths(organic=True))
        stay, columns = settings.resampled(every._replace(action=action), lambda kept: kept.pair)
        assert len(stay.user) == 2
        assert sorted(columns["cap_prob"].to_pylist()) == [0.5, 1.0]

    def it_knows_no_weak_positive(self) -> None:
        every = kept([1] * 5 + [2] * 2)
        action = every.action.copy()
        action[[0, 6]] = -1
        stay, columns = under(2, every._replace(action=action))
        assert stay.user.tolist() == [1] * 3 + [2] * 2
        ranks = dict(
            zip(stay.request.tolist(), columns["user_rank_in_cap"].to_pylist(), strict=True)
        )
        assert [ranks[1], ranks[6], ranks[7]] == [None, 1, None]
        chances = columns["cap_prob"].to_pylist()
        assert sorted(chances) == [0.5, 0.5, 1.0, 1.0, 1.0]

    def it_gives_a_lower_cap_some_of_the_rows_of_a_higher_one(self) -> None:
        every = kept([1] * 50 + [2] * 50)
        fewer, more = (under(n, every)[0].request.tolist() for n in (5, 20))
        assert len(fewer) == 10
        assert set(fewer) < set(more)

    def it_keeps_others_for_another_seed(self) -> None:
        one, other = (under(10, kept([1] * 100, seed))[0].request for seed in (1, 2))
        assert set(one.tolist()) != set(other.tolist())

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def it_favours_no_place_among_the_positives_of_a_user(self, seed: int) -> None:
        """Of 2,000 users with 10 positives each, every place stays 600 times but for chance."""
        users = [user for user in range(1, 2001) for _ in range(10)]
        rank, _ = places_in_cap(kept(users, seed))
        stays = np.bincount(np.flatnonzero(rank <= CAP) % 10, minlength=10)
        assert stays.sum() == 2_000 * CAP
        # Five standard deviations of 2,000 events of chance 0.3.
        assert np.all(np.abs(stays - 600) < 5 * np.sqrt(2_000 * 0.3 * 0.7))

    def it_undoes_the_cap_in_expectation(self) -> None:
        users = [1] * 40 + [2] * 2
        stay, columns = under(10, kept(users))
        weight = 1.0 / columns["cap_prob"].to_numpy()
        assert weight[stay.user == 1].sum() == 40.0
        assert weight[stay.user == 2].sum() == 2.0
