"""Mistakes in single columns, the same in every table: only what is computed again tells them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from tests.audit.simulated_logs import DAY
from tests.audit.workbench import Bench, Broken

PLACED = (
    "positives",
    "easy_negatives",
    "hard_negatives",
    "training_samples",
    "training_samples_pointwise",
    "ranking_samples",
    "cascade_samples",
)
_SAMPLES = ("positives", "training_samples", "training_samples_pointwise")


def _everywhere(
    bench: Bench, names: tuple[str, ...], change: Callable[[DataFrame], DataFrame]
) -> Broken:
    """Make the same mistake in several tables; columns keep their order."""
    frames = {name: bench.tables[name] for name in names}
    return Broken(tables={n: change(rows).select(rows.columns) for n, rows in frames.items()})


def _groups(bench: Bench, name: str, values: list[Any]) -> Broken:
    """Put other values into a column of the sample groups."""
    place, kind = bench.groups.column_names.index(name), bench.groups[name].type
    return Broken(bench.groups.set_column(place, name, pa.array(values, kind)))


def the_first_action_in_place_of_the_strongest(bench: Bench) -> Broken:
    rows = bench.groups.to_pylist()
    key = ("user_id", "request_id", "item_id")
    first: dict[tuple[int, ...], tuple[int, int]] = {}
    for pair in bench.pairs.collect():
        found = (pair["click_us"], pair["action"])
        of = tuple(pair[name] for name in key)
        first[of] = min(found, first.get(of, found))
    actions = [first[tuple(row[name] for name in key)][1] for row in rows]
    return _groups(bench, "action", actions)


def labels_say_the_strongest_action_only(bench: Bench) -> Broken:
    """A cart before a purchase is lost, as where one action is made into a label."""
    strongest = {n: F.col("action_type") == n for n in bench.config.positives.labels}

    def change(rows: DataFrame) -> DataFrame:
        labels = {f"label_{n}": is_it.cast("int") for n, is_it in strongest.items()}
        delays = {
            f"label_{n}_delay_ms": F.when(is_it, F.col(f"label_{n}_delay_ms"))
            for n, is_it in strongest.items()
        }
        return rows.withColumns(labels | delays)

    return _everywhere(bench, ("positives", "training_samples"), change)


def delays_of_labels_are_of_the_click(bench: Bench) -> Broken:
    delay = F.when(F.col("label_buy") == 1, F.col("click_delay_ms"))
    return _ranking(bench, label_buy_delay_ms=delay)


def labels_of_what_was_not_clicked(bench: Bench) -> Broken:
    return _ranking(bench, label_cart=F.greatest("label_cart", 1 - F.col("label")))


def half_of_a_sum_is_lost(bench: Bench) -> Broken:
    half = F.ceil(F.col("dwell_ms") / 2).cast("double")
    seen = [name for name in _SAMPLES if "dwell_ms" in bench.tables[name].columns]
    return _everywhere(bench, tuple(seen), lambda rows: rows.withColumn("dwell_ms", half))


def values_of_impressions_are_lost(bench: Bench) -> Broken:
    return _ranking(bench, dwell_ms=F.lit(None).cast("double"))


def weights_know_no_unit(bench: Bench) -> Broken:
    by_value = F.coalesce(F.log1p("dwell_ms"), F.lit(1.0))
    weight = {"favourite": 2.0, "buy": 5.0}
    of_action = F.coalesce(
        *(F.when(F.col("action_type") == n, F.lit(w)) for n, w in weight.items()), F.lit(1.0)
    )
    names = ("positives", "training_samples")
    return _everywhere(
        bench, names, lambda rows: rows.withColumn("sample_weight", of_action * by_value)
    )


def positions_count_from_0(bench: Bench) -> Broken:
    return _groups(bench, "position", [p - 1 for p in bench.groups["position"].to_pylist()])


def undo_weights_are_multiplied_in(bench: Bench) -> Broken:
    weight = F.col("sample_weight") * F.col("undo_weight")
    return _everywhere(bench, _SAMPLES, lambda rows: rows.withColumn("sample_weight", weight))


def splits_go_by_request(bench: Bench) -> Broken:
    number = F.pmod(F.xxhash64("request_id"), F.lit(10))
    split = F.when(number < 2, "test").when(number < 4, "valid").otherwise("train")
    return _everywhere(bench, PLACED, lambda rows: rows.withColumn("split", split))


def shards_go_by_user(bench: Bench) -> Broken:
    shard = F.pmod(F.xxhash64("user_id"), F.lit(bench.config.shards)).cast("int")
    return _everywhere(bench, PLACED, lambda rows: rows.withColumn("shard", shard))


def rows_lie_in_the_order_of_users(bench: Bench) -> Broken:
    key = F.shiftleft(F.col("user_id").cast("bigint"), 8)
    return _everywhere(bench, PLACED, lambda rows: rows.withColumn("shuffle_key", key))


def another_hash_shuffles(bench: Bench) -> Broken:
    key = F.xxhash64("shuffle_key")
    return _everywhere(bench, PLACED, lambda rows: rows.withColumn("shuffle_key", key))


def easy_negatives_have_an_order_of_their_own(bench: Bench) -> Broken:
    key = F.xxhash64("shuffle_key", "draw_no")
    names = ("easy_negatives",)
    return _everywhere(bench, names, lambda rows: rows.withColumn("shuffle_key", key))


def negatives_are_of_the_date(bench: Bench) -> Broken:
    """As if features were joined as of the first moment of the date."""
    start = F.timestamp_micros(F.lit(DAY.start_us))
    names = ("easy_negatives", "hard_negatives")
    return _everywhere(bench, names, lambda rows: rows.withColumn("impression_ts", start))


def q_has_no_sum_of_1(bench: Bench) -> Broken:
    larger = F.col("q") * F.lit(1.25)
    names = ("item_stats", "easy_negatives")
    return _everywhere(bench, names, lambda rows: rows.withColumn("q", larger))


def _stats(bench: Bench, **columns: Column) -> Broken:
    return Broken(tables={"item_stats": bench.tables["item_stats"].withColumns(columns)})


def in_batch_q_is_of_shown_items(bench: Bench) -> Broken:
    shown = bench.tables["item_stats"].agg(F.sum("impressions")).collect()[0][0]
    return _stats(bench, in_batch_q=F.col("impressions") / F.lit(shown))


def the_least_clicked_item_comes_first(bench: Bench) -> Broken:
    both_ends = bench.tables["item_stats"].count() + 5
    return _stats(bench, item_idx=F.lit(both_ends) - F.col("item_idx"))


def items_have_the_category_of_the_next_one(bench: Bench) -> Broken:
    rows = bench.tables["item_stats"]
    of_next = rows.select((F.col("item_id") - 1).alias("item_id"), F.col("category").alias("other"))
    moved = rows.join(of_next, "item_id", how="left").withColumn("category", F.col("other"))
    return Broken(tables={"item_stats": moved.select(rows.columns)})


def what_is_carried_of_users_is_of_the_next_one(bench: Bench) -> Broken:
    log = bench.logs["users"].frame
    of_next = log.select((F.col("user_id") - 1).alias("user_id"), F.col("segment").alias("other"))

    def moved(rows: DataFrame) -> DataFrame:
        joined = rows.join(of_next.distinct(), "user_id", how="left")
        return joined.withColumn("segment", F.col("other"))

    return _everywhere(bench, ("positives", "training_samples", "ranking_samples"), moved)


def what_is_carried_is_of_the_strongest_click(bench: Bench) -> Broken:
    names = ("positives", "training_samples")
    return _everywhere(
        bench, names, lambda rows: rows.withColumn("first_action", F.col("action_type"))
    )


def duplicates_count_as_impressions(bench: Bench) -> Broken:
    twice = F.col("impressions") + (F.col("impressions") > 0).cast("bigint")
    return _stats(bench, impressions=twice)


def _ranking(bench: Bench, **columns: Column) -> Broken:
    return Broken(tables={"ranking_samples": bench.tables["ranking_samples"].withColumns(columns)})


def clicks_of_one_user_are_lost(bench: Bench) -> Broken:
    rows = bench.tables["ranking_samples"]
    user = rows.where("label = 1").agg(F.min("user_id")).collect()[0][0]
    lost = F.col("user_id") == user
    names = ["click_ts", "action_type", *bench.config.positives.values]
    names += [name for name in rows.columns if name.endswith("_delay_ms")]
    labels = ["label", *(f"label_{action}" for action in bench.config.positives.labels)]
    return _ranking(
        bench,
        **{name: F.when(lost, 0).otherwise(F.col(name)) for name in labels},
        **{name: F.when(~lost, F.col(name)) for name in names},
    )


def labels_are_of_another_impression(bench: Bench) -> Broken:
    """As many clicks at the same times, but each of the impression after its own."""
    rows = bench.tables["ranking_samples"]
    table = rows.toArrow()
    moved = table.column_names
    names = ("label", "click_ts", "action_type", "click_delay_ms", "impression_ts")
    for name in (*names, *(n for n in moved if n.startswith(("label_", "dwell_")))):
        values = table[name].to_pylist()
        column = pa.array([values[-1], *values[:-1]], table[name].type)
        table = table.set_column(moved.index(name), table.schema.field(name), column)
    found = bench.scratch.stored(table, f"moved-{bench.scratch.tag}")
    return Broken(tables={"ranking_samples": found.select(rows.columns)})


def labels_know_the_latest_click(bench: Bench) -> Broken:
    """Each click a second later than it was."""
    return _ranking(
        bench,
        click_ts=F.timestamp_micros(F.unix_micros("click_ts") + 1_000_000),
        click_delay_ms=F.col("click_delay_ms") + 1_000,
    )


def places_of_impressions_count_from_0(bench: Bench) -> Broken:
    return _ranking(bench, position=F.col("position") - 1)


def impressions_are_an_hour_late(bench: Bench) -> Broken:
    """Of those without a click, for which nothing else tells."""
    late = F.timestamp_micros(F.unix_micros("impression_ts") + F.lit(3_600_000_000))
    moved = F.when(F.col("label") == 0, late).otherwise(F.col("impression_ts"))
    return _ranking(bench, impression_ts=moved)


def carried_columns_are_swapped(bench: Bench) -> Broken:
    first, second = bench.config.carry

    def swapped(rows: DataFrame) -> DataFrame:
        return rows.withColumns({first: F.col(second), second: F.col(first)})

    return _everywhere(bench, ("positives", "training_samples", "ranking_samples"), swapped)


def rows_are_mature_too_early(bench: Bench) -> Broken:
    names = (*_SAMPLES, "ranking_samples", "cascade_samples")
    later = {n: log for n, log in bench.logs.items() if n != "clicks"}
    dates = tuple(one for one in bench.logs["clicks"].dates or () if one <= DAY.date)
    logs = later | {"clicks": replace(bench.logs["clicks"], dates=dates)}
    return Broken(evidence={"logs": logs}, tables={n: bench.tables[n] for n in names})


def delays_are_in_seconds(bench: Bench) -> Broken:
    return _ranking(bench, click_delay_ms=F.floor(F.col("click_delay_ms") / 1_000).cast("bigint"))


def labels_without_clicks(bench: Bench) -> Broken:
    shown_first = F.when(F.col("position") == 1, 1).otherwise(F.col("label"))
    return _ranking(bench, label=shown_first)


def incl_prob_is_a_constant(bench: Bench) -> Broken:
    """What 6 of 17.5 candidates would be, on the average."""
    long, chance = bench.tables["hard_negatives"], F.lit(6 / 17.5)
    constant = F.transform("neg_incl_prob", lambda known: F.when(known.isNotNull(), chance))
    names = ("training_samples_pointwise",)
    pointwise = F.when(F.col("incl_prob").isNotNull(), chance)
    samples = bench.tables["training_samples"].withColumn("neg_incl_prob", constant)
    others = _everywhere(bench, names, lambda rows: rows.withColumn("incl_prob", pointwise))
    changed = {"hard_negatives": long.withColumn("incl_prob", chance), "training_samples": samples}
    return Broken(tables={**others.tables, **changed})


def incl_prob_is_turned_over(bench: Bench) -> Broken:
    chances = [[1.0 / chance for chance in of] for of in bench.groups["hard_incl_prob"].to_pylist()]
    return _groups(bench, "hard_incl_prob", chances)
