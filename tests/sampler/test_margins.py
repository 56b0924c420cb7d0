"""Margins by hand: which candidates of a request are left for a positive, at their edges."""

import dataclasses
from collections.abc import Mapping

import pytest

from tests.sampler.kernel_runs import run_kernels
from tests.sampler.reference import Asked, Band, Case, Group, Item, Pair, Ranked

POSITIVE, SCORES = 1, {1: 8.0, 2: 9.0, 3: 8.0, 4: 7.5, 5: 7.0, 6: 4.0, 7: None}
ITEMS = [Item(key, 1) for key in range(1, 9)]


def group_of(band: Band, scores: Mapping[int, float | None], *, higher: bool = True) -> Group:
    """One positive, all items of its one stage, and one pool of five."""
    ranked = [Ranked(1, 1, item, 0, True, score, None, None) for item, score in scores.items()]
    case = Case(
        items=ITEMS, forbidden=[(1, POSITIVE)],
        pairs=[Pair(1, 1, POSITIVE, 0, 1, 0, 0)], ranked=ranked, hot={},
        takes=[("cut", 0.0, 1.0)] * 3, n_easy=0, n_hard=0, fill=False, max_rejections=0,
        higher_is_better=higher, bands=(band,), pools=(Asked(5, "random", 4),),
    )  # fmt: skip
    (found,) = run_kernels(case)
    return found


def band(absolute: float | None = None, relative: float | None = None) -> Band:
    return Band(0, "percentile", 0.0, 1.0, 0, absolute, relative)


class DescribeMargins:
    @pytest.mark.parametrize(
        ("asked", "left"),
        [
            (band(), {2, 3, 4, 5, 6, 7}),
            (band(absolute=0.0), {3, 4, 5, 6}),
            (band(absolute=0.5), {4, 5, 6}),
            (band(absolute=1.0), {5, 6}),
            (band(relative=1.0), {3, 4, 5, 6}),
            (band(relative=0.875), {5, 6}),
            (band(relative=0.5), {6}),
        ],
    )
    def it_leaves_what_is_worse_than_the_positive(self, asked: Band, left: set[int]) -> None:
        found = group_of(asked, SCORES)
        assert {one.key for one in found.hard} <= left
        assert len(found.hard) == min(5, len(left))
        assert set(found.chances) == {len(found.hard) / len(left)}

    @pytest.mark.parametrize(
        ("asked", "left"),
        [(band(absolute=1.0), {6, 7}), (band(relative=0.5), {7}), (band(relative=1.0), {5, 6, 7})],
    )
    def it_turns_round_where_a_lower_score_is_better(self, asked: Band, left: set[int]) -> None:
        distances = {1: 2.0, 2: 1.0, 5: 2.0, 6: 3.0, 7: 4.0}
        found = group_of(asked, distances, higher=False)
        assert {one.key for one in found.hard} == left

    @pytest.mark.parametrize("asked", [band(absolute=0.5), band(relative=0.5)])
    def it_gives_none_where_the_positive_has_no_score(self, asked: Band) -> None:
        for scores in (SCORES | {POSITIVE: None}, {k: SCORES[k] for k in SCORES if k != POSITIVE}):
            found = group_of(asked, scores)
            assert (found.hard, found.lacking) == ([], {"positive_not_scored": 5})

    def it_knows_no_share_of_a_score_that_is_not_above_zero(self) -> None:
        scores = {POSITIVE: 0.0, 2: -1.0, 3: -2.0}
        assert group_of(band(relative=0.5), scores).lacking == {"positive_not_scored": 5}
        assert len(group_of(band(absolute=0.5), scores).hard) == 2

    def it_says_that_the_pool_was_too_small_where_the_margin_left_few(self) -> None:
        found = group_of(band(absolute=1.0), SCORES)
        assert found.lacking == {"pool_too_small": 3}
        assert dataclasses.replace(found, hard=[]).shortfall == 3
