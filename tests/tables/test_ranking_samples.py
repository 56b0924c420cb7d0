"""What ranking_samples keeps and tells where the config asks for more than labels."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.events.handmade import Built, Logs, at, build_day, config

REQUESTS, PLACES = 60, 8
Key = tuple[Any, ...]


def logs(**columns: Callable[[int, int], object]) -> Logs:
    """Each user sees one request of eight items; every second user clicks the first one."""
    day = Logs()
    for request in range(REQUESTS):
        user, when = 1000 + request, at("12:00")
        for place in range(1, PLACES + 1):
            more: dict[str, Any] = {name: value(request, place) for name, value in columns.items()}
            item = 1 + (request + place) % 20
            day.show(user, request, item, when, position=place, **more)
        if request % 2 == 0:
            day.click(user, request, 1 + (request + 1) % 20, at("12:01"))
    for log in ("impressions", "clicks"):
        for offset in range(-1, 2):
            day.folder(log, at("00:00", offset).date())
    return day


def built(spark: SparkSession, folder: Path, day: Logs, **settings: Any) -> Built:
    day.write(folder)
    tree = {
        "logs": ("impressions", "clicks"),
        "negatives": {"per_positive": 1, "hard": []},
        "exclusion": {"exposure_lookback_days": 0, "click_lookback_days": 0},
        "popularity": {"window_days": 1},
        "tables": ["ranking_samples"],
        **settings,
    }
    return build_day(config(folder, **tree), spark)


def by_key(of: Built, *names: str) -> dict[Key, Key]:
    return {
        (row["request_id"], row["item_id"]): tuple(row[name] for name in names)
        for row in of.tables["ranking_samples"]
    }


@pytest.fixture(scope="module")
def whole(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    asked = {"examination": {"probabilities": [1.0, 0.5, 0.25]}}
    return built(spark, tmp_path_factory.mktemp("whole"), logs(), ranking=asked)


@pytest.fixture(scope="module")
def sampled(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return built(spark, tmp_path_factory.mktemp("sampled"), logs(), ranking={"negative_keep": 0.25})


class DescribeNegativeKeep:
    def it_keeps_every_click_and_a_share_of_the_others(self, whole: Built, sampled: Built) -> None:
        assert len(sampled.rows("ranking_samples", label=1)) == REQUESTS / 2
        assert len(whole.rows("ranking_samples", label=1)) == REQUESTS / 2
        others, kept = (len(of.rows("ranking_samples", label=0)) for of in (whole, sampled))
        assert others == REQUESTS * PLACES - REQUESTS / 2
        # Within four standard deviations of 112.5.
        assert abs(kept - others * 0.25) < 37

    def it_says_how_likely_each_row_was(self, sampled: Built) -> None:
        chances = {(r["label"], r["neg_keep_prob"]) for r in sampled.tables["ranking_samples"]}
        assert chances == {(1, 1.0), (0, 0.25)}

    def it_changes_nothing_else_of_a_row(self, whole: Built, sampled: Built) -> None:
        same = ("user_id", "label", "split", "shard", "shuffle_key", "click_ts", "position")
        all_rows = by_key(whole, *same)
        assert all(all_rows[key] == row for key, row in by_key(sampled, *same).items())

    def it_adds_no_column_unless_asked(self, whole: Built) -> None:
        assert "neg_keep_prob" not in whole.tables["ranking_samples"][0]
        assert "examination_prob" in whole.tables["ranking_samples"][0]

    def it_keeps_only_viewed_rows_of_a_log_that_knows_them(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        day = logs(viewed=lambda request, place: place > 1 and request % 3 == 0)
        found = built(spark, tmp_path, day, ranking={"negative_keep": 0.5})
        assert len(found.rows("ranking_samples", label=1)) == REQUESTS / 2
        kept = found.rows("ranking_samples", label=0)
        assert {row["request_id"] % 3 for row in kept} == {0}
        assert 40 < len(kept) < 100  # of 140


class DescribeExamination:
    def it_is_the_given_one_of_the_position_and_null_beyond(self, whole: Built) -> None:
        found = {(r["position"], r["examination_prob"]) for r in whole.tables["ranking_samples"]}
        beyond = {(place, None) for place in range(4, PLACES + 1)}
        assert found == {(1, 1.0), (2, 0.5), (3, 0.25), *beyond}

    def it_counts_from_0_where_the_log_does_and_knows_no_place_before(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        day = logs()
        for row in day.rows["impressions"]:
            row["position"] = None if row["position"] == PLACES else row["position"] - 1
        table = {"probabilities": [1.0, 0.5], "first_position": 0}
        found = built(spark, tmp_path, day, ranking={"examination": table})
        places = {(r["position"], r["examination_prob"]) for r in found.tables["ranking_samples"]}
        assert places == {
            (0, 1.0), (1, 0.5), (None, None), *((place, None) for place in range(2, PLACES - 1)),
        }  # fmt: skip
