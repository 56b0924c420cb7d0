"""Weak positives beside the impressions without a click, chosen a second time."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import POSITIVES, Figure, Measurement, none_of
from winnow.audit.recompute.kept_negatives import impressions_of_log
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.popularity import first_unknown_us
from winnow.audit.recompute.request_sample import of_some_requests, one_in_so_many, requests_note
from winnow.audit.recompute.staged_rows import KEY, first_rows, positives_of, strengths_of
from winnow.config.positives import Weak
from winnow.config.tree import Config

WEAK_POSITIVES_DIFFER = none_of(
    "weak_positives_differ",
    POSITIVES,
    "weak positives that the impression log does not show on the date at that time, or that were "
    "clicked, or that the hash does not keep; those that are missing; and those with a click, an "
    "action, or another keep_prob, undo_weight or sample_weight than the config says",
)

_UPPER_53_BITS = 2.0**53


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the weak positives, where there may be any."""
    positives = positives_of(evidence.staged)
    if evidence.config.positives.weak is not None and positives is not None:
        rows = positives.rows
        yield Measurement([WEAK_POSITIVES_DIFFER.promised()], lambda: _of_logs(evidence, rows))


def _of_logs(evidence: Evidence, positives: DataFrame) -> Figure:
    """Compare the ids and times of some requests, by joining both sides."""
    config, weak = evidence.config, evidence.config.positives.weak
    assert weak is not None
    one_in = one_in_so_many(evidence.counts["impressions"].valid, evidence.scratch.limits)
    begins = first_unknown_us(config, evidence.day)
    shown = (
        of_some_requests(impressions_of_log(evidence), one_in)
        .where((F.col("event_us") >= begins) & _below(weak.share, config))
        .groupBy(*KEY)
        .agg(F.min("event_us").alias("shown_us"))
    )
    clicked = of_some_requests(date_pairs(evidence).rows, one_in).select(*KEY).distinct()
    wanted = shown.join(clicked, list(KEY), how="left_anti")
    stated = strengths_of(of_some_requests(first_rows(positives), one_in), "weak").select(
        *KEY, F.unix_micros("impression_ts").alias("stated_us"), _as_said(weak).alias("right")
    )
    both = wanted.join(stated, list(KEY), how="full")
    fits = F.col("right") & (F.col("shown_us") == F.col("stated_us"))
    wrong = both.agg(F.count_if(~F.coalesce(fits, F.lit(False))).alias("n")).collect()[0]["n"]
    return WEAK_POSITIVES_DIFFER.figure(int(wrong), detail=requests_note(one_in))


def _as_said(weak: Weak) -> Column:
    """Return whether a row says of itself what the config says of weak positives."""
    nothing = F.col("click_ts").isNull() & F.col("action_type").isNull()
    weighs = F.col("sample_weight") == F.lit(weak.weight)
    undone = F.abs(F.col("undo_weight") * F.lit(weak.share) - 1.0) <= 1e-9
    return nothing & weighs & undone & (F.col("keep_prob") == F.lit(weak.share))


def _below(share: float, config: Config) -> Column:
    hashed = F.xxhash64(F.lit(config.seed), F.lit("weak_positive"), *KEY)
    return F.shiftright(hashed, 11).bitwiseAND(2**53 - 1) < F.lit(share * _UPPER_53_BITS)
