"""Easy negatives: forbidden ones, wrong probabilities, and whether the draws follow theirs."""

from collections.abc import Iterator

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EASY, Figure, Measurement, at_most, none_of
from winnow.audit.gates.row_rules import table_counts
from winnow.audit.recompute.draws import DrawFigures, Weighed, expected_draws
from winnow.audit.recompute.forbidden import date_draws
from winnow.audit.recompute.items import date_items
from winnow.audit.recompute.row_sample import RowSample, positives_sample
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.audit.statistics import chi_square, occupancy
from winnow.config.tree import Config
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import DEFAULT_LIMITS, Limits

SHOWN_NEGATIVES = none_of(
    "shown_negatives",
    EASY,
    "negatives, easy or hard, that their user was shown in the exclusion window",
)
CLICKED_NEGATIVES = none_of(
    "clicked_negatives",
    EASY,
    "negatives, easy or hard, that their user clicked in the exclusion window",
)
INELIGIBLE_NEGATIVES = none_of(
    "ineligible_negatives",
    EASY,
    "negatives, easy or hard, that are not in the catalogue of the date",
)
LOG_Q_INVALID = none_of(
    "log_q_invalid",
    EASY,
    "easy draws without a finite log_q of at most 0, or hard negatives with one",
)
LOG_Q_DIFFERS = none_of(
    "log_q_differs",
    EASY,
    "easy draws whose log_q is not the probability, given the user's forbidden set as the logs "
    "hold it",
)
Q_DIFFERS = none_of(
    "q_differs",
    EASY,
    "rows of easy_negatives whose q is not the item's share of the weights",
)
EASY_DRAWS_P = at_most(
    "easy_draws_p",
    EASY,
    "-log10 p",
    "how unlikely the drawn items are under their exact probabilities (chi-square)",
    warn=4.0,
)
EASY_DRAWS_BIAS = at_most(
    "easy_draws_bias",
    EASY,
    "share",
    "largest total variation between drawn and expected items that the chi-square beyond chance "
    "allows, where p is below 1e-9",
    warn=None,
    fail=0.01,
)
COVERAGE_P = at_most(
    "coverage_p",
    EASY,
    "-log10 p",
    "how unlikely the number of different items drawn is",
    warn=4.0,
)
COVERAGE_BIAS = at_most(
    "coverage_bias",
    EASY,
    "share",
    "different items drawn off their expected number, where p is below 1e-9",
    warn=None,
    fail=0.02,
)

_SOURCES = ("popularity", "easy_fill")


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the negatives, and the rows of easy_negatives."""
    staged = evidence.staged
    if negatives_of(staged) is not None:
        yield Measurement(
            [
                SHOWN_NEGATIVES.promised(),
                CLICKED_NEGATIVES.promised(),
                INELIGIBLE_NEGATIVES.promised(),
                LOG_Q_INVALID.promised(),
                LOG_Q_DIFFERS.promised(),
            ],
            lambda: easy_figures(date_draws(evidence), date_items(evidence).weighed()),
        )
    if "easy_negatives" in staged:
        easy, stats = staged["easy_negatives"], staged["item_stats"]
        row_sample = positives_sample(evidence)
        yield Measurement(
            [Q_DIFFERS.promised()],
            lambda: wrong_q(
                easy,
                stats,
                evidence.config,
                row_sample,
                n_rows=table_counts(evidence, "easy_negatives")["rows"],
                n_items=len(date_items(evidence).key),
                limits=evidence.scratch.limits,
            ),
        )


def easy_figures(draws: DrawFigures, weighed: Weighed) -> list[Figure]:
    """Return what the pass over all negatives says, as figures.

    Drawn items are compared with their exact expectation per source; items that are forbidden to
    many users are expected, and drawn, less often than their weight says.
    """
    figures = [
        SHOWN_NEGATIVES.figure(draws.shown),
        CLICKED_NEGATIVES.figure(draws.clicked),
        INELIGIBLE_NEGATIVES.figure(draws.ineligible),
        LOG_Q_INVALID.figure(draws.invalid),
        LOG_Q_DIFFERS.figure(draws.differing),
    ]
    expected = expected_draws(weighed, draws.total, draws.blocked)
    for source, name in enumerate(_SOURCES):
        drawn = draws.drawn[source]
        if drawn.sum() == 0:
            continue
        surprise = chi_square(drawn, expected[source])
        detail = f"{drawn.sum():,.0f} draws, {surprise.cells:,} cells, size {surprise.size:.5f}"
        figures += [
            EASY_DRAWS_P.figure(surprise.p, name, detail=detail),
            EASY_DRAWS_BIAS.figure(surprise.bias, name),
        ]
    drawn, wanted = draws.drawn.sum(axis=0), expected.sum(axis=0)
    if drawn.sum() > 0:
        seen = float((drawn > 0).sum())
        surprise = occupancy(seen, wanted)
        usual = float((1 - np.exp(-wanted)).sum())
        detail = f"{seen:,.0f} of {len(drawn):,} items, {usual:,.1f} expected"
        figures += [
            COVERAGE_P.figure(surprise.p, detail=detail),
            COVERAGE_BIAS.figure(surprise.bias),
        ]
    return figures


def wrong_q(
    easy: DataFrame,
    item_stats: DataFrame,
    config: Config,
    row_sample: RowSample,
    *,
    n_rows: int,
    n_items: int,
    limits: Limits = DEFAULT_LIMITS,
) -> Figure:
    """Count rows of easy_negatives whose q is not the item's share of the weights.

    Args:
        easy, item_stats: The staged tables.
        config: The id types and the mix.
        row_sample: The rows of easy_negatives that are looked at.
        n_rows: Rows of easy_negatives.
        n_items: How many items there are; few enough are broadcast.
        limits: How many that are.

    Raises:
        ValueError: Too few rows lie in the row sample.
    """
    key = key_of("item_id", config.ids.item).alias("neg_key")
    stats = item_stats.select(key, F.col("q").alias("share"))
    if n_items <= limits.broadcast_rows:
        stats = broadcast(stats, "neg_key")
    rows = row_sample.of(easy).select(key_of("neg_item_id", config.ids.item).alias("neg_key"), "q")
    close = F.abs(F.col("q") - F.col("share")) <= 1e-9 * F.col("share")
    joined = rows.join(stats, "neg_key", how="left")
    wrong = F.count_if(~F.coalesce(close, F.lit(False)))
    found = joined.agg(wrong.alias("wrong"), F.count(F.lit(1)).alias("seen")).collect()[0]
    if row_sample.one_in > 1:
        most = config.negatives.per_positive
        row_sample.require_seen(found["seen"], n_rows, rows_per_positive=most)
    return Q_DIFFERS.figure(found["wrong"], detail=row_sample.described())
