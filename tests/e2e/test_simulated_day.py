"""A build of a simulated, dirty funnel: every row is accounted for, every broken one found."""

from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from winnow.config.loading import load_config
from winnow.release.opening import open_release
from winnow.simulation import Simulation, SimulationSummary, simulate
from winnow.simulation.build_config import write_simulated

from tests.events.handmade import Built, build_day

DAY = date(2026, 1, 1)


class Simulated(NamedTuple):
    summary: SimulationSummary
    built: Built
    warehouse: Path


@pytest.fixture(scope="module")
def day(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    simulation = Simulation(
        out=tmp_path_factory.mktemp("dirty"), first_day=DAY, days=2, history_days=0,
        users=200, items=300, requests_per_day=300,
        recall_size=50, coarse_size=30, fine_size=15, exposed_size=8,
        click_logit=-1.5, dirty_share=0.02,
    )  # fmt: skip
    summary = simulate(simulation)
    config = load_config(write_simulated(simulation))
    return Simulated(summary, build_day(config, spark, DAY), Path(config.warehouse))


class DescribeRowsOfTheLogs:
    @pytest.mark.parametrize("log", ["impressions", "clicks", "ranking_log", "items"])
    def it_sends_every_row_to_one_place(self, day: Simulated, log: str) -> None:
        n = day.built.summary.logs[log]
        assert n.read == n.valid + n.duplicate + n.rejected + n.filtered + n.other_date
        assert n.valid > 0

    @pytest.mark.fault(12)
    @pytest.mark.parametrize(
        ("log", "may_be_null"),
        [("impressions", None), ("clicks", "request_id"), ("ranking_log", "user_id")],
    )
    def it_finds_every_broken_row(self, day: Simulated, log: str, may_be_null: str | None) -> None:
        planted = dict(day.summary.dirty_rows[log][DAY])
        n = day.built.summary.logs[log]
        assert min(planted.values()) >= 3
        assert n.duplicate == planted.pop("duplicate")
        # A click that names its impression needs no request; a ranking row needs no user.
        rows = pq.read_table(day.summary.log_folders[log] / f"date={DAY}")
        fine = rows[may_be_null].null_count if may_be_null else 0
        assert n.rejected == sum(planted.values()) - fine
        assert n.valid == day.summary.rows[log][DAY] - n.duplicate - n.rejected

    def it_keeps_each_rejected_row_with_its_reasons(self, day: Simulated) -> None:
        rows = day.built.tables["rejected"]
        for log, n in day.built.summary.logs.items():
            assert sum(row["log"] == log for row in rows) == n.rejected
        assert all(row["reasons"] and row["raw"] for row in rows)
        codes = {code for _, code in day.built.codes()}
        assert {"missing", "time_out_of_range", "stage_unknown", "orphan"} <= codes


class DescribePositives:
    def it_adds_up_for_every_positive(self, day: Simulated) -> None:
        rows = day.built.tables["training_samples"]
        assert len(rows) > 100
        for row in rows:
            given = row["n_easy"] + row["n_hard"] + row["n_fill"]
            assert row["n_requested"] == given + row["shortfall"] == 20
            assert len(row["neg_item_ids"]) == given
            assert sum(row["shortfall_counts"]) == row["n_fill"] + row["shortfall"]

    def it_has_the_same_rows_in_the_long_tables(self, day: Simulated) -> None:
        tables = day.built.tables
        key = ("user_id", "request_id", "item_id")
        easy: list[tuple[int, ...]] = []
        hard: list[tuple[int, ...]] = []
        for row in tables["training_samples"]:
            own = tuple(row[k] for k in key)
            for item, source in zip(row["neg_item_ids"], row["neg_source"], strict=True):
                (hard if source >= 2 else easy).append((*own, item))
        for table, expected in (("easy_negatives", easy), ("hard_negatives", hard)):
            found = [(*(r[k] for k in key), r["neg_item_id"]) for r in tables[table]]
            assert len(expected) > 100
            assert sorted(found) == sorted(expected)

    def it_tells_the_same_totals_in_the_summary(self, day: Simulated) -> None:
        rows, totals = day.built.tables["training_samples"], day.built.summary.totals
        assert totals.positives == len(rows)
        for name in ("easy", "hard", "fill"):
            assert getattr(totals, name) == sum(row[f"n_{name}"] for row in rows)

    def it_carries_what_was_known_when_the_item_was_shown(self, day: Simulated) -> None:
        shown = {(r["request_id"], r["item_id"]): r for r in day.built.tables["ranking_samples"]}
        for row in day.built.tables["training_samples"]:
            same = shown[row["request_id"], row["item_id"]]
            for column in ("scene", "experiment", "position", "user_id"):
                assert row[column] == same[column]
            assert same["label"] == 1


class DescribeFilesOfATable:
    @pytest.mark.parametrize(
        "table",
        ["positives", "training_samples", "easy_negatives", "hard_negatives", "ranking_samples"],
    )
    def it_is_in_the_order_of_split_and_shuffle_key(self, day: Simulated, table: str) -> None:
        files = open_release(day.warehouse, ds=DAY).files(table)
        rows = 0
        for file in files:
            told = pq.ParquetFile(file).read(["split", "shuffle_key"]).to_pydict()
            places = map(("train", "valid", "test").index, told["split"])
            order = list(zip(places, told["shuffle_key"], strict=True))
            assert order == sorted(order)
            rows += len(order)
        assert rows == len(day.built.tables[table]) > 100

    def it_keeps_one_users_rows_apart(self, day: Simulated) -> None:
        """The order is a hash of the positive, not of the user."""
        rows = sorted(day.built.tables["training_samples"], key=lambda row: row["shuffle_key"])
        users = [row["user_id"] for row in rows]
        beside = sum(a == b for a, b in pairwise(users))
        assert len(users) - len(set(users)) > 20, "some users have many rows"
        assert beside < len(users) / 10
