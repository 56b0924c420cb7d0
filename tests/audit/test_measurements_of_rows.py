"""Single rows beside the rules of placement, weights and clicks: each mistake is counted."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.audit.gates.labels import label_figure
from winnow.audit.gates.row_rules import broken_rules
from winnow.audit.recompute.clicked import Clicked, clicked_of, clicked_sums, recomputed_clicks
from winnow.config.tree import Config
from winnow.events.placement import shard, split

from tests.audit.small import THE_DAY, Row, config, frame, us
from tests.events.handmade import DAY, at

KEY = ("user_id", "request_id", "item_id")


class DescribePlacement:
    SETTINGS = config(seed=3, shards=5, split={"valid_ratio": 0.3, "test_ratio": 0.2})

    def broken(
        self, spark: SparkSession, settings: Config, made_by: Config | None = None
    ) -> dict[str, int]:
        """Counts of 300 rows that are placed as the tables are, with other settings perhaps."""
        made_by = made_by or settings
        users = F.col("id").alias("user_id")
        rows = (
            spark.range(300)
            .select(users, (users + 7).alias("request_id"), (users % 9).alias("item_id"))
            .withColumn("split", split(made_by, DAY))
            .withColumn("shard", shard(made_by, *KEY))
        )
        rules = broken_rules("positives", rows.columns, settings, THE_DAY, mature=True)
        counts = rows.agg(*(F.count_if(rule).alias(gate.name) for gate, rule in rules.items()))
        return counts.collect()[0].asDict()

    @pytest.mark.parametrize(
        "parts",
        [
            {},
            {"valid_ratio": 0.3, "test_ratio": 0.2},
            {"valid_ratio": 1.0},
            {"test_ratio": 1.0},
            {"by": "date"},
            {"by": "date", "valid_from": "2020-01-01"},
            {"by": "date", "valid_from": "2020-01-01", "test_from": "2020-01-02"},
            {"by": "date", "test_from": "2120-01-02"},
        ],
    )
    def it_agrees_with_the_tables(self, spark: SparkSession, parts: dict[str, Any]) -> None:
        settings = config(seed=3, shards=5, split=parts)
        assert self.broken(spark, settings) == {"split_differs": 0, "shard_differs": 0}

    def it_counts_rows_that_another_seed_placed(self, spark: SparkSession) -> None:
        other = self.SETTINGS.model_copy(update={"seed": 4})
        found = self.broken(spark, self.SETTINGS, other)
        assert found["split_differs"] > 100
        assert found["shard_differs"] > 200

    def it_counts_rows_of_another_split(self, spark: SparkSession) -> None:
        by_date = config(seed=3, shards=5, split={"by": "date", "test_from": str(date(2020, 1, 1))})
        found = self.broken(spark, self.SETTINGS, by_date)
        assert 200 < found["split_differs"] < 280


class DescribeWeightsAndChances:
    def broken(
        self, spark: SparkSession, table: str, row: Row, *, mature: bool = True, **settings: Any
    ) -> dict[str, int]:
        chosen = config(**settings)
        rows = frame(spark, table, [row], chosen)
        rules = broken_rules(table, rows.columns, chosen, THE_DAY, mature=mature)
        counts = rows.agg(*(F.count_if(rule).alias(gate.name) for gate, rule in rules.items()))
        return counts.collect()[0].asDict()

    @pytest.mark.parametrize(
        ("action", "weight", "wrong"),
        [("buy", 4.0, 0), ("cart", 1.0, 0), ("cart", 4.0, 1), ("buy", None, 1), (None, 1.0, 0)],
    )
    def it_knows_the_weight_of_an_action(
        self, spark: SparkSession, action: str | None, weight: float | None, wrong: int
    ) -> None:
        row = {"action_type": action, "sample_weight": weight}
        found = self.broken(spark, "positives", row, positives={"weights": {"buy": 4.0}})
        assert found == {"sample_weight_differs": wrong}

    @pytest.mark.parametrize(
        ("source", "chance", "wrong"),
        [
            ("cut", 0.5, 0), ("low", 1.0, 0), ("cut", None, 1), ("cut", 1.5, 1), ("low", 0.0, 1),
            ("popularity", None, 0), ("positive", None, 0), ("popularity", 0.5, 1),
        ],
    )  # fmt: skip
    def it_knows_which_rows_have_a_chance(
        self, spark: SparkSession, source: str, chance: float | None, wrong: int
    ) -> None:
        row = {"source": source, "incl_prob": chance}
        assert self.broken(spark, "training_samples_pointwise", row) == {"incl_prob_differs": wrong}

    @pytest.mark.parametrize("mature", [True, False])
    def it_knows_whether_rows_are_mature(self, spark: SparkSession, mature: bool) -> None:
        for stated in (True, False, None):
            found = self.broken(spark, "positives", {"mature": stated}, mature=mature)
            assert found == {"mature_differs": int(stated is not mature)}

    @pytest.mark.parametrize(
        ("change", "wrong"),
        [
            ({}, 0),
            ({"click_delay_ms": 299_999}, 1),
            ({"click_delay_ms": None}, 1),
            ({"label": 0}, 1),
            ({"action_type": None}, 1),
            ({"label": 0, "click_ts": None, "action_type": None, "click_delay_ms": None}, 0),
            ({"label": 1, "click_ts": None, "action_type": None, "click_delay_ms": None}, 1),
            ({"label": 2, "click_ts": None, "action_type": None, "click_delay_ms": None}, 1),
        ],
    )
    def it_knows_how_the_columns_of_a_click_fit(
        self, spark: SparkSession, change: Row, wrong: int
    ) -> None:
        row = {"label": 1, "impression_ts": at("12:00"), "click_ts": at("12:05")}
        row |= {"action_type": "buy", "click_delay_ms": 300_000} | change
        assert self.broken(spark, "ranking_samples", row) == {"click_columns_differ": wrong}


class DescribeLabels:
    SETTINGS = config()

    def row(self, impression: str, item: int, clicked: str | None = "12:05", **other: Any) -> Row:
        return {
            "impression_id": impression, "user_id": 7, "request_id": 1, "item_id": item,
            "label": int(clicked is not None), "click_ts": None if clicked is None else at(clicked),
            "action_type": None if clicked is None else "cart",
        } | other  # fmt: skip

    def differing(self, spark: SparkSession, *rows: Row) -> float | int | None:
        """Beside impressions a and b that were clicked; a twice, with the stronger action later."""
        ranking = frame(spark, "ranking_samples", rows, self.SETTINGS)
        names = "user_id bigint, request_id bigint, item_id bigint, impression_id string"
        kind = f"{names}, shown_us bigint, clicked_us bigint, action int"
        clicks = [("a", 5, "12:05", 0), ("a", 5, "12:09", 2), ("b", 6, "12:05", 2)]
        pairs = [(7, 1, i, of, us(), us(clock), action) for of, i, clock, action in clicks]
        pairs.append((7, 1, 9, "z", us("23:00", -1), us("23:01", -1), 2))
        joined = spark.createDataFrame(pairs, kind)
        sums = {of: total.alias(of) for of, total in clicked_sums(self.SETTINGS).items()}
        row = ranking.agg(*sums.values()).collect()[0]
        staged = Clicked(row["clicked"], row["clicked_total"])
        clicked = recomputed_clicks(joined, self.SETTINGS, THE_DAY)
        assert clicked_of(clicked).rows == 2
        return label_figure(ranking, staged, clicked, self.SETTINGS).value

    def it_passes_the_earliest_click_with_the_strongest_action(self, spark: SparkSession) -> None:
        assert (
            self.differing(spark, self.row("a", 5), self.row("b", 6), self.row("c", 5, None)) == 0
        )

    @pytest.mark.parametrize(
        ("change", "wrong"),
        [
            ({"clicked": None}, 1),
            ({"clicked": "12:06"}, 2),
            ({"action_type": "buy"}, 2),
            ({"impression": "c"}, 2),
        ],
    )
    def it_counts_clicks_that_are_lost_or_others(
        self, spark: SparkSession, change: Row, wrong: int
    ) -> None:
        wanted: Row = {"impression": "b", "item": 6}
        row = self.row(**(wanted | change))
        assert self.differing(spark, self.row("a", 5), row) == wrong

    def it_counts_a_click_that_comes_twice(self, spark: SparkSession) -> None:
        assert self.differing(spark, self.row("a", 5), self.row("b", 6), self.row("b", 6)) == 1

    def it_lets_no_impression_give_way_to_another_of_its_id(self, spark: SparkSession) -> None:
        """An impression id may stand for a page: each of its items has a row."""
        assert (self.differing(spark, self.row("a", 5), self.row("b", 8, None)) or 0) > 0
