"""What makes items popular besides clicks: whole builds, which the audit counts again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed
from winnow.spark.limits import DEFAULT_LIMITS

from tests.events.handmade import DAY, Built, Logs, at, build_day, config


def logs() -> Logs:
    day = Logs()
    for item in range(1, 6):
        day.item(item)
    # 1: shown three times, once of them logged twice; one user clicks it twice, another once.
    for user, request, days in ((1, 11, -1), (1, 12, -2), (2, 13, -3)):
        day.show(user, request, [1], at("10:00", days), scene="home")
        day.click(user, request, 1, at("10:01", days))
    day.show(1, 11, [1], at("10:30", -1), scene="home")
    day.click(1, 11, 1, at("10:02", -1), "cart")
    # 2: shown elsewhere, bought without an impression.
    day.show(3, 21, [2], at("09:00", -1), scene="search")
    day.click(3, 99, 2, at("09:01", -1), "buy")
    # 3: shown and clicked before the window.
    day.show(3, 31, [3], at("10:00", -4), scene="home")
    day.click(3, 31, 3, at("10:01", -4))
    # The date: a positive before and one after six.
    day.show(5, 51, [4, 1], at("05:00"), scene="home")
    day.click(5, 51, 4, at("05:59"))
    day.show(6, 61, [5, 1], at("06:00"), scene="home")
    day.click(6, 61, 5, at("06:01"))
    for log in ("impressions", "clicks"):
        for offset in range(-5, 2):
            day.folder(log, at("00:00", offset).date())
    return day


def settings(base: Path, **popularity: Any) -> Config:
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        negatives={"hard": [], "per_positive": 3},
        exclusion={"exposure_lookback_days": 0, "click_lookback_days": 0},
        popularity={"window_days": 3, **popularity},
        positives={
            "downsampling": {"rule": "cap", "threshold_quantile": 0.5},
            "weights": {"cart": 2.0, "buy": 5.0},
            "where": {"scene": ["home"]},
        },
    )


def popularity(built: Built) -> dict[Any, float]:
    return {row["item_id"]: row["popularity"] for row in built.rows("item_stats")}


CASES: dict[str, tuple[dict[str, Any], dict[int, float]]] = {
    "impressions": ({"of": "impressions"}, {1: 3.0, 2: 1.0}),
    "chosen impressions": ({"of": "impressions", "clicks": "chosen"}, {1: 3.0}),
    "impressions that fade": ({"of": "impressions", "half_life_days": 1.0}, {1: 1.75, 2: 1.0}),
    "users": ({"of": "users"}, {1: 2.0, 2: 1.0}),
    "users of impressions": ({"of": "users", "clicks": "attributed"}, {1: 2.0}),
    "users that fade": ({"of": "users", "half_life_days": 1.0}, {1: 1.25, 2: 1.0}),
    "actions": ({"of": "actions"}, {1: 5.0, 2: 5.0}),
    "attributed actions": ({"of": "actions", "clicks": "chosen"}, {1: 5.0}),
    "clicks that fade": ({"half_life_days": 2.0}, {1: 2 + 45 / 64 + 1 / 2, 2: 1.0}),
    "until six": (
        {"half_life_days": 1.0, "until": "06:00"},
        {1: 1.0 + 0.25 + 0.125, 2: 0.5, 4: 1.0},
    ),
}


ALWAYS = ("impressions that fade", "users of impressions", "attributed actions", "until six")
"""The others are proofs: they ask for parts of these."""


class DescribeWhatMakesPopular:
    @pytest.mark.parametrize(
        "name",
        [pytest.param(n, marks=[] if n in ALWAYS else [pytest.mark.proof]) for n in CASES],
    )
    def it_is_counted_and_the_audit_counts_the_same(
        self, spark: SparkSession, tmp_path: Path, name: str
    ) -> None:
        logs().write(tmp_path)
        chosen, wanted = CASES[name]
        built = build_day(settings(tmp_path, **chosen), spark)
        assert popularity(built) == dict.fromkeys(range(1, 6), 0.0) | wanted
        assert "item_popularity_differs" in built.release.quality_json

    @pytest.mark.both_engines
    def it_is_the_same_on_every_engine(self, spark: SparkSession, tmp_path: Path) -> None:
        logs().write(tmp_path)
        for number, name in enumerate(("impressions that fade", "attributed actions", "users")):
            chosen, wanted = CASES[name]
            made = settings(tmp_path, **chosen)
            made = made.model_copy(update={"warehouse": str(tmp_path / str(number))})
            # All but the first as if these were more items than a driver should know much of.
            vast = replace(DEFAULT_LIMITS, audited_items=0)
            limits = DEFAULT_LIMITS if number == 0 else vast
            found = popularity(build_day(made, spark, limits=limits))
            assert found == dict.fromkeys(range(1, 6), 0.0) | wanted, name

    def it_decides_weights_and_what_is_thinned(self, spark: SparkSession, tmp_path: Path) -> None:
        logs().write(tmp_path)
        built = build_day(settings(tmp_path, of="actions"), spark)
        weights = {row["item_id"]: row["weight"] for row in built.rows("item_stats")}
        assert weights[1] == weights[2] > weights[3] == weights[4]
        # Clicks stay clicks.
        clicks = {row["item_id"]: row["clicks"] for row in built.rows("item_stats")}
        assert clicks == {1: 4, 2: 1, 3: 0, 4: 0, 5: 0}


class DescribePopularityUntilAnHour:
    @pytest.mark.both_engines
    def it_lets_positives_begin_there(self, spark: SparkSession, tmp_path: Path) -> None:
        logs().write(tmp_path)
        built = build_day(settings(tmp_path, until="06:00"), spark)
        assert [row["item_id"] for row in built.rows("positives")] == [5]
        clicks = {row["item_id"]: row["clicks"] for row in built.rows("item_stats")}
        assert clicks == {1: 4, 2: 1, 3: 0, 4: 1, 5: 0}
        # What is ranked needs no popularity.
        assert len(built.rows("ranking_samples")) == 4
        assert "positives_before_popularity" in built.release.quality_json

    def it_follows_the_clock_of_the_calendar_zone(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs().write(tmp_path)
        made = settings(tmp_path, until="07:00", half_life_days=1.0)
        made = made.model_copy(update={"calendar_zone": "Europe/Berlin"})
        built = build_day(made, spark)
        assert [row["item_id"] for row in built.rows("positives")] == [5]
        assert popularity(built)[4] == 1.0


class DescribeTheDatesThatAreNeeded:
    def it_is_the_window_of_what_counts(self) -> None:
        first = {
            of: dates_needed(settings(Path("x"), of=of), DAY).dates["impressions"].first
            for of in ("clicks", "impressions")
        }
        assert first == {
            "clicks": at("00:00", -1).date(),
            "impressions": at("00:00", -3).date(),
        }
