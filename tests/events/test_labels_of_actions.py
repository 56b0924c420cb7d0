"""Labels of single actions: what a user did with a positive beside the strongest of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.tables import table_contract

from tests.events.handmade import MICROSECOND, Built, Logs, Row, at, build_day, config

LABELS = ("label_click", "label_cart", "label_add_to_list")
DELAYS = tuple(f"{name}_delay_ms" for name in LABELS)


def shopped() -> Logs:
    """Items 1 to 4, shown at noon to users 1 to 4, each in a request of its own."""
    day = Logs()
    for item in range(1, 30):
        day.item(item)
    for user in range(1, 5):
        day.show(user, 100 + user, user, at("12:00"))
    # 1: everything, the list twice. 2: only put into the cart, in the last moment of its window.
    day.click(1, 101, 1, at("12:05:00.0015"))
    day.click(1, 101, 1, at("12:10"), "cart")
    day.click(1, 101, 1, at("12:20"), "add-to-list")
    day.click(1, 101, 1, at("12:30"), "add-to-list")
    day.click(1, 101, 1, at("12:40"), "buy")
    day.click(2, 102, 2, at("13:30"), "cart")
    # 3: clicked, and put into the cart too late for that action's own window.
    day.click(3, 103, 3, at("12:01"))
    day.click(3, 103, 3, at("13:30") + MICROSECOND, "cart")
    return day


def settings(base: Path, **positives: Any) -> Config:
    labels = {"labels": ["click", "cart", "add-to-list"]}
    return config(
        base,
        logs=("impressions", "clicks", "items"),
        attribution={"windows": {"cart": "90m"}},
        positives={
            "actions": ["click", "add-to-list", "cart", "buy"],
            "downsampling": {"rule": "none"},
            **labels,
            **positives,
        },
        popularity={"window_days": 1},
        negatives={"hard": [], "per_positive": 2},
        gates={name: {"fail": None} for name in ("rejected_share", "rejected_reason_share")},
    )


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("shopped")
    shopped().write(base)
    return build_day(settings(base), spark, immature=True)


def told(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in (*LABELS, *DELAYS))


ALL, CART, CLICK = (
    (1, 1, 1, 300_001, 600_000, 1_200_000),
    (0, 1, 0, None, 5_400_000, None),
    (1, 0, 0, 60_000, None, None),
)


class DescribeLabelsOfActions:
    @pytest.mark.parametrize("table", ["positives", "training_samples"])
    def it_tells_of_each_action_whether_and_when_it_was_first_done(
        self, built: Built, table: str
    ) -> None:
        found = {row["item_id"]: told(row) for row in built.tables[table]}
        assert found == {1: ALL, 2: CART, 3: CLICK}

    def it_keeps_the_strongest_action_beside_them(self, built: Built) -> None:
        found = {row["item_id"]: row["action_type"] for row in built.tables["positives"]}
        assert found == {1: "buy", 2: "cart", 3: "click"}

    def it_labels_impressions_that_were_not_clicked_with_0(self, built: Built) -> None:
        found = {row["item_id"]: told(row) for row in built.tables["ranking_samples"]}
        assert found == {1: ALL, 2: CART, 3: CLICK, 4: (0, 0, 0, None, None, None)}

    def it_leaves_the_columns_out_where_nobody_asks(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        shopped().write(tmp_path)
        plain = build_day(settings(tmp_path, labels=[]), spark, immature=True)
        for table in ("positives", "training_samples", "ranking_samples"):
            contract = table_contract(table).resolved(settings(tmp_path).ids)
            assert tuple(plain.tables[table][0]) == contract.names


class DescribeLabelsInAConfig:
    def refused(self, *labels: str, **other: Any) -> str:
        log = {"path": "x"}
        tree = {
            "logs": {"impressions": log, "clicks": log},
            "negatives": {"hard": []},
            "positives": {"actions": ["click", "a b", "a-b", "strength"], "labels": labels},
            **other,
        }
        with pytest.raises(ValidationError) as caught:
            Config.model_validate_json(json.dumps(tree))
        return str(caught.value)

    def it_names_known_actions(self) -> None:
        text = self.refused("clik")
        assert "positives.labels.0" in text
        assert "actions has no such action, found clik" in text

    def it_names_each_once(self) -> None:
        assert "click is named twice" in self.refused("click", "click")

    def it_needs_a_column_of_its_own_for_each(self) -> None:
        text = self.refused("a b", "a-b")
        assert "positives.labels.1" in text
        assert "label_a_b is the name of another column already, found a-b" in text

    def it_takes_no_name_of_a_column_that_tables_have(self) -> None:
        text = self.refused("strength")
        assert "label_strength is the name of another column already" in text

    def it_takes_no_name_of_a_carried_column(self) -> None:
        text = self.refused("click", carry=["label_click"])
        assert "label_click is the name of another column already" in text
