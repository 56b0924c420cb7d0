"""Counts of logs, draws beside logs, and earlier releases: each mistake is counted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.audit.gates.draws import easy_figures
from winnow.audit.gates.history import drift_figures, volume_figures, volume_of
from winnow.audit.gates.inputs import input_figures
from winnow.audit.gates.ranking_rows import logged_requests
from winnow.audit.gates.shares import wrong_q
from winnow.audit.gates.whose_clicks import shared_requests
from winnow.audit.recompute.date_sources import drawable_of
from winnow.audit.recompute.forbidden import measure_draws
from winnow.audit.recompute.row_sample import RowSample
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.contracts.counts import RowCounts
from winnow.engine.choice import engine_of
from winnow.spark.scratch import Scratch

from tests.audit.small import THE_DAY, Row, by_name, config, frame, log, sample, some_items, us

SETTINGS = config()
COUNTS = RowCounts(10, 5, 1, 2, 1, 1, 0, {"missing": 2})


class DescribeInputs:
    def figures(
        self, spark: SparkSession, counts: dict[str, RowCounts], kept: dict[str, int], n: int = 5
    ) -> dict[str, Any]:
        rows: list[Row] = [{"log": name} for name, rows in kept.items() for _ in range(rows)]
        rejected = frame(spark, "rejected", rows or [{"log": ""}], SETTINGS)
        rejected = rejected if rows else rejected.limit(0)
        return by_name(input_figures(counts, rejected, n_attributed=n))

    def it_weighs_what_was_rejected(self, spark: SparkSession) -> None:
        found = self.figures(spark, {"clicks": COUNTS}, {"clicks": 2})
        assert found == {
            "clicks_unaccounted": 0, "rows_unaccounted.clicks": 0, "quarantine_differs.clicks": 0,
            "rejected_share.clicks": 0.25, "rejected_reason_share.clicks.missing": 0.25,
        }  # fmt: skip

    def it_counts_rows_that_are_nowhere(self, spark: SparkSession) -> None:
        lost = replace(COUNTS, valid=4)
        found = self.figures(spark, {"clicks": lost}, {"clicks": 1, "ghosts": 3})
        assert found["rows_unaccounted.clicks"] == found["clicks_unaccounted"] == 1
        assert found["quarantine_differs.clicks"] == -1
        assert found["quarantine_differs.ghosts"] == 3

    def it_passes_a_log_without_rows_of_the_date(self, spark: SparkSession) -> None:
        nothing = RowCounts(3, 0, 0, 0, 0, 3, 0, {})
        assert set(self.figures(spark, {"clicks": nothing}, {}, n=0).values()) == {0}

    def it_measures_how_many_requests_are_logged(self, spark: SparkSession) -> None:
        ids = "request_id bigint, user_id bigint"
        positives = spark.createDataFrame([(1, 7), (1, 7), (2, 7)], ids)
        ranked = spark.createDataFrame([(2, 8), (3, 7)], ids)
        assert logged_requests(positives, ranked).value == 0.5
        assert logged_requests(positives.limit(0), ranked).value == 1.0

    def it_takes_rows_of_another_user_for_another_request(self, spark: SparkSession) -> None:
        ids = "request_id bigint, user_id bigint"
        positives = spark.createDataFrame([(n, 7) for n in (1, 2, 3, 4)], ids)
        ranked = spark.createDataFrame([(1, 7), (1, 8), (2, 8), (3, None)], ids)
        share = logged_requests(positives, ranked, by_user=True)
        assert (share.value, share.detail) == (0.5, "2 of 4 requests")

    def it_measures_how_many_requests_of_positives_are_of_several_users(
        self, spark: SparkSession
    ) -> None:
        ids = "request_id bigint, user_id bigint"
        positives = spark.createDataFrame([(n, 7) for n in (1, 1, 2, 3, 4)], ids)
        rows = [(1, 7), (1, 7), (2, 7), (2, 8), (3, 7), (3, None), (5, 7), (5, 8)]
        share = shared_requests(positives, spark.createDataFrame(rows, ids))
        assert (share.value, share.detail) == (0.25, "1 of 4 request ids")


class DescribeHistory:
    def it_judges_volumes_once_there_are_enough_releases(self) -> None:
        past = [{"users": float(n)} for n in (100, 101, 99, 100)]
        assert volume_figures({"users": 1.0}, past[:3]) == []
        (lost,) = volume_figures({"users": 1.0}, past)
        (usual,) = volume_figures({"users": 103.0}, [*past, {"items": 1.0}])
        assert float(lost.value or 0) > 30 > 1 > float(usual.value or 0)

    def it_sees_positives_move_to_other_items(self, spark: SparkSession) -> None:
        kind = "item_id bigint, positives bigint, clicks bigint"
        before = spark.createDataFrame([(i, 200, 100 - i) for i in range(20)], kind)
        same = before.withColumn("positives", F.col("positives") + F.col("item_id") % 3)
        moved = before.withColumn("positives", F.when(F.col("item_id") < 5, 790).otherwise(0))
        users = {"effective_users": 1_000.0}
        past = [users] * 4
        assert drift_figures(same, None, users, past) == []
        assert float(drift_figures(same, before, users, past)[0].value or 0) < 0.25
        assert float(drift_figures(moved, before, users, past)[0].value or 0) > 2.0

    def it_judges_no_drift_by_few_releases_or_few_users(self, spark: SparkSession) -> None:
        kind = "item_id bigint, positives bigint, clicks bigint"
        before = spark.createDataFrame([(i, 200, 100 - i) for i in range(20)], kind)
        many, few = {"effective_users": 100.0}, {"effective_users": 99.0}
        assert drift_figures(before, before, many, [many] * 3) == []
        assert drift_figures(before, before, few, [many] * 4) == []
        assert drift_figures(before, before, many, [*[many] * 3, few]) == []
        assert drift_figures(before, before, many, [*[many] * 3, {"users": 100.0}]) == []
        assert len(drift_figures(before, before, many, [*[few] * 3, many])) == 1

    def it_takes_a_new_item_for_one_without_a_click(self, spark: SparkSession) -> None:
        kind = "item_id bigint, positives bigint, clicks bigint"
        before = spark.createDataFrame([(1, 500, 10), (2, 500, 0)], kind)
        now = spark.createDataFrame([(1, 500, 10), (3, 500, 0)], kind)
        users = {"effective_users": 1_000.0}
        assert drift_figures(now, before, users, [users] * 4)[0].value == 0.0

    def it_measures_users_by_how_evenly_positives_spread_over_them(
        self, spark: SparkSession
    ) -> None:
        stats = spark.createDataFrame([(1, 1)], "item_id bigint, impressions bigint")
        for owners, users in (([1, 2, 3, 4], 4.0), ([1, 1, 1, 1], 1.0), ([1, 1, 2, 3], 16 / 6)):
            positives = spark.createDataFrame([(one,) for one in owners], "user_id bigint")
            volume = volume_of(positives, stats, exposed=10, clicked=4)
            assert volume["effective_users"] == users
            assert (volume["positives"], volume["users"]) == (4.0, float(len(set(owners))))


def shares_of_one(spark: SparkSession) -> DataFrame:
    schema = "source string, neg_key bigint, shares array<double>"
    return spark.createDataFrame([("popularity", 1, [0.1])], schema)


class DescribeDraws:
    def it_meets_negatives_with_what_the_logs_forbid(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        """Windows of two and three dates: what lies before them forbids nothing."""
        settings = config(exclusion={"exposure_lookback_days": 1, "click_lookback_days": 2})
        shown = [(7, 1, -1), (7, 2, -2), (8, 3, 0)]
        clicked = [(7, 2, -2), (7, 3, -3)]
        events = {
            name: [{"user_id": u, "item_id": i, "event_us": us("12:00", d)} for u, i, d in rows]
            for name, rows in (("impressions", shown), ("clicks", clicked))
        }
        logs = {name: log(spark, name, rows, settings) for name, rows in events.items()}
        rows = [
            sample(neg_item_ids=[3, 1, 2, 9], neg_log_q=[0.0, -1.0, None, 0.0]),
            sample(user_id=8, neg_item_ids=[1, 2], neg_source=[0, 0], neg_log_q=[-0.4054651, 0.5]),
        ]
        staged = {"training_samples": frame(spark, "training_samples", rows, settings)}
        negatives = negatives_of(staged, settings)
        drawable = drawable_of(some_items(), settings, THE_DAY)
        assert negatives is not None
        scratch = Scratch(spark, engine_of(spark).ship, tmp_path, tmp_path.name)
        draws = measure_draws(negatives, drawable, logs, settings, THE_DAY, scratch, n_positives=2)
        found = by_name(easy_figures(draws, drawable, settings, mixed=False))
        assert found["shown_negatives"] == 1
        assert found["clicked_negatives"] == 1
        assert found["ineligible_negatives"] == 1
        assert found["log_q_invalid"] == 1
        assert found["log_q_differs"] == 1

    def it_counts_a_q_that_is_not_the_items_share(self, spark: SparkSession) -> None:
        stats = shares_of_one(spark)
        rows = [
            {"source": "popularity", "neg_item_id": 1, "q": 0.1},
            {"source": "popularity", "neg_item_id": 1, "q": 0.2},
            {"source": "popularity", "neg_item_id": 2, "q": 0.1},
        ]
        easy = frame(spark, "easy_negatives", rows, SETTINGS)
        assert wrong_q(easy, stats, SETTINGS, RowSample(), n_rows=3, n_shares=1).value == 2

    def it_looks_at_the_q_of_a_stretch_of_many_rows(self, spark: SparkSession) -> None:
        stats = shares_of_one(spark)
        rows = [
            {"source": "popularity", "neg_item_id": 1, "q": 0.2, "shuffle_key": key}
            for key in (-5, -4, 7)
        ]
        easy = frame(spark, "easy_negatives", rows, SETTINGS)
        found = [
            wrong_q(easy, stats, SETTINGS, RowSample(2, n), n_rows=3, n_shares=1) for n in (0, 1)
        ]
        assert [(one.value, one.detail) for one in found] == [
            (2, "looked at 1 in 2 rows"),
            (1, "looked at 1 in 2 rows"),
        ]

    def it_does_not_believe_a_stretch_without_rows(self, spark: SparkSession) -> None:
        stats = shares_of_one(spark)
        easy = frame(
            spark,
            "easy_negatives",
            [{"source": "popularity", "neg_item_id": 1, "q": 0.1, "shuffle_key": 7}] * 5000,
            SETTINGS,
        )
        with pytest.raises(ValueError, match="not spread like a hash"):
            wrong_q(easy, stats, SETTINGS, RowSample(2, 0), n_rows=5_000, n_shares=1)
