"""Rows of evaluation_samples: what was clicked from a request on, what was seen, what is drawn."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.errors import ConfigError
from winnow.spark.limits import Limits, ShuffleLimit

from tests.events.handmade import MICROSECOND, Built, Id, Logs, at, build_day, config

NOON = at("12:00")
OF_FEW = ("top_user_share", "rejected_share.clicks", "rejected_reason_share.clicks.orphan")
"""Gates that so few clicks, half of them without an impression, do not pass."""


def us(text: str, day: int = 0) -> int:
    return round(at(text, day).timestamp() * 1_000_000)


def logs(*, strings: bool = False) -> Logs:
    def named(number: int) -> Id:
        return f"n{number}" if strings else number

    day = Logs(string_ids=strings)
    for item in range(1, 41):
        day.item(named(item))
    day.item(named(41), at("13:00"))  # new after noon
    day.item(named(42), None, at("12:30"))  # gone after noon
    user, request = named(1), named(7)
    # Seen before: yesterday, this morning, a moment before; and at the moment itself, and later.
    day.show(user, named(90), named(10), at("09:00", -1))
    day.show(user, named(91), named(11), at("10:00"))
    day.click(user, named(91), named(12), at("11:00"))
    day.show(user, named(92), named(13), NOON - MICROSECOND)
    day.show(user, named(93), named(14), NOON)
    # What came before the request is no truth of it, however it was clicked.
    day.show(user, named(94), named(15), at("11:30"))
    day.click(user, named(94), named(15), at("12:10"))
    # The request itself: item 3 was shown twice in it, item 11 seen this morning.
    day.show(user, request, [named(5), named(3), named(11)], NOON)
    day.show(user, request, named(3), at("12:00:30"))
    day.click(user, request, named(3), at("12:01"))
    day.click(user, request, named(3), at("12:02"), "buy")
    day.click(user, request, named(11), at("12:03"))
    # Later ones: item 3 once more, item 20, and item 41, which is not there at noon.
    day.show(user, named(8), [named(20), named(3)], at("13:30"))
    day.click(user, named(8), named(20), at("13:31"))
    day.click(user, named(8), named(3), at("13:32"))
    day.show(user, named(9), named(41), at("18:00"))
    day.click(user, named(9), named(41), at("18:01"))
    # Item 3 is so popular that hardly a positive of it trains.
    for other in range(60, 80):
        day.show(named(other), named(100 + other), named(3), at("10:00", -1))
        day.click(named(other), named(100 + other), named(3), at("10:01", -1))
    # Another user has a request of the same id.
    day.show(named(2), request, named(22), at("15:00"))
    day.click(named(2), request, named(22), at("15:01"))
    for log in ("impressions", "clicks"):
        for offset in range(-3, 3):
            day.folder(log, at("00:00", offset).date())
    return day


SPLIT = {"by": "date", "test_from": "2026-01-10", "gap_days": 1}


def built(
    spark: SparkSession,
    folder: Path,
    limits: Limits | None = None,
    *,
    strings: bool = False,
    made: Logs | None = None,
    **other: Any,
) -> Built:
    (made or logs(strings=strings)).write(folder)
    tree: dict[str, Any] = {
        "logs": ("impressions", "clicks", "items"),
        "negatives": {"per_positive": 3, "hard": []},
        "positives": {"downsampling": {"rule": "cap", "threshold_clicks": 0.01}},
        "exclusion": {"exposure_lookback_days": 2, "click_lookback_days": 2},
        "popularity": {"window_days": 1},
        "split": {**SPLIT, "test_from": str(at("12:00").date())},
        "evaluation": {"negatives": 10},
        "tables": ["training_samples", "evaluation_samples"],
        "gates": {name: {"fail": None} for name in OF_FEW},
        **other,
    }
    if strings:
        tree["ids"] = {"user": "string", "item": "string", "request": "string"}
    given: dict[str, Any] = {} if limits is None else {"limits": limits}
    return build_day(config(folder, **tree), spark, **given)


@pytest.fixture(scope="module")
def day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(spark, tmp_path_factory.mktemp("evaluation"))


class DescribeARow:
    def it_stands_for_each_request_with_a_positive(self, day: Built) -> None:
        rows = day.tables["evaluation_samples"]
        found = sorted((row["user_id"], row["request_id"]) for row in rows)
        assert found == [(1, 7), (1, 8), (1, 9), (1, 94), (2, 7)]
        assert {row["split"] for row in rows} == {"test"}

    def it_is_not_thinned(self, day: Built) -> None:
        """Though what trains is: item 3 is hot."""
        assert 3 not in [row["item_id"] for row in day.tables["training_samples"]]
        positives = [item for row in day.tables["evaluation_samples"] for item in own(row)]
        assert sorted(positives) == [3, 3, 11, 15, 20, 22, 41]

    def it_is_of_the_moment_of_the_first_impression(self, day: Built) -> None:
        assert day.only("evaluation_samples", user_id=1, request_id=7)["request_ts"] == NOON
        assert day.only("evaluation_samples", user_id=2)["request_ts"] == at("15:00")


def own(row: dict[str, Any]) -> list[Id]:
    items = zip(row["pos_item_ids"], row["pos_of_request"], strict=True)
    return [item for item, is_own in items if is_own]


class DescribeThePositives:
    def it_has_what_was_clicked_from_the_request_on_each_item_once(self, day: Built) -> None:
        row = day.only("evaluation_samples", user_id=1, request_id=7)
        assert row["pos_item_ids"] == [3, 11, 20, 41]
        assert row["pos_of_request"] == [True, True, False, False]
        assert row["pos_shown_us"] == [us("12:00"), us("12:00"), us("13:30"), us("18:00")]
        assert row["pos_click_us"] == [us("12:01"), us("12:03"), us("13:31"), us("18:01")]
        assert row["pos_actions"] == ["buy", "click", "click", "click"]

    def it_has_nothing_of_before_the_request(self, day: Built) -> None:
        row = day.only("evaluation_samples", user_id=1, request_id=8)
        assert row["pos_item_ids"] == [3, 20, 41]
        assert row["pos_of_request"] == [True, True, False]

    def it_says_what_could_not_be_returned(self, day: Built) -> None:
        row = day.only("evaluation_samples", user_id=1, request_id=7)
        assert row["pos_in_catalogue"] == [True, True, True, False]
        assert row["pos_seen"] == [False, True, False, False]
        later = day.only("evaluation_samples", user_id=1, request_id=8)
        assert later["pos_in_catalogue"] == [True, True, True]
        assert later["pos_seen"] == [True, False, False]

    def it_reaches_as_far_as_asked_for(self, spark: SparkSession, tmp_path: Path) -> None:
        asked = {"negatives": 10, "horizon_hours": 2}
        found = built(spark, tmp_path, evaluation=asked)
        assert found.only("evaluation_samples", user_id=1, request_id=7)["pos_item_ids"] == [
            3, 11, 20,
        ]  # fmt: skip
        assert found.only("evaluation_samples", user_id=1, request_id=94)["pos_item_ids"] == [
            15, 3, 11,
        ]  # fmt: skip


class DescribeWhatWasSeen:
    def it_is_what_was_met_strictly_before_the_latest_first(self, day: Built) -> None:
        row = day.only("evaluation_samples", user_id=1, request_id=7)
        assert row["seen_item_ids"] == [13, 15, 12, 11, 10]
        assert row["seen_truncated"] is False
        assert day.only("evaluation_samples", user_id=2)["seen_item_ids"] == []

    def it_has_an_end(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, evaluation={"seen_at_most": 2, "requests_per_user": 10})
        row = found.only("evaluation_samples", user_id=1, request_id=7)
        assert (row["seen_item_ids"], row["seen_truncated"]) == ([13, 15], True)
        assert found.only("evaluation_samples", user_id=2)["seen_truncated"] is False


class DescribeTheNegatives:
    def it_draws_from_what_was_there_and_never_met(self, day: Built) -> None:
        row = day.only("evaluation_samples", user_id=1, request_id=7)
        # Of 42 items one is not there yet. Met, before or later: 3, 5, 10 to 15, 20, and 41.
        assert (row["catalogue_items"], row["candidate_items"]) == (41, 32)
        assert len(set(row["neg_item_ids"])) == 10
        assert not set(row["neg_item_ids"]) & {3, 5, 10, 11, 12, 13, 14, 15, 20, 41}
        assert row["neg_incl_prob"] == 10 / 32

    def it_knows_what_is_gone(self, day: Built) -> None:
        row = day.only("evaluation_samples", user_id=2)
        assert (row["catalogue_items"], row["candidate_items"]) == (41, 40)
        assert 42 not in row["neg_item_ids"]

    def it_takes_the_whole_pool_where_that_is_small(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        found = built(spark, tmp_path, evaluation={"negatives": 100})
        row = found.only("evaluation_samples", user_id=1, request_id=7)
        met = {3, 5, 10, 11, 12, 13, 14, 15, 20, 41}
        assert sorted(row["neg_item_ids"]) == sorted({*range(1, 43)} - met)
        assert row["neg_incl_prob"] == 1.0

    def it_draws_the_same_in_every_epoch(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        found = built(spark, tmp_path, epoch=5)
        assert as_text(found) == as_text(day)
        assert found.tables["training_samples"] != day.tables["training_samples"]


class DescribeWhatIsHeldOut:
    def it_is_nothing_of_train_and_of_the_gap(self, spark: SparkSession, tmp_path: Path) -> None:
        split = {"by": "date", "test_from": str(at("00:00", 1).date()), "gap_days": 1}
        found = built(spark, tmp_path, split=split)
        assert found.tables["evaluation_samples"] == []
        assert {row["split"] for row in found.tables["training_samples"]} == {"gap"}

    def it_is_as_many_requests_of_a_user_as_asked_for(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        found = built(spark, tmp_path, evaluation={"negatives": 10, "requests_per_user": 1})
        rows = found.tables["evaluation_samples"]
        said = [(row["user_id"], row["user_requests"], row["requests_truncated"]) for row in rows]
        n_of_first = len(day.rows("evaluation_samples", user_id=1))
        assert n_of_first > 1
        assert sorted(said) == [(1, n_of_first, True), (2, 1, False)]
        assert {row["requests_truncated"] for row in day.tables["evaluation_samples"]} == {False}
        # What stays is as it was, with what other requests made true of it.
        as_it_was = [{**row, "requests_truncated": False} for row in rows]
        assert set(map(str, as_it_was)) < set(as_text(day))

    def it_is_a_share_of_the_users(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, evaluation={"user_share": 0.5}, seed=SEED_OF_ONE)
        assert {row["user_id"] for row in found.tables["evaluation_samples"]} == {2}


SEED_OF_ONE = 1
"""With this one the hash of one of both users lies below a half."""


def as_text(built: Built) -> list[str]:
    return sorted(map(str, built.tables["evaluation_samples"]))


class DescribeHowItIsComputed:
    def it_does_not_change_with_passes(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        few = Limits(sampled=ShuffleLimit(4, 10), memory_gib=1.0)
        assert as_text(built(spark, tmp_path, few)) == as_text(day)

    def it_is_made_for_ids_that_are_text(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        found = built(spark, tmp_path, strings=True)
        for row in day.tables["evaluation_samples"]:
            of_row = {"user_id": f"n{row['user_id']}", "request_id": f"n{row['request_id']}"}
            text = found.only("evaluation_samples", **of_row)
            # Of one moment ids are in their own order, of which n20 is before n3.
            assert sorted(text["pos_item_ids"]) == sorted(f"n{i}" for i in row["pos_item_ids"])
            for name in ("pos_shown_us", "pos_of_request", "catalogue_items", "candidate_items"):
                assert text[name] == row[name]
            assert sorted(text["seen_item_ids"]) == sorted(f"n{i}" for i in row["seen_item_ids"])
            assert len(set(text["neg_item_ids"])) == 10
            assert all(item.startswith("n") for item in text["neg_item_ids"])

    def it_is_refused_for_a_catalogue_that_no_task_holds(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError, match="found 42 items, expected 41 at most"):
            built(spark, tmp_path, Limits(evaluated_items=41))

    def it_is_there_only_where_asked_for(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, tables=["training_samples"], split={})
        assert "evaluation_samples" not in found.tables
