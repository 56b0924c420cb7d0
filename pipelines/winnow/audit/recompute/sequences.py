"""user_sequences, made again: of clicks that are known, and of training_samples."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.known_clicks import (
    known_clicks,
    left_out_of_state,
    window_start,
)
from winnow.audit.recompute.user_caps import of_some_users

_TABLE = "user_sequences"
_PLACES = ("seq_us", "seq_is_target", "seq_n_before", "seq_n_before_shown")
_LISTS = ("seq_item_ids", "seq_actions", "seq_us")


def misplaced_elements(evidence: Evidence) -> int:
    """Count, in all rows, elements that do not tell what was strictly before them, or are expired.

    One after the other, in NumPy: of each element the first one that is not of an earlier time.
    """
    first = window_start(evidence)
    rows = evidence.staged[_TABLE].select(*_PLACES, *_LISTS[:2])
    counted = partial(_counted, first_us=first)
    found = rows.mapInArrow(counted, "n bigint").agg(F.sum("n").alias("n")).collect()
    return int(found[0]["n"] or 0)


def _counted(batches: Iterable[pa.RecordBatch], *, first_us: int) -> Iterator[pa.RecordBatch]:
    """Give how many elements are wrong in each batch, for ``mapInArrow``."""
    for batch in batches:
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        wrong = sum(_misplaced(row, first_us) for row in rows)
        yield pa.RecordBatch.from_pydict({"n": pa.array([wrong], pa.int64())})


def _misplaced(row: Sequence[Sequence[Any]], first_us: int) -> int:
    """Count what is wrong with one sequence: its lists, ``_PLACES`` first."""
    us, is_target, before, shown = row[:4]
    n = len(us)
    if {len(one) for one in row} != {n}:
        return max(n, 1)
    times = np.array(us, np.int64)
    # How many are earlier, whatever their order is: a sequence that is out of order is wrong too.
    earlier = np.searchsorted(np.sort(times), times)
    wrong = (earlier != np.array(before)) | (times < first_us)
    wrong[1:] |= times[1:] < times[:-1]
    for place in range(n):
        known = shown[place]
        fits = known is not None and 0 <= known <= before[place]
        wrong[place] |= not fits if is_target[place] else known is not None
    return int(wrong.sum()) + int(not any(is_target))


def wrong_targets(evidence: Evidence) -> int:
    """Count targets that are no positives, positives that are no target, and wrong moments.

    In all rows: ``seq_n_before_shown`` is how many elements are before the earliest impression that
    training_samples has of the item with that click.
    """
    position = F.posexplode("seq_is_target").alias("place", "is_target")
    # Behind the last element comes one that is never before anything.
    us = F.concat(F.col("seq_us"), F.array(F.lit(2**62).cast("bigint")))
    rows = evidence.staged[_TABLE].select("*", position).where("is_target").withColumn("all_us", us)
    known = F.element_at("seq_n_before_shown", F.col("place") + 1)
    stated = rows.select(
        "user_id",
        F.element_at("seq_item_ids", F.col("place") + 1).alias("item_id"),
        F.element_at("seq_us", F.col("place") + 1).alias("click_us"),
        F.element_at("all_us", F.greatest(known, F.lit(1))).alias("last_us"),
        F.element_at("all_us", known + 1).alias("next_us"),
        known.alias("known"),
    )
    wanted = _positives(evidence)
    both = stated.join(wanted, ["user_id", "item_id", "click_us"], how="full")
    shown = F.col("shown_us")
    holds = (F.col("next_us") >= shown) & ((F.col("known") == 0) | (F.col("last_us") < shown))
    wrong = F.count_if(~F.coalesce(holds, F.lit(False)))
    found = both.agg(wrong.alias("n")).collect()[0]["n"]
    return int(found)


def _positives(evidence: Evidence) -> DataFrame:
    """Return the clicks of kept positives: ``user_id, item_id, click_us``, ``shown_us``, ``code``.

    ``shown_us`` is the earliest impression, of what was not shown the click.
    """
    click = F.unix_micros("click_ts")
    shown = F.coalesce(F.unix_micros("impression_ts"), click)
    codes = enumerate(evidence.config.positives.actions)
    code = F.coalesce(*(F.when(F.col("action_type") == name, F.lit(i)) for i, name in codes))
    rows = evidence.staged["training_samples"].where(F.col("click_ts").isNotNull())
    if evidence.config.positives.others:
        rows = rows.where("label_strength != 'weak'")
    return (
        rows.select(
            "user_id", "item_id", click.alias("click_us"), shown.alias("us"), code.alias("c")
        )
        .groupBy("user_id", "item_id", "click_us")
        .agg(F.min("us").alias("shown_us"), F.min("c").alias("code"))
    )


def wrong_sequences(evidence: Evidence, one_in: int) -> int:
    """Count users whose sequence is not what they clicked, as far as it is known, and the targets.

    Args:
        evidence: The tables, the earlier state and the logs.
        one_in: One in so many users is looked at.
    """
    length, start = evidence.config.requests.history_length, evidence.day.start_us
    positives = of_some_users(_positives(evidence), one_in)
    users = positives.select("user_id").distinct()
    clicks = known_clicks(evidence, one_in).join(users, "user_id", how="left_semi")
    names = F.array(*(F.lit(name) for name in evidence.config.positives.actions))
    of_positives = positives.select(
        "user_id",
        F.col("click_us").alias("us"),
        F.col("item_id").alias("item"),
        "code",
        F.element_at(names, F.col("code") + 1).alias("action"),
        F.lit(1).alias("is_positive"),
    )
    both = clicks.withColumn("is_positive", F.lit(0)).unionByName(of_positives)
    # A positive is an element of its own where no click of its user is that of its item.
    at_once = Window.partitionBy("user_id", "us", "item")
    alone = F.min("is_positive").over(at_once)
    everything = both.withColumn("alone", alone).where("is_positive = alone")
    is_old = F.col("us") < start
    latest = Window.partitionBy("user_id", is_old).orderBy(
        F.col("us").desc(), F.col("item").desc(), F.col("code").desc()
    )
    ranked = everything.withColumn("back", F.row_number().over(latest))
    too_many = is_old & (F.col("back") > length)
    one = F.struct("us", "item", "code", "action")
    wanted = (
        ranked.groupBy("user_id")
        .agg(
            F.array_sort(F.collect_list(F.when(~too_many, one))).alias("all"),
            F.count_if(too_many).alias("n_too_many"),
        )
    )  # fmt: skip
    before = evidence.history.before
    if before is None:
        wanted = wanted.withColumn("n_before", F.lit(0))
    else:
        left = left_out_of_state(before, evidence, one_in)
        wanted = wanted.join(
            left.groupBy("user_id").agg(F.sum("n").alias("n_before")), "user_id", how="left"
        )
    stated = of_some_users(evidence.staged[_TABLE], one_in)
    types = dict(stated.dtypes)
    both = stated.select("user_id", *_LISTS, "seq_left_out").join(wanted, "user_id", how="full")
    same = F.col("seq_left_out") == F.col("n_too_many") + F.coalesce("n_before", F.lit(0))
    for name, field in zip(_LISTS, ("item", "action", "us"), strict=True):
        same &= F.col(name) == _each(field).cast(types[name])
    wrong = F.count_if(~F.coalesce(same, F.lit(False)))
    return int(both.agg(wrong.alias("n")).collect()[0]["n"])


def _each(field: str) -> Column:
    return F.transform("all", lambda one: getattr(one, field))
