"""Weak positives beside the impressions without a click, chosen a second time."""

from collections.abc import Iterator
from functools import partial

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import POSITIVES, Figure, Measurement, none_of
from winnow.audit.recompute.other_strengths import Some, thinned, weak_of_logs
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.audit.recompute.staged_rows import KEY, first_rows, positives_of, strengths_of
from winnow.config.positives import Weak

WEAK_POSITIVES_DIFFER = none_of(
    "weak_positives_differ",
    POSITIVES,
    "weak positives that the impression log does not show on the date at that time, or that were "
    "clicked, or that the hash does not keep; those that are missing; and those with a click, an "
    "action, or another keep_prob, undo_weight or sample_weight than the config says",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the weak positives, where there may be any."""
    positives = positives_of(evidence.staged)
    if evidence.config.positives.weak is not None and positives is not None:
        rows = positives.rows
        yield Measurement([WEAK_POSITIVES_DIFFER.promised()], lambda: _of_logs(evidence, rows))


def _of_logs(evidence: Evidence, positives: DataFrame) -> Figure:
    """Compare the ids and times of some requests, by joining both sides.

    Which of them stay where a cap counts them as well is looked at with the cap.
    """
    weak = evidence.config.positives.weak
    assert weak is not None
    one_in = one_in_so_many(evidence.counts["impressions"].valid, evidence.scratch.limits)
    some: Some = partial(of_some_requests, one_in=one_in)
    wanted = thinned(evidence, weak_of_logs(evidence, some), "weak-wanted", asked=weak.thinned)
    stated = strengths_of(some(first_rows(positives)), "weak").select(
        *KEY,
        F.unix_micros("impression_ts").alias("stated_us"),
        "keep_prob",
        _as_said(weak, positives).alias("right"),
    )
    both = wanted.join(stated, list(KEY), how="full")
    likely = F.abs(F.col("keep_prob") - F.col("keep") * F.lit(weak.share)) <= 1e-12
    fits = F.col("right") & (F.col("shown_us") == F.col("stated_us")) & likely
    if weak.capped:
        fits = fits | F.col("stated_us").isNull()
    wrong = both.agg(F.count_if(~F.coalesce(fits, F.lit(False))).alias("n")).collect()[0]["n"]
    return WEAK_POSITIVES_DIFFER.figure(int(wrong), detail=requests_note(one_in))


def _as_said(weak: Weak, positives: DataFrame) -> Column:
    """Return whether a row says of itself what the config says of weak positives."""
    nothing = F.col("click_ts").isNull() & F.col("action_type").isNull()
    weighs = F.col("sample_weight") == F.lit(weak.weight)
    return nothing & weighs & is_undone(positives, capped=weak.capped)


def is_undone(positives: DataFrame, *, capped: bool) -> Column:
    """Return whether undo_weight undoes keep_prob, and the cap, where that counts the row."""
    chance = F.col("keep_prob")
    if capped and "cap_prob" in positives.columns:
        chance = chance * F.col("cap_prob")
    return F.abs(F.col("undo_weight") * chance - 1.0) <= 1e-9
