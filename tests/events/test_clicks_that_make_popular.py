"""Which clicks make an item popular: all valid ones, attributed ones, or those on chosen scenes."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed

from tests.events.handmade import DAY, Logs, at, build_day, config


def history() -> Logs:
    """A popularity window of two dates, and what was clicked in it."""
    day = Logs()
    for item in range(1, 8):
        day.item(item)
    # 1: two clicks with an impression at home, one of them logged twice; an orphan.
    for user in (1, 2):
        day.show(user, 10 + user, 1, at("10:00", -1), scene="home")
        day.click(user, 10 + user, 1, at("10:01", -1))
    day.click(2, 12, 1, at("10:01", -1))
    day.click(3, 999, 1, at("11:00", -1))
    # 2: a click with an impression elsewhere.
    day.show(1, 21, 2, at("12:00", -2), scene="search")
    day.click(1, 21, 2, at("12:01", -2))
    # 3: the first moment of the window, of an impression before it. 4: just before the window.
    day.show(1, 31, 3, at("23:00", -3), scene="home")
    day.click(1, 31, 3, at("00:00", -2))
    day.show(1, 41, 4, at("22:00", -3), scene="home")
    day.click(1, 41, 4, at("23:59", -3))
    # 5: an orphan alone. 6: one impression logged twice, clicked once.
    day.click(4, 998, 5, at("09:00", -2))
    day.show(5, 61, 6, at("08:00", -1), scene="home")
    day.show(5, 61, 6, at("08:01", -1), scene="home")
    day.click(5, 61, 6, at("08:02", -1))
    # The date itself, whose clicks do not count.
    day.show(6, 71, 7, at("10:00"), scene="home")
    day.click(6, 71, 7, at("10:01"))
    for log in ("impressions", "clicks"):
        for offset in range(-4, 2):
            day.folder(log, at("00:00", offset).date())
    return day


def settings(base: Path, clicks: str, **given: object) -> Config:
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        negatives={"hard": [], "per_positive": 3},
        exclusion={"exposure_lookback_days": 1, "click_lookback_days": 1},
        popularity={"window_days": 2, "clicks": clicks},
        positives={"downsampling": {"rule": "none"}, "where": {"scene": ["home"]}},
        **given,
    )


class DescribePopularityClicks:
    @pytest.mark.parametrize(
        ("clicks", "join", "wanted"),
        [
            ("all", "request_item", {1: 3, 2: 1, 3: 1, 4: 0, 5: 1, 6: 1, 7: 0}),
            pytest.param(
                *("attributed", "request_item", {1: 2, 2: 1, 3: 1, 4: 0, 5: 0, 6: 1, 7: 0}),
                marks=pytest.mark.proof,
            ),
            ("attributed", "last_impression", {1: 2, 2: 1, 3: 1, 4: 0, 5: 0, 6: 1, 7: 0}),
            pytest.param(
                *("chosen", "request_item", {1: 2, 2: 0, 3: 1, 4: 0, 5: 0, 6: 1, 7: 0}),
                marks=pytest.mark.both_engines,
            ),
        ],
    )
    def it_counts_them_and_the_audit_counts_the_same(
        self, spark: SparkSession, tmp_path: Path, clicks: str, join: str, wanted: dict[int, int]
    ) -> None:
        history().write(tmp_path)
        built = build_day(settings(tmp_path, clicks, attribution={"join": join}), spark)
        assert {r["item_id"]: r["clicks"] for r in built.tables["item_stats"]} == wanted

    def it_needs_the_impressions_of_the_window_only_where_it_joins_them(self) -> None:
        first = {
            clicks: dates_needed(settings(Path("x"), clicks), DAY).dates["impressions"].first
            for clicks in ("all", "attributed", "chosen")
        }
        before = at("00:00", -3).date()
        assert first == {"all": at("00:00", -1).date(), "attributed": before, "chosen": before}
