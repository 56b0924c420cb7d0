"""Organic positives beside the clicks that fit no impression, found a second time."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import POSITIVES, Figure, Measurement, none_of
from winnow.audit.recompute.pairs import click_of_log, date_pairs
from winnow.audit.recompute.popularity import first_unknown_us
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.staged_rows import first_rows, positives_of, strengths_of
from winnow.audit.recompute.user_caps import of_some_users
from winnow.config.positives import Organic
from winnow.contracts.rows import valid_rows

ORGANIC_POSITIVES_DIFFER = none_of(
    "organic_positives_differ",
    POSITIVES,
    "organic positives that no click of the date makes which fits no impression, with the time of "
    "the first and the strongest action; those that are missing; and those with a position, or "
    "another keep_prob or undo_weight than 1",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the organic positives, where there may be any."""
    positives, organic = positives_of(evidence.staged), evidence.config.positives.organic
    if organic is not None and positives is not None:
        rows = positives.rows
        yield Measurement(
            [ORGANIC_POSITIVES_DIFFER.promised()], lambda: _of_logs(evidence, rows, organic)
        )


def _of_logs(evidence: Evidence, positives: DataFrame, organic: Organic) -> Figure:
    config, at = evidence.config, F.col("event_us")
    one_in = one_in_so_many(evidence.counts["clicks"].valid, evidence.scratch.limits)
    begins, ends = first_unknown_us(config, evidence.day), evidence.day.end_us
    codes = enumerate(config.positives.actions)
    code = F.coalesce(*(F.when(F.col("action_type") == name, F.lit(i)) for i, name in codes))
    clicks = of_some_users(valid_rows(evidence.logs["clicks"]), one_in).where(
        (at >= begins) & (at < ends) & F.col("action_type").isin(*organic.actions)
    )
    told = clicks.select("user_id", "item_id", at.alias("us"), code.alias("code"), _click())
    alone = told.join(date_pairs(evidence).clicks, "click", how="left_anti")
    pair = ("user_id", "item_id")
    wanted = alone.groupBy(*pair).agg(F.min("us").alias("us"), F.max("code").alias("code"))
    rows = strengths_of(of_some_users(first_rows(positives), one_in), "organic")
    times = (F.unix_micros("click_ts"), F.unix_micros("impression_ts"))
    plain = (F.col("keep_prob") == 1.0) & F.col("position").isNull() & (times[0] == times[1])
    if "undo_weight" in rows.columns:
        plain = plain & (F.abs(F.col("undo_weight") - 1.0) <= 1e-9)
    stated = rows.groupBy(*pair).agg(
        F.count(F.lit(1)).alias("n"),
        F.min(times[0]).alias("stated_us"),
        F.max(code).alias("stated_code"),
        F.bool_and(plain).alias("plain"),
    )
    both = wanted.join(stated, list(pair), how="full")
    fits = F.col("plain") & (F.col("n") == 1) & (F.col("us") == F.col("stated_us"))
    fits = fits & (F.col("code") == F.col("stated_code"))
    wrong = both.agg(F.count_if(~F.coalesce(fits, F.lit(False))).alias("n")).collect()[0]["n"]
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return ORGANIC_POSITIVES_DIFFER.figure(int(wrong), detail=detail)


def _click() -> Column:
    return click_of_log().alias("click")
