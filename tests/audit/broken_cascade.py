"""Mistakes in cascade_samples: items, rungs, and what is told of the stages."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from tests.audit.workbench import Bench, Broken

_TABLE = "cascade_samples"


def _cascade(bench: Bench, **columns: Column) -> Broken:
    return Broken(tables={_TABLE: bench.tables[_TABLE].withColumns(columns)})


def _rungs(bench: Bench) -> tuple[int, int]:
    """The rungs of what was shown and not clicked, and of what was clicked."""
    n = len(bench.config.funnel.stages)
    return n, n + 1


def _some(rows: DataFrame) -> Column:
    return F.pmod(F.xxhash64("request_id", "item_id"), F.lit(8)) == 0


def items_of_a_request_are_lost(bench: Bench) -> Broken:
    rows = bench.tables[_TABLE]
    return Broken(tables={_TABLE: rows.where(~_some(rows))})


def items_are_of_another_request(bench: Bench) -> Broken:
    return _cascade(bench, item_id=F.col("item_id") + 1)


def what_was_shown_is_called_cut(bench: Bench) -> Broken:
    shown, _ = _rungs(bench)
    lower = F.when(F.col("stage_reached") == shown, shown - 1).otherwise(F.col("stage_reached"))
    return _cascade(bench, stage_reached=lower)


def clicks_are_one_rung_with_the_others(bench: Bench) -> Broken:
    shown, _ = _rungs(bench)
    return _cascade(bench, stage_reached=F.least("stage_reached", F.lit(shown)))


def rungs_count_from_1(bench: Bench) -> Broken:
    return _cascade(bench, stage_reached=F.col("stage_reached") + 1)


def stops_are_known_the_other_way_round(bench: Bench) -> Broken:
    hidden = F.col("impression_ts").isNull()
    return _cascade(bench, stop_known=F.col("stop_known") != hidden)


def scores_go_up_the_ladder(bench: Bench) -> Broken:
    return _cascade(bench, stage_scores=F.reverse("stage_scores"))


def one_rank_is_lost(bench: Bench) -> Broken:
    key = bench.tables[_TABLE].agg(F.min(F.xxhash64("request_id", "item_id"))).collect()[0][0]
    is_it = F.xxhash64("request_id", "item_id") == key
    none = F.transform("stage_ranks", lambda _: F.lit(None).cast("int"))
    return _cascade(bench, stage_ranks=F.when(is_it, none).otherwise(F.col("stage_ranks")))


def requests_are_spread_over_shards(bench: Bench) -> Broken:
    shard = F.pmod(F.xxhash64("item_id"), F.lit(bench.config.shards)).cast("int")
    return _cascade(bench, shard=shard)


def a_request_is_there_twice(bench: Bench) -> Broken:
    rows = bench.tables[_TABLE]
    first = rows.agg(F.min("request_id")).collect()[0][0]
    return Broken(tables={_TABLE: rows.unionByName(rows.where(F.col("request_id") == first))})
