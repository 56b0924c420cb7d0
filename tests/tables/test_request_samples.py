"""Rows of request_samples: what the user did before, what was shown, and what was sampled."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.spark.limits import Limits, ShuffleLimit

from tests.events.handmade import MICROSECOND, Built, Id, Logs, at, build_day, config

NOON = at("12:00")
KEY = ("user_id", "request_id")
OF_FEW = ("top_user_share", "rejected_share.clicks", "rejected_reason_share.clicks.orphan")
"""Gates that so few clicks, half of them without an impression, do not pass."""


def logs(*, strings: bool = False) -> Logs:
    def named(number: int) -> Id:
        return f"n{number}" if strings else number

    day = Logs(string_ids=strings)
    for item in range(1, 40):
        day.item(named(item))
    user, request = named(1), named(7)
    # The past of user 1: two dates ago, one date ago, this morning, and at the very moment.
    day.click(user, named(91), named(11), at("09:00", -3))
    day.click(user, named(92), named(12), at("09:00", -2), "buy")
    day.click(user, named(93), named(13), at("09:00", -1))
    day.click(user, named(93), named(13), at("09:00", -1))  # logged twice
    day.click(user, named(94), named(15), at("11:00"), "buy")
    day.click(user, named(94), named(14), at("11:00"))
    day.click(user, named(94), named(16), NOON - MICROSECOND)
    day.click(user, named(94), named(17), NOON)
    day.click(user, named(94), named(18), at("12:00:01"))
    # Somebody else's past is not theirs.
    day.click(named(2), named(95), named(19), at("10:00"))
    # The page: its first impression is of another scene; two are of one place.
    day.show(user, request, named(5), NOON, position=9, scene="mail")
    day.show(user, request, named(4), at("12:00:02"), position=2, scene="home")
    day.show(user, request, named(3), at("12:00:02"), position=1, scene="home")
    day.show(user, request, named(6), at("12:00:03"), position=3, scene="home")
    day.click(user, request, named(4), at("12:01"), stay=4.0)
    day.click(user, request, named(4), at("12:02"), "buy", stay=6.0)
    day.click(user, request, named(3), at("12:03"))
    # The next request of the user, and a request without a click.
    day.show(user, named(8), named(20), at("13:00"), scene="home")
    day.click(user, named(8), named(20), at("13:01"))
    day.show(user, named(9), named(21), at("14:00"), scene="home")
    # Another user has a request of the same id.
    day.show(named(2), request, named(22), at("15:00"), scene="home")
    day.click(named(2), request, named(22), at("15:01"))
    for log in ("impressions", "clicks"):
        for offset in range(-3, 2):
            day.folder(log, at("00:00", offset).date())
    for row in day.rows["clicks"]:
        row.setdefault("stay", None)
    return day


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
        "positives": {
            "where": {"scene": ["home"]},
            "values": {"stay": "sum"},
            "downsampling": {"rule": "none"},
        },
        "exclusion": {"exposure_lookback_days": 0, "click_lookback_days": 2},
        "popularity": {"window_days": 1},
        "tables": ["training_samples", "request_samples"],
        "gates": {name: {"fail": None} for name in OF_FEW},
        **other,
    }
    if strings:
        tree["ids"] = {"user": "string", "item": "string", "request": "string"}
    given: dict[str, Any] = {} if limits is None else {"limits": limits}
    return build_day(config(folder, **tree), spark, **given)


@pytest.fixture(scope="module")
def day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(spark, tmp_path_factory.mktemp("requests"))


class DescribeARow:
    def it_stands_for_each_request_with_a_positive(self, day: Built) -> None:
        found = sorted((row["user_id"], row["request_id"]) for row in day.tables["request_samples"])
        assert found == [(1, 7), (1, 8), (2, 7)]

    def it_is_of_the_time_of_the_first_impression_whatever_its_scene(self, day: Built) -> None:
        assert day.only("request_samples", user_id=1, request_id=7)["request_ts"] == NOON
        assert day.only("request_samples", user_id=2)["request_ts"] == at("15:00")

    def it_is_split_as_the_samples_are(self, day: Built) -> None:
        splits = {row["user_id"]: row["split"] for row in day.tables["training_samples"]}
        for row in day.tables["request_samples"]:
            assert (row["split"], row["mature"]) == (splits[row["user_id"]], True)


class DescribeTheHistory:
    def it_is_what_came_before_the_request_the_latest_last(self, day: Built) -> None:
        row = day.only("request_samples", user_id=1, request_id=7)
        assert row["hist_item_ids"] == [12, 13, 14, 15, 16]
        assert row["hist_actions"] == ["buy", "click", "click", "buy", "click"]
        assert row["hist_us"][-1] == int(NOON.timestamp()) * 1_000_000 - 1
        assert row["hist_left_out"] == 0

    def it_has_what_was_clicked_in_the_request_before(self, day: Built) -> None:
        row = day.only("request_samples", user_id=1, request_id=8)
        assert row["hist_item_ids"] == [12, 13, 14, 15, 16, 17, 18, 4, 4, 3]

    def it_is_the_users_own(self, day: Built) -> None:
        assert day.only("request_samples", user_id=2)["hist_item_ids"] == [19]

    def it_keeps_the_latest_where_there_are_too_many(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        found = built(spark, tmp_path, requests={"history_length": 2})
        row = found.only("request_samples", user_id=1, request_id=7)
        assert (row["hist_item_ids"], row["hist_left_out"]) == ([15, 16], 3)
        assert found.only("request_samples", user_id=2)["hist_left_out"] == 0

    def it_is_of_as_many_dates_as_asked_for(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, requests={"history_days": 0})
        row = found.only("request_samples", user_id=1, request_id=7)
        assert (row["hist_item_ids"], row["hist_left_out"]) == ([14, 15, 16], 0)

    def it_may_be_left_out(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, requests={"history_length": 0})
        row = found.only("request_samples", user_id=1, request_id=7)
        assert (row["hist_item_ids"], row["hist_actions"], row["hist_us"]) == ([], [], [])
        assert row["hist_left_out"] == 5


class DescribeThePage:
    def it_is_what_may_be_positives_in_the_order_of_places(self, day: Built) -> None:
        row = day.only("request_samples", user_id=1, request_id=7)
        assert row["page_item_ids"] == [3, 4, 6]
        assert row["page_positions"] == [1, 2, 3]
        assert row["page_actions"] == ["click", "buy", None]
        assert row["page_stay"] == [None, 10.0, None]

    def it_is_what_was_viewed_or_clicked_each_once(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        """And a row that nobody viewed may still be the first of the request."""
        made = logs()
        shown = made.rows["impressions"]
        for row in shown:
            row["viewed"] = row["item_id"] not in (4, 6, 21)
        made.show(1, 7, 23, NOON - MICROSECOND, position=8, scene="home", viewed=False)
        shown += [dict(row) for row in shown if row["item_id"] == 3]
        found = built(spark, tmp_path, made=made)
        row = found.only("request_samples", user_id=1, request_id=7)
        assert row["page_item_ids"] == [3, 4]
        assert row["request_ts"] == NOON - MICROSECOND
        assert row["hist_item_ids"] == [12, 13, 14, 15]

    def it_is_of_its_own_user(self, day: Built) -> None:
        assert day.only("request_samples", user_id=2)["page_item_ids"] == [22]


class DescribeWhatWasSampled:
    def it_is_that_of_training_samples(self, day: Built) -> None:
        for row in day.tables["request_samples"]:
            own = {name: row[name] for name in KEY}
            samples = sorted(day.rows("training_samples", **own), key=lambda one: one["item_id"])
            assert row["pos_item_ids"] == [one["item_id"] for one in samples]
            assert row["pos_n_negatives"] == [len(one["neg_item_ids"]) for one in samples]
            for name in ("neg_item_ids", "neg_source", "neg_log_q", "neg_incl_prob"):
                assert row[name] == [value for one in samples for value in one[name]]

    def it_is_never_what_the_page_shows(self, day: Built) -> None:
        for row in day.tables["request_samples"]:
            assert not set(row["neg_item_ids"]) & set(row["page_item_ids"])


class DescribeHowItIsComputed:
    def it_does_not_change_with_passes(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        few = Limits(sampled=ShuffleLimit(4, 10), memory_gib=1.0)
        found = built(spark, tmp_path, few)
        assert sorted(map(str, found.tables["request_samples"])) == sorted(
            map(str, day.tables["request_samples"])
        )

    def it_is_the_same_for_ids_that_are_text(
        self, spark: SparkSession, tmp_path: Path, day: Built
    ) -> None:
        found = built(spark, tmp_path, strings=True)
        for row in day.tables["request_samples"]:
            own = {"user_id": f"n{row['user_id']}", "request_id": f"n{row['request_id']}"}
            text = found.only("request_samples", **own)
            for name in ("hist_item_ids", "page_item_ids", "pos_item_ids"):
                assert text[name] == [f"n{item}" for item in row[name]]
            for name in ("hist_us", "hist_actions", "page_positions", "pos_click_us"):
                assert text[name] == row[name]

    def it_is_there_only_where_asked_for(self, spark: SparkSession, tmp_path: Path) -> None:
        found = built(spark, tmp_path, tables=["training_samples"])
        assert "request_samples" not in found.tables


class DescribeARequestThatSpansMidnight:
    @staticmethod
    def built_of(spark: SparkSession, folder: Path, made: Logs, join: str) -> Built:
        for item in range(1, 20):
            made.item(item)
        # So that the date has more than these few.
        for user in range(50, 60):
            made.show(user, user, [1, 2], at("15:00"))
            made.click(user, user, 1, at("15:01"))
        for log in ("impressions", "clicks"):
            for offset in range(-3, 2):
                made.folder(log, at("00:00", offset).date())
        positives: dict[str, Any] = {"downsampling": {"rule": "none"}}
        attribution = {"join": join, "window_hours": 24}
        return built(spark, folder, made=made, positives=positives, attribution=attribution)

    def it_has_the_clicks_of_its_own_date(self, spark: SparkSession, tmp_path: Path) -> None:
        made = Logs()
        made.show(1, 7, 4, at("23:50", -1))
        made.show(1, 7, [4, 5], at("00:10"))
        made.click(1, 7, 4, at("00:05"))
        made.click(1, 7, 5, at("00:11"))
        day = self.built_of(spark, tmp_path, made, "request_item")
        row = day.only("request_samples", user_id=1)
        clicked = dict(zip(row["page_item_ids"], row["page_actions"], strict=True))
        assert clicked == {4: None, 5: "click"}

    def it_leaves_the_next_date_its_own(self, spark: SparkSession, tmp_path: Path) -> None:
        made = Logs()
        made.show(1, 7, [4, 5], at("23:50"))
        made.show(1, 7, 4, at("00:10", 1))
        made.click(1, 7, 5, at("23:55"))
        made.click(1, 7, 4, at("00:12", 1))
        day = self.built_of(spark, tmp_path, made, "last_impression")
        row = day.only("request_samples", user_id=1)
        clicked = dict(zip(row["page_item_ids"], row["page_actions"], strict=True))
        assert clicked == {4: None, 5: "click"}
