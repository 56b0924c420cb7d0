"""Mistakes in ranking_samples beyond labels: what it keeps, and the columns that are asked for."""

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from tests.audit.workbench import Bench, Broken

_KEPT = 0.4


def settings() -> dict[str, object]:
    """What the build of these mutants asks for: few rows without a click."""
    return {"ranking": {"negative_keep": _KEPT}}


def _ranking(bench: Bench, **columns: Column) -> Broken:
    return Broken(tables={"ranking_samples": bench.tables["ranking_samples"].withColumns(columns)})


def _where(bench: Bench, kept: Column) -> Broken:
    return Broken(tables={"ranking_samples": bench.tables["ranking_samples"].where(kept)})


def _chance() -> Column:
    return F.pmod(F.xxhash64("item_id", "request_id"), F.lit(8))


def places_are_examined_as_the_one_before(bench: Bench) -> Broken:
    given = bench.config.ranking.examination
    assert given is not None
    table = F.array(*(F.lit(one) for one in given.probabilities))
    return _ranking(bench, examination_prob=F.get(table, F.col("position") - 2))


def places_beyond_the_table_are_examined_as_the_last(bench: Bench) -> Broken:
    given = bench.config.ranking.examination
    assert given is not None
    last = F.coalesce("examination_prob", F.lit(given.probabilities[-1]))
    return _ranking(bench, examination_prob=last)


def scores_are_of_another_stage(bench: Bench) -> Broken:
    return _ranking(bench, score_coarse=F.col("score_fine"), score_fine=F.col("score_coarse"))


def scores_are_of_another_item(bench: Bench) -> Broken:
    """Each row has the score of the row before."""
    table = bench.tables["ranking_samples"].toArrow()
    place, values = table.column_names.index("score_fine"), table["score_fine"].to_pylist()
    moved = pa.array([values[-1], *values[:-1]], pa.float64())
    table = table.set_column(place, table.schema.field(place), moved)
    rows = bench.scratch.stored(table, f"scores-{bench.scratch.tag}")
    names = bench.tables["ranking_samples"].columns
    return Broken(tables={"ranking_samples": rows.select(names)})


def ranks_count_from_0(bench: Bench) -> Broken:
    return _ranking(bench, rank_fine=(F.col("rank_fine") - 1).cast("int"))


def a_score_is_made_up_where_the_log_has_none(bench: Bench) -> Broken:
    return _ranking(bench, score_coarse=F.coalesce("score_coarse", F.lit(0.0)))


def one_score_is_lost(bench: Bench) -> Broken:
    first = bench.tables["ranking_samples"].where("score_fine IS NOT NULL")
    key = first.agg(F.min("shuffle_key")).collect()[0][0]
    kept = F.when(F.col("shuffle_key") != key, F.col("score_fine"))
    return _ranking(bench, score_fine=kept)


def clicked_rows_go_as_well(bench: Bench) -> Broken:
    return _where(bench, (F.col("label") == 0) | (_chance() != 0))


def kept_rows_without_a_click_are_lost(bench: Bench) -> Broken:
    return _where(bench, (F.col("label") == 1) | (_chance() != 0))


def half_of_what_is_said_is_kept(bench: Bench) -> Broken:
    return _where(bench, (F.col("label") == 1) | (_chance() < 4))


def clicked_rows_say_the_chance_of_the_others(bench: Bench) -> Broken:
    return _ranking(bench, neg_keep_prob=F.lit(_KEPT))


def another_hash_keeps(bench: Bench) -> Broken:
    """As many rows, of other keys: those that the same hash keeps of other ids."""
    other = F.when(F.col("label") == 0, F.concat("impression_id", F.lit("x")))
    return _ranking(bench, impression_id=F.coalesce(other, "impression_id"))
