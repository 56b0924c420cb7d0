"""Positives that a cap drops or that are repeated: whole builds, with what undoes it."""

import json
from collections import Counter
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
        # Tables with other columns lie in a warehouse of their own.
        warehouse=str(base / "-".join(["warehouse", *positives])),
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


@pytest.fixture(scope="module")
def repeated(spark: SparkSession, logs: Path) -> Built:
    """Every item has at most one click before the date, so each positive is expected 2.5 times."""
    upsampling = {"threshold_clicks": 6.25, "most": 4.0}
    return build_day(settings(logs, upsampling=upsampling), spark, immature=True)


KEY = ("user_id", "request_id", "item_id")


class DescribePositivesOfColdItems:
    def it_gives_each_as_many_rows_as_are_expected_or_one_more(self, repeated: Built) -> None:
        rows = Counter(tuple(row[n] for n in KEY) for row in repeated.tables["positives"])
        assert len(rows) == 12
        assert set(rows.values()) == {2, 3}

    @pytest.mark.parametrize("table", ["positives", "training_samples"])
    def it_counts_them_from_0_and_says_what_undoes_it(self, repeated: Built, table: str) -> None:
        found: dict[tuple[Any, ...], list[int]] = {}
        for row in repeated.tables[table]:
            found.setdefault(tuple(row[n] for n in KEY), []).append(row["repeat_idx"])
        assert {tuple(sorted(numbers)) for numbers in found.values()} == {(0, 1), (0, 1, 2)}
        told = {(row["repeat_expect"], row["undo_weight"]) for row in repeated.tables[table]}
        assert told == {(2.5, 0.4)}

    def it_has_the_number_in_the_key_of_every_table_of_samples(self, repeated: Built) -> None:
        for table in ("easy_negatives", "training_samples_pointwise"):
            places = ("user_id", "request_id", "repeat_idx", "source", "draw_no")
            item = "item_id" if table == "easy_negatives" else "pos_item_id"
            keys = [tuple(row[n] for n in (*places, item)) for row in repeated.tables[table]]
            assert len(set(keys)) == len(keys)

    def it_draws_for_each_row_and_orders_each_by_itself(self, repeated: Built) -> None:
        rows = repeated.tables["training_samples"]
        assert len({row["shuffle_key"] for row in rows}) == len(rows)
        drawn = {tuple(row["neg_item_ids"]) for row in rows if row["user_id"] == 1}
        assert len(drawn) > len(rows) / 2

    def it_leaves_the_first_row_as_it_is_without_the_others(
        self, spark: SparkSession, logs: Path, repeated: Built
    ) -> None:
        alone = build_day(settings(logs), spark, immature=True)
        names = (*KEY, "shuffle_key", "neg_item_ids", "neg_log_q", "sample_id", "shard")
        first = repeated.rows("training_samples", repeat_idx=0)
        assert sorted(tuple(str(row[n]) for n in names) for row in first) == sorted(
            tuple(str(row[n]) for n in names) for row in alone.tables["training_samples"]
        )

    def it_counts_rows_as_in_batch_share(self, repeated: Built) -> None:
        rows = len(repeated.tables["positives"])
        assert sum(row["positives"] for row in repeated.tables["item_stats"]) == rows
        shares = sum(row["in_batch_q"] for row in repeated.tables["item_stats"])
        assert shares == pytest.approx(1.0)

    @pytest.mark.parametrize(
        ("given", "key"),
        [
            ({}, "threshold_clicks"),
            ({"threshold_clicks": 1.0}, "threshold_clicks"),
            ({"threshold_clicks": 9.0, "most": 1.0}, "most"),
            ({"threshold_clicks": 9.0, "power": 0.0}, "power"),
        ],
    )
    def it_needs_a_threshold_and_a_most(
        self, logs: Path, given: dict[str, float], key: str
    ) -> None:
        with pytest.raises(ValidationError, match=rf"upsampling\.{key}"):
            settings(logs, upsampling=given)
