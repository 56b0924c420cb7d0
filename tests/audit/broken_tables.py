"""Mistakes in single tables and counts, after the sample groups."""

from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from tests.audit.workbench import Bench, Broken


def _table(bench: Bench, name: str, **columns: Column) -> Broken:
    """Change columns of a table."""
    return Broken(tables={name: bench.tables[name].withColumns(columns)})


def _some(rows: DataFrame, key: str = "sample_id") -> DataFrame:
    """Return seven rows out of eight."""
    return rows.where(F.pmod(F.xxhash64(key), F.lit(8)) != 0)


def rejected_rows_are_lost(bench: Bench) -> Broken:
    rows = bench.tables["rejected"]
    return Broken(tables={"rejected": rows.where("log != 'clicks'")})


def a_row_is_not_counted(bench: Bench) -> Broken:
    counted = bench.counts["impressions"]
    return Broken(counts={"impressions": replace(counted, valid=counted.valid - 1)})


def sample_id_is_wrong(bench: Bench) -> Broken:
    return _table(bench, "positives", sample_id=F.xxhash64("user_id", "item_id"))


def undo_weight_is_upside_down(bench: Bench) -> Broken:
    return _table(bench, "positives", undo_weight=F.col("keep_prob"))


def q_is_conditioned(bench: Bench) -> Broken:
    return _table(bench, "easy_negatives", q=F.exp("log_q"))


def easy_negatives_are_doubled(bench: Bench) -> Broken:
    rows = bench.tables["easy_negatives"]
    return Broken(tables={"easy_negatives": rows.unionByName(rows)})


def easy_negatives_are_lost(bench: Bench) -> Broken:
    return Broken(tables={"easy_negatives": _some(bench.tables["easy_negatives"])})


def a_pointwise_row_has_no_log_q(bench: Bench) -> Broken:
    is_first = (F.col("source") == "popularity") & (F.col("draw_no") == 0)
    kept = F.when(~is_first, F.col("log_q"))
    return _table(bench, "training_samples_pointwise", log_q=kept)


def hardness_is_another(bench: Bench) -> Broken:
    return _table(bench, "hard_negatives", hardness=(F.col("hardness") + 1).cast("tinyint"))


def reasons_are_counted_twice(bench: Bench) -> Broken:
    twice = F.transform("shortfall_counts", lambda n: n * 2)
    return _table(bench, "training_samples", shortfall_counts=twice)


def a_list_is_short(bench: Bench) -> Broken:
    shorter = F.slice("neg_log_q", 1, F.size("neg_log_q") - 1)
    return _table(bench, "training_samples", neg_log_q=shorter)


def ranking_rows_are_lost(bench: Bench) -> Broken:
    rows = bench.tables["ranking_samples"]
    return Broken(tables={"ranking_samples": _some(rows, "shuffle_key")})


def items_are_lost(bench: Bench) -> Broken:
    return Broken(tables={"item_stats": _some(bench.tables["item_stats"], "item_id")})


def items_become_valid_a_day_earlier(bench: Bench) -> Broken:
    earlier = F.col("eligible_from") - F.expr("interval 1 day")
    return _table(bench, "item_stats", eligible_from=earlier)


def items_count_no_positives(bench: Bench) -> Broken:
    return _table(bench, "item_stats", positives=F.lit(0).cast("bigint"))


def positives_are_empty(bench: Bench) -> Broken:
    return Broken(tables={"positives": bench.tables["positives"].where(F.lit(False))})


def a_column_has_another_type(bench: Bench) -> Broken:
    return _table(bench, "positives", position=F.col("position").cast("bigint"))
