"""The rungs of cascade_samples, in each way to know a cut, on ladders of any length."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.spark.limits import Limits, ShuffleLimit

from tests.events.handmade import Built, Logs, Row, at, build_day, config

NOON = at("12:00")
STAGES = ("recall", "coarse", "fine")
SHOWN, CLICKED = 3, 4
WAYS = ("passed", "membership", "last_stage")

FUNNEL = ((1, 2, 3, 4, 5, 6), (1, 2, 3, 4), (2, 1, 3))
"""What each stage of request 1 ranked, the best first; 1 and 3 were shown, 1 was clicked."""
RUNGS = {1: CLICKED, 2: 2, 3: SHOWN, 4: 1, 5: 0, 6: 0}


def of_funnel(request: int, lists: Sequence[Sequence[int]], how: str) -> list[Row]:
    found = []
    for stage, items in enumerate(lists):
        later = lists[stage + 1] if stage + 1 < len(lists) else ()
        for place, item in enumerate(items):
            if how == "last_stage" and item in later:
                continue
            passed = item in later if stage + 1 < len(lists) else None
            found.append(of_log(request, stage, item, place, passed))
    return found


def of_log(
    request: int, stage: int, item: int, place: int, passed: bool | None = None, **other: Any
) -> Row:
    return {
        "request_id": request, "user_id": None, "item_id": item, "stage": STAGES[stage],
        "score": 1.0 - place / 64, "rank": place + 1, "passed": passed, "cut_reason": "score",
        "stage_ts": NOON,
    } | other  # fmt: skip


def logs(how: str) -> Logs:
    day = Logs()
    log = day.rows["ranking_log"]
    more: Row = {"viewed": True, "scene": "home"}
    # 1: a funnel as it should be.
    log += of_funnel(1, FUNNEL, how)
    day.show(101, 1, [1, 3], NOON, **more)
    day.click(101, 1, 1, at("12:01"))
    # 2: nobody clicked.
    log += of_funnel(2, FUNNEL, how)
    day.show(102, 2, [1, 3], NOON, **more)
    # 3: shown without a row of the log, and shown twice.
    day.show(103, 3, [7, 8], NOON, **more)
    day.show(103, 3, 7, at("12:30"), impression="again", **more)
    day.click(103, 3, 8, at("12:01"))
    # 4: delivered and not viewed (2), in another scene (3): left out. Fine ranking never ran.
    log += of_funnel(4, (FUNNEL[0], FUNNEL[1], ()), how)
    day.show(104, 4, 1, NOON, **more)
    day.show(104, 4, 2, NOON, **(more | {"viewed": False}))
    day.show(104, 4, 3, NOON, **(more | {"scene": "mail"}))
    day.click(104, 4, 1, at("12:01"))
    # 5: two users have a request of this id; its rows name them.
    log += [of_log(5, 0, 1, 0, False, user_id=105), of_log(5, 0, 2, 1, False, user_id=205)]
    for user in (105, 205):
        day.show(user, 5, 9, NOON, impression=f"of {user}", **more)
        day.click(user, 5, 9, at("12:01"), impression=f"of {user}")
    for name in ("impressions", "clicks", "ranking_log"):
        for offset in range(-1, 2):
            day.folder(name, at("00:00", offset).date())
    return day


def built(
    spark: SparkSession,
    folder: Path,
    how: str = "membership",
    limits: Limits | None = None,
    more: Sequence[Row] = (),
    **other: Any,
) -> Built:
    day = logs(how)
    day.rows["ranking_log"] += more
    day.write(folder)
    return of_logs(spark, folder, how, limits, **other)


def of_logs(
    spark: SparkSession, folder: Path, how: str, limits: Limits | None = None, **other: Any
) -> Built:
    stages = [{"name": name} for name in STAGES]
    tree = {
        "logs": ("impressions", "clicks", "ranking_log"),
        "negatives": {"per_positive": 1, "hard": []},
        "positives": {"where": {"scene": ["home"]}},
        "exclusion": {"exposure_lookback_days": 0, "click_lookback_days": 0},
        "popularity": {"window_days": 1},
        "tables": ["cascade_samples"],
        **other,
    }
    tree["funnel"] = {"stages": stages, "cut_known_by": how, **other.get("funnel", {})}
    given: dict[str, Any] = {} if limits is None else {"limits": limits}
    return build_day(config(folder, **tree), spark, **given)


def rungs(of: Built, request: int, **equal: object) -> dict[Any, int]:
    rows = of.rows("cascade_samples", request_id=request, **equal)
    return {row["item_id"]: row["stage_reached"] for row in rows}


@pytest.fixture(scope="module")
def day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(spark, tmp_path_factory.mktemp("cascade"))


class DescribeTheLadder:
    @pytest.mark.parametrize("how", WAYS)
    def it_is_the_same_in_whichever_way_a_cut_is_known(
        self, spark: SparkSession, tmp_path: Path, how: str
    ) -> None:
        found = built(spark, tmp_path, how)
        assert rungs(found, 1) == RUNGS
        assert {row["stop_known"] for row in found.rows("cascade_samples", request_id=1)} == {True}

    def it_takes_requests_with_a_click_and_no_others(self, day: Built) -> None:
        assert {row["request_id"] for row in day.tables["cascade_samples"]} == {1, 3, 4, 5}

    def it_labels_what_was_clicked(self, day: Built) -> None:
        for row in day.tables["cascade_samples"]:
            assert row["label"] == int(row["stage_reached"] == CLICKED)

    def it_tells_scores_and_ranks_in_the_order_of_the_ladder(self, day: Built) -> None:
        first = day.only("cascade_samples", request_id=1, item_id=1)
        assert first["stage_scores"] == [1.0, 1.0, 1.0 - 1 / 64]
        assert first["stage_ranks"] == [1, 1, 2]
        cut = day.only("cascade_samples", request_id=1, item_id=5)
        assert cut["stage_scores"] == [1.0 - 4 / 64, None, None]
        assert cut["stage_ranks"] == [5, None, None]
        assert (first["impression_ts"], cut["impression_ts"]) == (NOON, None)

    def it_has_what_was_shown_without_a_row_of_the_log(self, day: Built) -> None:
        assert rungs(day, 3) == {7: SHOWN, 8: CLICKED}
        shown = day.only("cascade_samples", request_id=3, item_id=7)
        assert (shown["stage_scores"], shown["impression_ts"]) == ([None] * 3, NOON)

    def it_tells_two_requests_of_one_id_apart(self, day: Built) -> None:
        assert rungs(day, 5, user_id=105) == {9: CLICKED, 1: 0}
        assert rungs(day, 5, user_id=205) == {9: CLICKED, 2: 0}

    def it_keeps_a_request_together(self, day: Built) -> None:
        rows = day.rows("cascade_samples", request_id=1)
        assert len({(row["shard"], row["shuffle_key"]) for row in rows}) == 1
        found = day.tables["cascade_samples"]
        side_by_side = [key for key, _ in groupby((r["user_id"], r["request_id"]) for r in found)]
        assert len(side_by_side) == len(set(side_by_side)) == 5


class DescribeWhatIsNotKnown:
    def it_leaves_out_what_was_delivered_and_makes_no_sample(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        found = built(spark, tmp_path)
        assert rungs(found, 4) == {1: CLICKED, 4: 1, 5: 0, 6: 0}

    def it_proves_no_cut_where_the_next_stage_never_ran(self, day: Built) -> None:
        rows = day.rows("cascade_samples", request_id=4)
        assert {row["item_id"]: row["stop_known"] for row in rows} == {
            1: True, 4: False, 5: True, 6: True,
        }  # fmt: skip

    def it_believes_what_a_row_says_of_going_on(self, spark: SparkSession, tmp_path: Path) -> None:
        # 5 went on by one of its two rows, and the log of coarse lost it; of 6 nothing is said.
        more = [of_log(1, 0, 5, 4, True), of_log(3, 0, 6, 0, None)]
        found = built(spark, tmp_path, "passed", more=more)
        rows = {row["item_id"]: row for row in found.rows("cascade_samples", request_id=1)}
        assert (rows[5]["stage_reached"], rows[5]["stop_known"]) == (1, False)
        said = found.only("cascade_samples", request_id=3, item_id=6)
        assert (said["stage_reached"], said["stop_known"]) == (0, False)

    def it_proves_no_cut_for_another_reason(self, spark: SparkSession, tmp_path: Path) -> None:
        more = [of_log(1, 0, 10, 6, cut_reason="out of stock")]
        found = built(spark, tmp_path, more=more, funnel={"cut_reasons": ["score"]})
        known = {r["item_id"]: r["stop_known"] for r in found.rows("cascade_samples", request_id=1)}
        assert known == {**dict.fromkeys(range(1, 7), True), 10: False}


class DescribeAllRequests:
    def it_has_those_without_a_click_as_well(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        found = built(spark, tmp_path, cascade={"requests": "all"})
        assert rungs(found, 2) == {**RUNGS, 1: SHOWN}
        others = {tuple(map(str, row.values())) for row in day.tables["cascade_samples"]}
        rows = {tuple(map(str, row.values())) for row in found.tables["cascade_samples"]}
        assert others < rows

    def it_finds_the_same_in_passes_and_without_copies_to_every_task(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        few = ShuffleLimit(rows_per_partition=5, rows_per_gib=20)
        limits = Limits(broadcast_rows=0, sampled=few, memory_gib=1.0)
        found = built(spark, tmp_path, limits=limits)
        assert sorted(map(str, found.tables["cascade_samples"])) == sorted(
            map(str, day.tables["cascade_samples"])
        )


class DescribeALadderOfSixStages:
    """As RecFlow logs it: recall, pre-rank, coarse rank, rank, re-rank, edge rank."""

    NAMES = ("recall", "prerank", "coarse", "rank", "rerank", "edge")

    def it_needs_nothing_but_the_config(self, spark: SparkSession, tmp_path: Path) -> None:
        day = Logs()
        for stage, name in enumerate(self.NAMES):
            day.rank(1, name, range(1, 13 - 2 * stage), NOON)
        day.show(101, 1, [1, 2], NOON)
        day.click(101, 1, 2, at("12:01"))
        for name in ("impressions", "clicks", "ranking_log"):
            for offset in range(-1, 2):
                day.folder(name, at("00:00", offset).date())
        day.write(tmp_path)
        stages = [{"name": name} for name in self.NAMES]
        found = of_logs(spark, tmp_path, "membership", positives={}, funnel={"stages": stages})
        assert rungs(found, 1) == {
            2: 7, 1: 6, 3: 4, 4: 4, 5: 3, 6: 3, 7: 2, 8: 2, 9: 1, 10: 1, 11: 0, 12: 0,
        }  # fmt: skip
