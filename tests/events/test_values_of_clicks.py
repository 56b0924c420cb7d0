"""Numbers that clicks carry: what a positive's clicks are worth, and what it weighs by that."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession
from winnow.config.tree import Config

from tests.events.handmade import Built, Logs, at, build_day, config

pytestmark = pytest.mark.both_engines


def watched() -> Logs:
    """Items 1 to 5, shown at noon to users 1 to 5, each in a request of its own."""
    day = Logs()
    for item in range(1, 30):
        day.item(item)
    for user in range(1, 6):
        day.show(user, 100 + user, user, at("12:00"))
    # 1: three clicks, one of them logged twice with what was known at either time.
    day.click(1, 101, 1, at("12:05"), stay=1.0)
    day.click(1, 101, 1, at("12:05"), stay=30.0)
    day.click(1, 101, 1, at("12:20"), "buy", stay=10.0)
    day.click(1, 101, 1, at("12:40"), stay=None)
    # 2: not known. 3: below 0. 4: more than may count.
    day.click(2, 102, 2, at("12:01"), stay=None)
    day.click(3, 103, 3, at("12:01"), stay=-5.0)
    day.click(4, 104, 4, at("12:01"), stay=5_000.0)
    # 5: no number at all, so the row is rejected.
    day.click(5, 105, 5, at("12:01"), stay=math.nan)
    return day


def settings(base: Path, how: str, rule: str) -> Config:
    weight = {"value": "dwell", "rule": rule, "unit": 10.0, "cap": 90.0, "where_missing": 0.5}
    tree = config(
        base,
        logs=("impressions", "clicks", "items"),
        positives={
            "downsampling": {"rule": "none"},
            "weights": {"buy": 3.0},
            "labels": ["buy"],
            "values": {"dwell": how},
            "weight_by": weight,
        },
        popularity={"window_days": 1},
        negatives={"hard": [], "per_positive": 2},
        gates={name: {"fail": None} for name in ("rejected_share", "rejected_reason_share")},
    ).model_dump(mode="json", by_alias=True)
    tree["logs"]["clicks"]["columns"] = {"dwell": "stay"}
    return Config.model_validate_json(json.dumps(tree))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("watched")
    watched().write(base)
    return base


@pytest.fixture(scope="module")
def summed(spark: SparkSession, logs: Path) -> Built:
    return build_day(settings(logs, "sum", "linear"), spark, immature=True)


class DescribeValuesOfClicks:
    def it_adds_up_each_click_once_with_the_largest_number_of_its_rows(self, summed: Built) -> None:
        wanted = {1: 40.0, 2: None, 3: -5.0, 4: 5_000.0}
        for table in ("positives", "training_samples"):
            assert {row["item_id"]: row["dwell"] for row in summed.tables[table]} == wanted
        shown = {row["item_id"]: row["dwell"] for row in summed.tables["ranking_samples"]}
        assert shown == wanted | {5: None}

    def it_weighs_by_the_value_and_the_action(self, summed: Built) -> None:
        found = {row["item_id"]: row["sample_weight"] for row in summed.tables["positives"]}
        assert found == {1: 3.0 * 4.0, 2: 0.5, 3: 0.0, 4: 9.0}

    def it_rejects_a_number_that_is_none(self, summed: Built) -> None:
        assert ("clicks", "value_not_finite") in summed.codes()

    def it_takes_the_largest_and_its_logarithm(self, spark: SparkSession, logs: Path) -> None:
        built = build_day(settings(logs, "max", "log1p"), spark, immature=True)
        values = {row["item_id"]: row["dwell"] for row in built.tables["positives"]}
        assert values == {1: 30.0, 2: None, 3: -5.0, 4: 5_000.0}
        found = {row["item_id"]: row["sample_weight"] for row in built.tables["training_samples"]}
        assert found == {
            1: pytest.approx(3.0 * math.log(4.0), rel=1e-15),
            2: 0.5,
            3: 0.0,
            4: pytest.approx(math.log(10.0), rel=1e-15),
        }


class DescribeValuesInAConfig:
    def refused(self, **positives: Any) -> str:
        log = {"path": "x"}
        tree = {
            "logs": {"impressions": log, "clicks": log},
            "negatives": {"hard": []},
            "positives": positives,
            "carry": ["scene"],
        }
        with pytest.raises(ValidationError) as caught:
            Config.model_validate_json(json.dumps(tree))
        return str(caught.value)

    @pytest.mark.parametrize("name", ["position", "action_type", "scene", "label_buy", "Keep_Prob"])
    def it_takes_no_name_of_another_column(self, name: str) -> None:
        text = self.refused(values={name: "max"}, labels=["buy"])
        assert f"{name} is the name of another column already" in text

    def it_knows_two_ways_to_put_clicks_together(self) -> None:
        assert "positives.values.dwell" in self.refused(values={"dwell": "mean"})

    def it_weighs_by_a_value_that_is_kept(self) -> None:
        text = self.refused(weight_by={"value": "dwell"})
        assert "values has no such column, found dwell, expected values: {dwell: max}" in text

    def it_maps_columns_of_the_click_log_that_are_kept(self) -> None:
        log = {"path": "x"}
        tree: dict[str, Any] = {
            "logs": {"impressions": log, "clicks": {"path": "x", "columns": {"dwell": "stay"}}},
            "negatives": {"hard": []},
        }
        with pytest.raises(ValidationError, match="the contract of clicks has no such column"):
            Config.model_validate_json(json.dumps(tree))
        tree["positives"] = {"values": {"dwell": "max"}}
        assert Config.model_validate_json(json.dumps(tree)).positives.values == {"dwell": "max"}
