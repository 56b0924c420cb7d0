"""A first day in Tokyo: folders by UTC date, no history, and tomorrow's clicks are not there."""

from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed, missing_later_dates
from winnow.errors import InputError

from tests.events.handmade import DAY, MICROSECOND, Built, Logs, at, build_day, config

START, END = at("15:00", -1), at("15:00")
"""The date in Tokyo, in UTC."""


def logs() -> Logs:
    day = Logs()
    for log in ("impressions", "clicks"):
        day.folder(log, DAY)
    for item in range(1, 9):
        day.item(item)

    def seen(user: int, when: datetime, name: str) -> None:
        day.show(user, user, 1, when, impression=name)
        day.click(user, user, 1, when, impression=name)

    # 1: shown just before the date and clicked in it, so that no click lies before the date.
    day.show(1, 1, 1, START - MICROSECOND, impression="just before")
    day.click(1, 1, 1, START, impression="just before")
    seen(2, START, "first")
    seen(3, END - MICROSECOND, "last")
    seen(4, END, "just after")
    # 5: a click that names the impression of another request.
    day.show(5, 50, 2, START, impression="named")
    day.show(5, 51, 3, START, impression="other")
    day.click(5, 51, 3, START, impression="named")
    # 6: an ordinary request.
    day.show(6, 60, 2, START, impression="six")
    day.click(6, 60, 2, START, impression="six")
    return day


def settings(base: Path, zone: str = "Asia/Tokyo") -> Config:
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        folder_zone="UTC",
        calendar_zone=zone,
        attribution={"join": "impression_id"},
        negatives={"per_positive": 3, "hard": []},
        exclusion={"exposure_lookback_days": 0, "click_lookback_days": 0},
        split={"by": "date", "valid_from": "2026-01-10", "test_from": "2026-01-11"},
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokyo")
    logs().write(folder)
    return folder


@pytest.fixture(scope="module")
def tokyo(spark: SparkSession, base: Path) -> Built:
    return build_day(settings(base), spark, immature=True)


class DescribeTheCalendarZone:
    def it_begins_and_ends_the_date(self, tokyo: Built) -> None:
        assert {r["user_id"]: r["impression_ts"] for r in tokyo.tables["positives"]} == {
            2: START,
            3: END - MICROSECOND,
            6: START,
        }

    def it_names_the_partition_by_the_date_there(self, tokyo: Built) -> None:
        for rows in tokyo.tables.values():
            assert {row["ds"] for row in rows} <= {DAY}

    def it_counts_rows_of_the_same_folders_but_other_dates(self, tokyo: Built) -> None:
        assert tokyo.summary.logs["impressions"].other_date == 2

    def it_splits_by_the_date_there(self, tokyo: Built) -> None:
        assert {row["split"] for row in tokyo.tables["training_samples"]} == {"valid"}


class DescribeJoinByImpressionId:
    def it_makes_no_positive_where_click_and_impression_name_different_items(
        self, tokyo: Built
    ) -> None:
        assert not tokyo.rows("positives", user_id=5)
        (orphan,) = [r for r in tokyo.tables["rejected"] if r["log"] == "clicks"]
        assert orphan["reasons"][0].startswith("orphan:")


class DescribeAFirstDay:
    def it_weighs_all_items_alike(self, tokyo: Built) -> None:
        stats = tokyo.tables["item_stats"]
        assert [row["clicks"] for row in stats] == [0] * 8
        assert {row["q"] for row in stats} == {1 / 8}

    def it_keeps_every_positive(self, tokyo: Built) -> None:
        assert {row["keep_prob"] for row in tokyo.tables["positives"]} == {1.0}
        assert {row["undo_weight"] for row in tokyo.tables["positives"]} == {1.0}

    def it_warns_that_history_is_short(self, tokyo: Built) -> None:
        told = [one for one in tokyo.summary.warnings if one.startswith("history_share: ")]
        assert told == [
            "history_share: dates of the popularity window that the click log has: "
            "0.0333333 share, wanted at least 1"
        ]

    def it_fails_where_the_config_wants_all_of_it(self, spark: SparkSession, base: Path) -> None:
        strict = settings(base).model_copy(
            update={
                "popularity": settings(base).popularity.model_copy(
                    update={"on_short_history": "fail"}
                )
            }
        )
        with pytest.raises(InputError, match="do not reach back"):
            build_day(strict, spark, immature=True)


class DescribeMissingClicks:
    def it_refuses_to_build_and_names_the_folder(self, spark: SparkSession, base: Path) -> None:
        with pytest.raises(InputError) as caught:
            build_day(settings(base), spark)
        assert "no folder for 2026-01-11" in str(caught.value)
        assert "--immature" in str(caught.value)

    def it_marks_every_row_where_that_is_accepted(self, tokyo: Built) -> None:
        for table in ("positives", "training_samples", "ranking_samples"):
            assert {row["mature"] for row in tokyo.tables[table]} == {False}

    def it_asks_for_every_folder_that_can_hold_them(self, base: Path) -> None:
        # The next date ends at 08:00 UTC of the one after it in Los Angeles.
        config_ = settings(base, "America/Los_Angeles")
        needs = dates_needed(config_, DAY)
        there = type("Log", (), {"dates": tuple(at("00:00", n).date() for n in (0, 1))})
        logs_ = {"impressions": there, "clicks": there}
        (problem,) = missing_later_dates(logs_, needs)  # type: ignore[arg-type]
        assert problem.found == "no folder for 2026-01-12"
