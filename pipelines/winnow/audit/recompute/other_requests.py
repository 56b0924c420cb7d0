"""Negatives that other requests of the user gave, beside impressions and ranking log, read again.

Which request it was, and when, is told by the impressions; that the item was cut or low there is
looked up in the ranking log as for the positive's own request (``hard_pass.py``).
"""

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.forbidding import forbidding_rows
from winnow.audit.recompute.logged_stages import is_of_user, logged_stages
from winnow.audit.recompute.request_lists import taken_items
from winnow.audit.recompute.request_sample import of_some_requests
from winnow.audit.recompute.row_sample import RowSample, row_sample_of
from winnow.audit.recompute.source_rows import OF_POSITIVE, as_positives
from winnow.audit.recompute.staged_rows import positives_of
from winnow.config.sources import OTHER_REQUESTS
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast

_REQUEST = ("user_id", "request_id")
_HOUR_US = 3_600_000_000
_COST = 16
"""A positive here costs about as much as so many elsewhere: all lists of its user are made."""


def rows_as_of_their_requests(evidence: Evidence) -> DataFrame | None:
    """Return the rows of this source in hard_negatives as negatives of the request they are from.

    None where the config asks for none, or the table is not written.
    """
    rows = evidence.staged.get("hard_negatives")
    if rows is None or evidence.config.negatives.other_requests is None:
        return None
    told = rows.where(F.col("source") == OTHER_REQUESTS)
    return told.withColumn("request_id", F.col("from_request_id"))


def unfounded(evidence: Evidence, negatives: DataFrame, one_in: int) -> int:
    """Count the negatives that are of no other request of their user around the positive.

    So are those whose item the ranking log has of the positive's own request.

    Args:
        evidence: The logs and the config.
        negatives: What ``negatives_of_source`` returned, with ``from_request_id``.
        one_in: Those of one in so many requests are looked at.
    """
    rows = of_some_requests(negatives, one_in)
    shown = _shown_requests(evidence).select(
        "user_id",
        F.col("request_id").alias("from_request_id"),
        (F.col("request_us")).alias("from_us"),
    )
    own = logged_stages(evidence, one_in).join(
        broadcast(rows.select(*_REQUEST).distinct(), "request_id"), "request_id"
    )
    ranked = own.where(is_of_user(evidence)).select(
        *_REQUEST, F.col("item_id").alias("neg_item_id"), F.lit(1).alias("ranked")
    )
    met = rows.join(shown, ["user_id", "from_request_id"], how="left").join(
        ranked.distinct(), [*_REQUEST, "neg_item_id"], how="left"
    )
    another = F.col("from_request_id") != F.col("request_id")
    founded = another & _counts(evidence, F.col("from_us")) & F.col("ranked").isNull()
    return int(met.agg(F.count_if(~F.coalesce(founded, F.lit(False)))).collect()[0][0])


def others_sample(evidence: Evidence) -> RowSample:
    """Return of which positives the pools are made again."""
    n = evidence.n_positives * _COST
    return row_sample_of(n, evidence.day, evidence.scratch.limits)


def differing_pools(evidence: Evidence, negatives: DataFrame) -> int:
    """Count the positives that got other items than their user's other requests give, or chances.

    Args:
        evidence: The logs, the tables and the config.
        negatives: What ``negatives_of_source`` returned.
    """
    row_sample, positives = others_sample(evidence), positives_of(evidence.staged)
    asked = evidence.config.negatives.other_requests
    assert asked is not None and positives is not None
    rows = as_positives(row_sample.of(positives.rows))
    key = [*OF_POSITIVE, "neg_item_id"]
    candidates = _candidates(evidence, rows)
    told = row_sample.of(negatives)
    source = [F.col("from_request_id")] if "from_request_id" in told.columns else []
    told = told.select(*key, "incl_prob", F.lit(1).alias("chosen"), *source)
    both = candidates.join(told, key, how="full")
    nearest = F.lit(True)
    if source:
        at_source = F.when(F.col("from_request_id") == F.col("other_id"), F.col("away"))
        nearest = F.coalesce(F.min(at_source) == F.min("away"), F.lit(False))
    items = both.groupBy(*key).agg(
        F.min("away").alias("away"),
        F.max("chosen").alias("chosen"),
        F.max("incl_prob").alias("incl_prob"),
        nearest.alias("nearest"),
    )
    chosen, allowed = F.col("chosen").isNotNull(), F.col("away").isNotNull()
    found = items.groupBy(*OF_POSITIVE).agg(
        F.count_if(chosen).alias("n"),
        F.count_if(allowed).alias("pool"),
        F.count_if(chosen & ~(allowed & F.col("nearest"))).alias("strange"),
        F.count_if(F.col("incl_prob").isNotNull()).alias("told"),
        F.min("incl_prob").alias("least"),
        F.max("incl_prob").alias("most"),
        F.max(F.when(chosen, F.col("away"))).alias("farthest"),
        F.min(F.when(~chosen, F.col("away"))).alias("left"),
    )
    few = F.col("n") != F.least(F.col("pool"), F.lit(asked.asked))
    wrong = few | (F.col("strange") > 0) | ~_fits(asked.entry.selection)
    return int(found.agg(F.count_if(F.coalesce(wrong, F.lit(True)))).collect()[0][0])


def _fits(selection: str) -> Column:
    """Return whether the chances of a positive, or the times, are those of its selection."""
    if selection == "nearest":
        nearest = F.coalesce(F.col("farthest") <= F.col("left"), F.lit(True))
        return (F.col("told") == 0) & nearest
    chance = F.col("n") / F.col("pool")
    ends = [F.abs(F.col(end) - chance) <= 1e-12 for end in ("least", "most")]
    return (F.col("n") == 0) | ((F.col("told") == F.col("n")) & ends[0] & ends[1])


def _counts(evidence: Evidence, other_us: Column) -> Column:
    """Return whether a request that was shown then counts for a positive of ``shown_us``."""
    asked = evidence.config.negatives.other_requests
    assert asked is not None
    apart, most = other_us - F.col("shown_us"), asked.entry.hours * _HOUR_US
    return (apart >= -most) & (apart <= most if asked.entry.side == "either" else apart < 0)


def _shown_requests(evidence: Evidence) -> DataFrame:
    """Return the date's requests by the impressions: ``user_id``, ``request_id``, first time."""
    day, at = evidence.day, F.col("event_us")
    inside = F.col("valid") & (at >= day.start_us) & (at < day.end_us)
    rows = evidence.logs["impressions"].frame.where(inside & F.col("request_id").isNotNull())
    return rows.groupBy(*_REQUEST).agg(F.min("event_us").alias("request_us"))


def _candidates(evidence: Evidence, positives: DataFrame) -> DataFrame:
    """Return what other requests of the user give some positives.

    Returns:
        ``OF_POSITIVE``, ``neg_item_id``, ``other_id`` (the request), ``away`` (bigint, microseconds
        between both); one row for each request that gives it.
    """
    config, logs = evidence.config, evidence.logs
    users = broadcast(positives.select("user_id").distinct(), "user_id")
    requests = _shown_requests(evidence).join(users, "user_id", how="left_semi")
    asked = broadcast(requests, "request_id")
    rows = logged_stages(evidence).join(asked, "request_id").where(is_of_user(evidence))
    listed = evidence.scratch.staged(taken_items(evidence, rows), "other-requests-lists")
    forbidden = forbidding_rows(logs, config, evidence.day, evidence.scratch)
    taken = forbidden[0].unionByName(forbidden[1]).join(users, "user_id", how="left_semi")
    items = date_items(evidence)
    inside = pa.table({"item_key": items.key[items.eligible & items.listed]})
    catalogue = evidence.scratch.stored(inside, "other-requests-catalogue")
    given = (
        listed.where("taken")
        .join(taken.distinct(), ["user_id", "item_id"], how="left_anti")
        .withColumn("item_key", key_of("item_id", config.ids.item))
        .join(catalogue, "item_key", how="left_semi")
        .select(
            "user_id",
            F.col("request_id").alias("other_id"),
            F.col("item_id").alias("neg_item_id"),
            "request_us",
        )
    )
    met = positives.join(given, "user_id")
    away = F.abs(F.col("request_us") - F.col("shown_us"))
    others = met.where(
        (F.col("other_id") != F.col("request_id")) & _counts(evidence, F.col("request_us"))
    )
    own = listed.select(*_REQUEST, F.col("item_id").alias("neg_item_id")).distinct()
    apart = others.join(own, [*_REQUEST, "neg_item_id"], how="left_anti")
    return apart.select(*OF_POSITIVE, "neg_item_id", "other_id", away.alias("away"))
