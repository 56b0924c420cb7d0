"""Scores and ranks of the ranking log in ranking_samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.spark.limits import Limits, ShuffleLimit

from tests.events.handmade import Built, Logs, Row, at, build_day, config

NOON = at("12:00")
NAMES = ("score_coarse", "rank_coarse", "score_fine", "rank_fine")
NOTHING = (None, None, None, None)


def ranked(
    request: int, stage: str, item: int, score: float | None, rank: int | None, **other: Any
) -> Row:
    return {
        "request_id": request, "user_id": None, "item_id": item, "stage": stage, "score": score,
        "rank": rank, "stage_ts": NOON,
    } | other  # fmt: skip


def logs() -> Logs:
    """One request for each case; item 1 is what is looked at."""
    day = Logs()
    log = day.rows["ranking_log"]
    # 1: every stage once.
    log += [ranked(1, "coarse", 1, 0.5, 7), ranked(1, "fine", 1, 2.0, 3)]
    # 2: several rows of a stage, of which the best score and the best rank are in two.
    log += [ranked(2, "coarse", 1, 0.5, 9), ranked(2, "coarse", 1, 0.25, 4)]
    # 3: no row of the item. 4: no row of the request.
    log += [ranked(3, "coarse", 2, 0.5, 1)]
    # 5: a score that is none, and no rank.
    log += [ranked(5, "coarse", 1, float("nan"), None), ranked(5, "fine", 1, float("inf"), 2)]
    # 6: ranked the day before.
    log += [ranked(6, "coarse", 1, 0.5, 1, stage_ts=at("23:59", -1))]
    # 7: shown twice in the request.
    log += [ranked(7, "coarse", 1, 0.125, 2)]
    # 8: two users have a request of this id, and rows name either or neither.
    log += [
        ranked(8, "coarse", 1, 0.5, 5, user_id=108),
        ranked(8, "coarse", 1, 0.75, 6, user_id=208),
        ranked(8, "fine", 1, 0.25, 1),
    ]
    for request in range(1, 9):
        day.show(100 + request, request, [1, 20], NOON)
    day.show(107, 7, 1, at("12:30"), impression="again")
    day.show(208, 8, 1, NOON, impression="other")
    day.click(101, 1, 1, at("12:01"))
    for name in ("impressions", "clicks", "ranking_log"):
        for offset in range(-1, 2):
            day.folder(name, at("00:00", offset).date())
    return day


def built(
    spark: SparkSession,
    folder: Path,
    limits: Limits | None = None,
    more: Sequence[Row] = (),
    **other: Any,
) -> Built:
    day = logs()
    day.rows["ranking_log"] += more
    day.write(folder)
    tree = {
        "logs": ("impressions", "clicks", "ranking_log"),
        "negatives": {"per_positive": 1, "hard": []},
        "exclusion": {"exposure_lookback_days": 0, "click_lookback_days": 0},
        "popularity": {"window_days": 1},
        "tables": ["ranking_samples"],
        "ranking": {"stage_scores": ["coarse", "fine"]},
        **other,
    }
    given: dict[str, Any] = {} if limits is None else {"limits": limits}
    return build_day(config(folder, **tree), spark, **given)


def scores(of: Built, request: int, **equal: object) -> list[tuple[Any, ...]]:
    rows = of.rows("ranking_samples", request_id=request, item_id=1, **equal)
    return [tuple(row[name] for name in NAMES) for row in rows]


@pytest.fixture(scope="module")
def day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(spark, tmp_path_factory.mktemp("scores"))


class DescribeStageScores:
    def it_tells_score_and_rank_of_each_stage(self, day: Built) -> None:
        assert scores(day, 1) == [(0.5, 7, 2.0, 3)]

    def it_takes_the_best_score_and_the_best_rank_of_several_rows(self, day: Built) -> None:
        assert scores(day, 2) == [(0.5, 4, None, None)]

    @pytest.mark.parametrize("request_id", [3, 4, 6])
    def it_is_null_where_the_date_has_no_row_of_the_item(self, day: Built, request_id: int) -> None:
        assert scores(day, request_id) == [NOTHING]

    def it_takes_no_number_that_is_none(self, day: Built) -> None:
        assert scores(day, 5) == [(None, None, None, 2)]

    def it_has_one_row_per_impression_as_without_scores(self, day: Built) -> None:
        assert len(day.tables["ranking_samples"]) == 18
        assert scores(day, 7) == [(0.125, 2, None, None)] * 2

    def it_tells_two_requests_of_one_id_apart_where_rows_name_their_user(self, day: Built) -> None:
        assert scores(day, 8, user_id=108) == [(0.5, 5, 0.25, 1)]
        assert scores(day, 8, user_id=208) == [(0.75, 6, 0.25, 1)]


class DescribeOtherSettings:
    def it_takes_the_lowest_score_where_that_is_the_best_and_only_rows_that_name_the_user(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        found = built(
            spark, tmp_path, funnel={"higher_score_is_better": False},
            attribution={"users": "agree"},
        )  # fmt: skip
        assert scores(found, 2) == [NOTHING], "no row of it names a user"
        assert scores(found, 8, user_id=208) == [(0.75, 6, None, None)]

    def it_finds_the_same_in_passes_and_without_copies_to_every_task(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        few = ShuffleLimit(rows_per_partition=5, rows_per_gib=8)
        found = built(spark, tmp_path, Limits(broadcast_rows=0, sampled=few, memory_gib=1.0))

        def rows(of: Built) -> set[tuple[Any, ...]]:
            return {tuple(row.values()) for row in of.tables["ranking_samples"]}

        assert rows(found) == rows(day)


class DescribeRanksFromZero:
    def it_counts_them_from_1(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, more=[ranked(1, "coarse", 20, 0.9, 0)])
        assert scores(found, 1) == [(0.5, 8, 2.0, 3)]
        (row,) = found.rows("ranking_samples", request_id=1, item_id=20)
        assert row["rank_coarse"] == 1
