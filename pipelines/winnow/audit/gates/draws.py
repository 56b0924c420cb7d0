"""Easy negatives: forbidden ones, wrong probabilities, and whether the draws follow theirs."""

from collections.abc import Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EASY, Figure, Measurement, at_most, none_of
from winnow.audit.gates.row_rules import table_counts
from winnow.audit.recompute.date_sources import date_drawable
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.draws import DrawFigures, expected_draws
from winnow.audit.recompute.forbidden import date_draws
from winnow.audit.recompute.row_sample import RowSample, positives_sample
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.audit.statistics import chi_square, occupancy
from winnow.config.negatives import Negatives
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
DRAWN_OUTSIDE = none_of(
    "drawn_outside_group",
    EASY,
    "draws of an item that is not in the group of the catalogue that their positive draws from",
)
MIXTURE_DIFFERS = none_of(
    "mixture_log_q_differs",
    EASY,
    "draws whose mixture_log_q is not the probability over all sources of their positive",
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


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the negatives, and the rows of easy_negatives."""
    staged = evidence.staged
    if negatives_of(staged, evidence.config) is not None:
        yield Measurement(
            [
                SHOWN_NEGATIVES.promised(),
                CLICKED_NEGATIVES.promised(),
                INELIGIBLE_NEGATIVES.promised(),
                LOG_Q_INVALID.promised(),
                LOG_Q_DIFFERS.promised(),
                DRAWN_OUTSIDE.promised(),
                *([MIXTURE_DIFFERS.promised()] if evidence.config.negatives.mixture else []),
            ],
            lambda: easy_figures(date_draws(evidence), date_drawable(evidence), evidence.config),
        )
    if "easy_negatives" in staged:
        easy = staged["easy_negatives"]
        row_sample = positives_sample(evidence)
        yield Measurement(
            [Q_DIFFERS.promised()],
            lambda: wrong_q(
                easy,
                shares_of(evidence),
                evidence.config,
                row_sample,
                n_rows=table_counts(evidence, "easy_negatives")["rows"],
                n_shares=len(date_drawable(evidence).items),
                limits=evidence.scratch.limits,
            ),
        )


def easy_figures(draws: DrawFigures, drawable: Drawable, config: Config) -> list[Figure]:
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
        DRAWN_OUTSIDE.figure(draws.outside),
    ]
    if config.negatives.mixture:
        figures.append(MIXTURE_DIFFERS.figure(draws.mixing))
    expected = expected_draws(drawable, draws.total, draws.blocked)
    names = [source.name for source in config.negatives.drawn]
    per_source = zip(
        names, drawable.of_source(draws.drawn), drawable.of_source(expected), strict=True
    )
    for name, drawn, wanted in per_source:
        if drawn.sum() == 0:
            continue
        surprise = chi_square(drawn, wanted)
        detail = f"{drawn.sum():,.0f} draws, {surprise.cells:,} cells, size {surprise.size:.5f}"
        figures += [
            EASY_DRAWS_P.figure(surprise.p, name, detail=detail),
            EASY_DRAWS_BIAS.figure(surprise.bias, name),
        ]
    drawn, wanted = drawable.by_item(draws.drawn), drawable.by_item(expected)
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


def shares_of(evidence: Evidence) -> DataFrame:
    """Return how likely each item is of each source before anything is forbidden.

    Of the main source by item_stats, of others by the groups that the audit has made: ``source``
    (string), ``neg_key`` (bigint) and ``shares`` (array of double), one for each group.
    """
    drawable, negatives = date_drawable(evidence), evidence.config.negatives
    main = [source.name for source in negatives.drawn if source.distribution == 0]
    key = key_of("item_id", evidence.config.ids.item).alias("neg_key")
    names = F.explode(F.array(*(F.lit(name) for name in main or ["none"]))).alias("source")
    # Where nothing is drawn the table has no row whose share could be looked up.
    stats = evidence.staged["item_stats"]
    frames = [stats.select(names, key, F.array("q").alias("shares"))]
    if len(main) < len(negatives.drawn):
        others = [source.name not in main for source in negatives.drawn]
        frames.append(evidence.scratch.stored(_shares(drawable, negatives, others), "shares"))
    return reduce(DataFrame.unionByName, frames)


def _shares(drawable: Drawable, negatives: Negatives, wanted: Sequence[bool]) -> pa.Table:
    source, item, share = [], [], []
    for s, (drawn, first) in enumerate(zip(negatives.drawn, drawable.first_groups, strict=False)):
        if not wanted[s]:
            continue
        for g in range(first, drawable.first_groups[s + 1]):
            a, b = drawable.begins[g], drawable.begins[g + 1]
            weights = drawable.weights[a:b]
            source += [drawn.name] * len(weights)
            item.append(drawable.keys[drawable.items[a:b]])
            share.append(weights / weights.sum())
    keys, shares = (np.concatenate(parts or [np.empty(0)]) for parts in (item, share))
    rows = pa.table({"source": source, "neg_key": keys.astype(np.int64), "shares": shares})
    listed = rows.group_by(["source", "neg_key"]).aggregate([("shares", "list")])
    return pa.table(
        {
            "source": listed["source"],
            "neg_key": listed["neg_key"],
            "shares": listed["shares_list"],
        }
    )


def wrong_q(
    easy: DataFrame,
    shares: DataFrame,
    config: Config,
    row_sample: RowSample,
    *,
    n_rows: int,
    n_shares: int,
    limits: Limits = DEFAULT_LIMITS,
) -> Figure:
    """Count rows of easy_negatives whose q is not the item's share of the weights of their source.

    Of a source with several groups that of any: which one it is, ``log_q`` tells.

    Args:
        easy: The staged table.
        shares: What ``shares_of`` returned.
        config: The id types and the mix.
        row_sample: The rows of easy_negatives that are looked at.
        n_rows: Rows of easy_negatives.
        n_shares: About how many rows ``shares`` has; few enough are broadcast.
        limits: How many that are.

    Raises:
        ValueError: Too few rows lie in the row sample.
    """
    if n_shares <= limits.broadcast_rows:
        shares = broadcast(shares, "neg_key")
    key = key_of("neg_item_id", config.ids.item).alias("neg_key")
    rows = row_sample.of(easy).select(key, "source", "q")
    close = F.exists("shares", lambda share: F.abs(F.col("q") - share) <= 1e-9 * share)
    joined = rows.join(shares, ["neg_key", "source"], how="left")
    wrong = F.count_if(~F.coalesce(close, F.lit(False)))
    found = joined.agg(wrong.alias("wrong"), F.count(F.lit(1)).alias("seen")).collect()[0]
    if row_sample.one_in > 1:
        most = config.negatives.per_positive
        row_sample.require_seen(found["seen"], n_rows, rows_per_positive=most)
    return Q_DIFFERS.figure(found["wrong"], detail=row_sample.described())
