"""Negatives that users rejected, beside the log of negative feedback, read again.

Nothing is taken from the sampler: what a positive may get is joined here, row by row.
"""

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.forbidding import listed_items
from winnow.audit.recompute.row_sample import positives_sample
from winnow.audit.recompute.source_rows import OF_POSITIVE, as_positives
from winnow.audit.recompute.staged_rows import positives_of
from winnow.config.sources import NEGATIVE_FEEDBACK
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.dates import CalendarDay
from winnow.events.keys import key_of


def given_feedback(log: Log, config: Config, day: CalendarDay) -> DataFrame:
    """Return the rejections that count: ``user_id``, ``item_id``, ``event_us``, one row each."""
    asked = config.negatives.feedback
    assert asked is not None
    at = F.col("event_us")
    counts = F.col("valid") & (at >= day.shifted(-asked.entry.days).start_us) & (at < day.end_us)
    if asked.entry.types is not None:
        known = F.col("feedback_type").isin(*asked.entry.types)
        counts = counts & F.coalesce(known, F.lit(False))
    return log.frame.where(counts).select("user_id", "item_id", "event_us")


def not_rejected(negatives: DataFrame, given: DataFrame) -> int:
    """Count the negatives whose item their user had not rejected when the positive was shown.

    Args:
        negatives: What ``negatives_of_source`` returned. given: What ``given_feedback`` did.
    """
    first = given.groupBy("user_id", F.col("item_id").alias("neg_item_id")).agg(
        F.min("event_us").alias("first_us")
    )
    met = negatives.join(first, ["user_id", "neg_item_id"], how="left")
    rejected = F.coalesce(F.col("first_us") < F.col("shown_us"), F.lit(False))
    return int(met.agg(F.count_if(~rejected)).collect()[0][0])


def differing_pools(evidence: Evidence, negatives: DataFrame) -> int:
    """Count the positives that got other rejected items than the logs allow, or other chances.

    What the user clicked, or has in a static list, is allowed to no positive of theirs; nor is the
    positive itself, or what is not in the catalogue. Of many positives some are looked at.

    Args:
        evidence: The logs, the tables and the config.
        negatives: What ``negatives_of_source`` returned.
    """
    asked, row_sample = evidence.config.negatives.feedback, positives_sample(evidence)
    positives = positives_of(evidence.staged)
    assert asked is not None and positives is not None
    rows = as_positives(row_sample.of(positives.rows))
    met = rows.join(_allowed(evidence), "user_id")
    before = (F.col("event_us") < F.col("shown_us")) & (F.col("rejected") != F.col("item_id"))
    pools = met.where(before).groupBy(*OF_POSITIVE, "rejected")
    candidates = pools.agg(F.max("event_us").alias("last_us"))
    told = row_sample.of(negatives).select(
        *OF_POSITIVE, F.col("neg_item_id").alias("rejected"), "incl_prob", F.lit(1).alias("chosen")
    )
    both = told.join(candidates, [*OF_POSITIVE, "rejected"], how="full")
    chosen, allowed = F.col("chosen").isNotNull(), F.col("last_us").isNotNull()
    found = both.groupBy(*OF_POSITIVE).agg(
        F.count_if(chosen).alias("n"),
        F.count_if(allowed).alias("pool"),
        F.count_if(chosen & ~allowed).alias("strange"),
        F.count_if(F.col("incl_prob").isNotNull()).alias("told"),
        F.min("incl_prob").alias("least"),
        F.max("incl_prob").alias("most"),
        F.min(F.when(chosen, F.col("last_us"))).alias("oldest"),
        F.max(F.when(~chosen, F.col("last_us"))).alias("left"),
    )
    few = F.col("n") != F.least(F.col("pool"), F.lit(asked.asked))
    wrong = few | (F.col("strange") > 0) | ~_fits(asked.entry.selection)
    return int(found.agg(F.count_if(F.coalesce(wrong, F.lit(True)))).collect()[0][0])


def _fits(selection: str) -> Column:
    """Return whether the chances of a positive, or the times, are those of its selection."""
    if selection == "recent":
        latest = F.coalesce(F.col("left") <= F.col("oldest"), F.lit(True))
        return (F.col("told") == 0) & latest
    chance = F.col("n") / F.col("pool")
    ends = [F.abs(F.col(end) - chance) <= 1e-12 for end in ("least", "most")]
    return (F.col("n") == 0) | ((F.col("told") == F.col("n")) & ends[0] & ends[1])


def _allowed(evidence: Evidence) -> DataFrame:
    """Return the rejections that may become negatives: ``user_id``, ``rejected``, ``event_us``."""
    config, day, logs = evidence.config, evidence.day, evidence.logs
    given = given_feedback(logs[NEGATIVE_FEEDBACK], config, day)
    reach, at = config.exclusion, F.col("event_us")
    first, last = day.shifted(-reach.click_lookback_days), day.shifted(reach.lookahead_days)
    known = ~F.col("filtered") & F.col("user_id").isNotNull() & F.col("item_id").isNotNull()
    inside = known & (at >= first.start_us) & (at < last.end_us)
    clicked = logs["clicks"].frame.where(F.coalesce(inside, F.lit(False)))
    taken = clicked.select("user_id", "item_id")
    if logs["impressions"].keeps_history:
        taken = taken.unionByName(listed_items(logs["impressions"], config, day, evidence.scratch))
    # Those of the rejections alone: there are many more clicks.
    pairs = given.select("user_id", "item_id").distinct()
    taken = taken.join(pairs, ["user_id", "item_id"], how="left_semi").distinct()
    items = date_items(evidence)
    inside_keys = pa.table({"item_key": items.key[items.eligible & items.listed]})
    catalogue = evidence.scratch.stored(inside_keys, "feedback-catalogue")
    left = given.join(taken, ["user_id", "item_id"], how="left_anti").withColumn(
        "item_key", key_of("item_id", config.ids.item)
    )
    of_catalogue = left.join(catalogue, "item_key", how="left_semi")
    return of_catalogue.select("user_id", F.col("item_id").alias("rejected"), "event_us")
