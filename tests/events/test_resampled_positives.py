"""Positives that a cap per user drops: whole builds, with their probability in every table."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession
from winnow.config.tree import Config

from tests.events.handmade import Built, Logs, at, build_day, config

pytestmark = pytest.mark.both_engines

CAP = 4


def busy() -> Logs:
    """User 1 clicks ten items of the date and one of the day before, user 2 two."""
    day = Logs()
    for item in range(1, 40):
        day.item(item)
    day.show(1, 90, 30, at("12:00", -1))
    day.click(1, 90, 30, at("12:01", -1))
    for item in range(1, 11):
        day.show(1, 100 + item, item, at("12:00"))
        day.click(1, 100 + item, item, at("12:05"))
    for item in (1, 2):
        day.show(2, 200 + item, item, at("13:00"))
        day.click(2, 200 + item, item, at("13:05"))
    return day


def settings(base: Path, **positives: Any) -> Config:
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        tables=[
            "positives",
            "easy_negatives",
            "training_samples",
            "training_samples_pointwise",
            "ranking_samples",
        ],
        positives={"downsampling": {"rule": "none"}, **positives},
        popularity={"window_days": 1},
        negatives={"hard": [], "per_positive": 2},
        gates={"item_drift": {"warn": None}},
    )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("busy")
    busy().write(base)
    return base


@pytest.fixture(scope="module")
def capped(spark: SparkSession, logs: Path) -> Built:
    return build_day(settings(logs, per_user_cap=CAP), spark, immature=True)


class DescribeACapPerUser:
    @pytest.mark.parametrize("table", ["positives", "training_samples"])
    def it_keeps_so_many_of_a_user_and_says_how_likely_that_was(
        self, capped: Built, table: str
    ) -> None:
        rows = capped.rows(table, user_id=1)
        assert sorted(row["user_rank_in_cap"] for row in rows) == [1, 2, 3, 4]
        assert {(row["cap_prob"], row["undo_weight"]) for row in rows} == {(0.4, 2.5)}

    def it_leaves_users_alone_who_have_fewer(self, capped: Built) -> None:
        rows = capped.rows("positives", user_id=2)
        assert [(row["cap_prob"], row["undo_weight"]) for row in rows] == [(1.0, 1.0)] * 2

    def it_tells_the_long_form_and_draws_for_what_stays_only(self, capped: Built) -> None:
        assert {
            row["cap_prob"] for row in capped.rows("training_samples_pointwise", user_id=1)
        } == {0.4}
        assert len(capped.rows("easy_negatives", user_id=1)) == CAP * 2

    def it_counts_what_stays_as_in_batch_share(self, capped: Built) -> None:
        assert sum(row["positives"] for row in capped.tables["item_stats"]) == CAP + 2

    def it_keeps_every_impression_for_ranking(self, capped: Built) -> None:
        assert len(capped.rows("ranking_samples", label=1)) == 12

    def it_keeps_the_same_ones_in_another_epoch(
        self, spark: SparkSession, logs: Path, capped: Built
    ) -> None:
        tree = settings(logs, per_user_cap=CAP).model_dump(mode="json", by_alias=True)
        other = Config.model_validate_json(json.dumps(tree | {"epoch": 3}))
        built = build_day(other, spark, immature=True)
        keys = [
            {(row["request_id"], row["user_rank_in_cap"]) for row in one.tables["positives"]}
            for one in (capped, built)
        ]
        assert keys[0] == keys[1]

    @pytest.mark.parametrize("cap", [0, -1, 2.5])
    def it_is_a_whole_number_from_1(self, logs: Path, cap: float) -> None:
        with pytest.raises(ValidationError, match="per_user_cap"):
            settings(logs, per_user_cap=cap)
