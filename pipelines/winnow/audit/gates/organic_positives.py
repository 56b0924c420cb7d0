"""Organic positives beside the clicks that fit no impression, found a second time."""

from collections.abc import Iterator
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import POSITIVES, Figure, Measurement, none_of
from winnow.audit.gates.weak_positives import is_undone
from winnow.audit.recompute.other_strengths import Some, action_place, organic_of_logs, thinned
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.staged_rows import first_rows, positives_of, strengths_of
from winnow.audit.recompute.user_caps import of_some_users
from winnow.config.positives import Organic

ORGANIC_POSITIVES_DIFFER = none_of(
    "organic_positives_differ",
    POSITIVES,
    "organic positives that no click of the date makes which fits no impression, with the time of "
    "the first and the strongest action; those that are missing; and those with a position, or "
    "another keep_prob or undo_weight than 1, or than thinning and cap make where they are asked",
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
    one_in = one_in_so_many(evidence.counts["clicks"].valid, evidence.scratch.limits)
    some: Some = partial(of_some_users, one_in=one_in)
    found = organic_of_logs(evidence, some)
    wanted = thinned(evidence, found, "organic-wanted", asked=organic.thinned)
    rows, pair = strengths_of(some(first_rows(positives)), "organic"), ("user_id", "item_id")
    times = (F.unix_micros("click_ts"), F.unix_micros("impression_ts"))
    plain = F.col("position").isNull() & (times[0] == times[1])
    if "undo_weight" in rows.columns:
        plain = plain & is_undone(rows, capped=organic.capped)
    stated = rows.groupBy(*pair).agg(
        F.count(F.lit(1)).alias("n"),
        F.min(times[0]).alias("stated_us"),
        F.max(action_place(evidence.config)).alias("stated_code"),
        F.max("keep_prob").alias("keep_prob"),
        F.bool_and(plain).alias("plain"),
    )
    both = wanted.join(stated, list(pair), how="full")
    fits = F.col("plain") & (F.col("n") == 1) & (F.col("us") == F.col("stated_us"))
    fits = fits & (F.col("code") == F.col("stated_code"))
    fits = fits & (F.abs(F.col("keep_prob") - F.col("keep")) <= 1e-12)
    if organic.capped:
        # Which of them stay is looked at with the cap.
        fits = fits | F.col("n").isNull()
    wrong = both.agg(F.count_if(~F.coalesce(fits, F.lit(False))).alias("n")).collect()[0]["n"]
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return ORGANIC_POSITIVES_DIFFER.figure(int(wrong), detail=detail)
