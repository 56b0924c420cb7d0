"""What each positive was given beside what was asked for: the mix, the lists, and the shortfall."""

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.gate import MIX, Figure, Gate, Measurement, at_most, none_of
from winnow.audit.gates.row_rules import INCL_PROB_DIFFERS
from winnow.audit.recompute.chances import drawn_evenly, with_chances
from winnow.audit.recompute.quotas import exceeds_quota
from winnow.audit.recompute.row_sample import RowSample, aggregate, positives_sample
from winnow.audit.recompute.staged_rows import NEGATIVE_LISTS, of_stage
from winnow.config.gates import Bounds, GateBounds
from winnow.config.tree import Config

NEGATIVES_UNACCOUNTED = none_of(
    "negatives_unaccounted",
    MIX,
    "positives whose easy, hard, fill and missing negatives do not add up to the request",
)
LISTS_UNEVEN = none_of(
    "lists_uneven",
    MIX,
    "positives whose lists of negatives differ in length from their counts",
)
SHORTFALL_UNEXPLAINED = none_of(
    "shortfall_unexplained",
    MIX,
    "positives whose reasons do not add up to fill and shortfall",
)
MIX_DIFFERS = none_of(
    "mix_differs",
    MIX,
    "positives whose easy or hard negatives, with those that are missing for a reason, are not as "
    "many as configured",
)
SOURCES_DIFFER = none_of(
    "sources_differ",
    MIX,
    "positives whose negatives are of other sources than their counts tell, or more of a source or "
    "a stage than it was asked for",
)
HARD_SHARE = Gate(
    "hard_share",
    MIX,
    "share",
    "hard negatives of stages found among those asked for, less one, of requests with ranking rows",
    GateBounds(warn=Bounds(least=-0.1, most=0.0)),
)
SHORTFALL_SHARE = at_most(
    "shortfall_share",
    MIX,
    "share",
    "negatives missing for this reason, filled or not, among all asked for",
    warn=0.1,
)

OF_CHOICE = (
    "request_not_logged",
    "pool_too_small",
    "all_forbidden",
    "positive_not_scored",
    "nothing_rejected",
    "no_other_request",
)
OF_DRAWS = ("catalogue_exhausted", "group_unknown", "group_exhausted", "recall_unknown")
REASONS = (*OF_CHOICE, *OF_DRAWS)
"""Why a negative that was asked for is missing."""

_SUMS = ("requested", "easy", "hard", "fill", "shortfall", *REASONS)
_SAMPLES = "training_samples"


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure training_samples, where it is written."""
    if _SAMPLES in evidence.staged:
        yield Measurement(
            [
                NEGATIVES_UNACCOUNTED.promised(),
                LISTS_UNEVEN.promised(),
                SHORTFALL_UNEXPLAINED.promised(),
                MIX_DIFFERS.promised(),
                SOURCES_DIFFER.promised(),
                INCL_PROB_DIFFERS.promised(_SAMPLES),
            ],
            lambda: mix_figures(_counts(evidence), evidence.config, positives_sample(evidence)),
        )


def given_negatives(evidence: Evidence) -> Mapping[str, int]:
    """Return sums over all positives: what they were given, and what is missing for each reason.

    ``positives``, ``requested``, ``easy``, ``hard``, ``fill``, ``shortfall``, and each reason; by
    the sample groups where training_samples is not written or could not be counted.
    """
    if _SAMPLES not in evidence.staged:
        return evidence.totals
    try:
        counts = _counts(evidence)
    except Exception:
        # Its own gates say so.
        return evidence.totals
    return {"positives": counts["rows"], **{name: int(counts[name] or 0) for name in _SUMS}}


@once
def _counts(evidence: Evidence) -> dict[str, Any]:
    return count_negatives(evidence.staged[_SAMPLES], evidence.config, positives_sample(evidence))


def count_negatives(samples: DataFrame, config: Config, row_sample: RowSample) -> dict[str, Any]:
    """Check requested = easy + hard + fill + shortfall on every row, and the mix.

    Args:
        samples: training_samples, staged.
        config: The mix.
        row_sample: The positives whose lists are looked into; the ids of all are counted.

    Returns:
        ``rows``; those that are ``unbalanced``, ``unexplained``, ``uneven`` or ``unlikely``, have
        ``few_ids``, another mix (``differs``) or too many of a source (``exceeding``); ``logged``
        ones with their ``hard_of_logged``; and sums over all rows: ``requested``, ``easy``,
        ``hard``, ``fill``, ``shortfall``, and the missing negatives of each reason.

    Raises:
        ValueError: Too few positives lie in the row sample.
    """
    n_easy, n_hard, n_fill = F.col("n_easy"), F.col("n_hard"), F.col("n_fill")
    given, shortfall = n_easy + n_hard + n_fill, F.col("shortfall")
    ids, *others = NEGATIVE_LISTS
    others += [name for name in samples.columns if name == "neg_mixture_log_q"]
    few_ids, uneven = F.size(ids) != given, F.lit(False)
    for name in others:
        uneven = uneven | (F.size(name) != given)
    missing = F.aggregate("shortfall_counts", F.lit(0), lambda total, n: total + n)
    of_reason = {reason: _missing(reason) for reason in REASONS}
    not_drawn = reduce(Column.__add__, [of_reason[reason] for reason in OF_DRAWS])
    hard_missing = missing - not_drawn
    # A missing negative is filled, unless there is nothing left to draw from: of the catalogue no
    # negative of any kind is then there, of a group that others do not draw from anything may be.
    nothing_left = n_fill == 0
    if config.negatives.fills_from_everything:
        nothing_left = (n_fill + n_easy + n_hard) == 0
    wrong_fill = n_fill != 0
    if config.negatives.fills:
        wrong_fill = (n_fill != missing) & ~nothing_left
        if config.negatives.drawn[-1].distinct:
            # Of items that come once there may be some, and too few: how many is not known here.
            wrong_fill = n_fill > missing
    differs = (
        (F.col("n_requested") != config.negatives.per_positive)
        | (n_hard + hard_missing != config.negatives.n_hard)
        | (n_easy + not_drawn != config.negatives.n_easy)
        | wrong_fill
    )
    sums = {
        "requested": F.col("n_requested"), "easy": n_easy, "hard": n_hard, "fill": n_fill,
        "shortfall": shortfall, **of_reason,
    }  # fmt: skip
    logged, of_stages = of_reason["request_not_logged"] == 0, n_hard
    if config.negatives.feedback is not None or config.negatives.other_requests is not None:
        of_stages = F.size(F.filter("neg_source", lambda source: of_stage(source, config)))
    return aggregate(
        with_chances(samples),
        row_sample,
        {
            "rows": F.count(F.lit(1)),
            "few_ids": F.count_if(few_ids),
            "unbalanced": F.count_if(F.col("n_requested") != given + shortfall),
            "unexplained": F.count_if(missing != n_fill + shortfall),
            "differs": F.count_if(differs),
            "logged": F.count_if(logged),
            "hard_of_logged": F.sum(F.when(logged, of_stages)),
            **{name: F.sum(column) for name, column in sums.items()},
        },
        {
            "uneven": F.count_if(~few_ids & uneven),
            "unlikely": F.count_if(~F.coalesce(drawn_evenly(config), F.lit(False))),
            "exceeding": F.count_if(F.coalesce(exceeds_quota(config), F.lit(True))),
        },
    )


def mix_figures(counts: Mapping[str, Any], config: Config, row_sample: RowSample) -> list[Figure]:
    """Return the figures of ``count_negatives``."""
    detail = row_sample.described()
    detail_of_lists = f"{detail}, at the ids of all" if detail else ""
    figures = [
        NEGATIVES_UNACCOUNTED.figure(counts["unbalanced"]),
        LISTS_UNEVEN.figure(counts["few_ids"] + counts["uneven"], detail=detail_of_lists),
        SHORTFALL_UNEXPLAINED.figure(counts["unexplained"]),
        MIX_DIFFERS.figure(counts["differs"]),
        SOURCES_DIFFER.figure(counts["exceeding"], detail=detail),
        INCL_PROB_DIFFERS.figure(counts["unlikely"], _SAMPLES, detail=detail),
    ]
    if config.negatives.n_of_stages > 0 and counts["logged"]:
        asked = counts["logged"] * config.negatives.n_of_stages
        found = (counts["hard_of_logged"] or 0) / asked - 1.0
        figures.append(HARD_SHARE.figure(found, detail=f"{asked:,} asked for"))
    missing = {reason: int(counts[reason] or 0) for reason in REASONS}
    return figures + [
        SHORTFALL_SHARE.figure(n / counts["requested"], reason)
        for reason, n in missing.items()
        # Few users ever reject anything, and many have one request, so that of it is no news.
        if n and reason not in ("nothing_rejected", "no_other_request")
    ]


def _missing(reason: str) -> Column:
    pairs = F.arrays_zip("shortfall_reasons", "shortfall_counts")
    return F.aggregate(
        F.filter(pairs, lambda pair: pair["shortfall_reasons"] == reason),
        F.lit(0),
        lambda total, pair: total + pair["shortfall_counts"],
    )
