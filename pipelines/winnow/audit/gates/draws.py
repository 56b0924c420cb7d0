"""Easy negatives: forbidden ones, wrong probabilities, and whether the draws follow theirs."""

from collections.abc import Mapping

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.recompute.draws import DrawFigures, Weighed, expected_draws
from winnow.audit.recompute.draws_pass import DrawRows, draw_figures, save_weighed
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.row_sample import Stretch
from winnow.audit.statistics import chi_square, occupancy
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import readable_rows
from winnow.dates import CalendarDay
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.scratch import Scratch

_SOURCES = ("popularity", "easy_fill")


def measure_draws(
    negatives: DataFrame,
    items: Items,
    logs: Mapping[str, Log],
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
    *,
    n_positives: int,
) -> DrawFigures:
    """Put every negative beside the forbidden set of its user, as the logs hold it.

    Args:
        negatives: What ``negatives_of`` returned.
        items: The catalogue.
        logs: Impressions and clicks; their frames read the files again.
        config: Exclusion window and id types.
        day: The date.
        scratch: Ships the catalogue to the tasks.
        n_positives: How many positives there are.
    """
    weighed = items.weighed()
    path = scratch.folder / f"audited-items-{scratch.tag}.arrow"
    save_weighed(weighed, path)
    reach, at = config.exclusion, F.col("event_us")

    def within(name: str, back: int) -> DataFrame:
        first, last = day.shifted(-back), day.shifted(reach.lookahead_days)
        rows = readable_rows(logs[name])
        return rows.where((at >= first.start_us) & (at < last.end_us)).select("user_id", "item_id")

    shown = within("impressions", reach.exposure_lookback_days)
    if logs["impressions"].keeps_history:
        shown = shown.unionByName(_listed(logs["impressions"], config, day))
    sizes = (logs[name].about_rows for name in ("impressions", "clicks"))
    rows = DrawRows(
        shown=shown,
        clicked=within("clicks", reach.click_lookback_days),
        negatives=negatives,
        n_rows=sum(sizes) + n_positives,
        n_positives=n_positives,
    )
    return draw_figures(rows, weighed, scratch.ship(path), config.ids, scratch.limits)


def _listed(log: Log, config: Config, day: CalendarDay) -> DataFrame:
    """Return the items of the lists that rows of the exposure window hold: user and item id."""
    reach, kind = config.exclusion, config.ids.item
    first, last = day.shifted(-reach.exposure_lookback_days), day.shifted(reach.lookahead_days)
    at = F.col("event_us")
    rows = log.frame.where((at >= first.start_us) & (at < last.end_us))
    items = rows.select("user_id", F.explode(F.split("history", "\\x1f")).alias("item"))
    named = items.where((F.col("item") != "") & F.col("user_id").isNotNull()).distinct()
    return named.select("user_id", F.col("item").try_cast(kind).alias("item_id")).where(
        F.col("item_id").isNotNull()
    )


def easy_figures(draws: DrawFigures, weighed: Weighed) -> list[Figure]:
    """Return what the pass over all negatives says, as figures.

    Drawn items are compared with their exact expectation per source; items that are forbidden to
    many users are expected, and drawn, less often than their weight says.
    """
    figures = [
        Figure("shown_negatives", draws.shown),
        Figure("clicked_negatives", draws.clicked),
        Figure("ineligible_negatives", draws.ineligible),
        Figure("log_q_invalid", draws.invalid),
        Figure("log_q_differs", draws.differing),
    ]
    expected = expected_draws(weighed, draws.total, draws.blocked)
    for source, name in enumerate(_SOURCES):
        drawn = draws.drawn[source]
        if drawn.sum() == 0:
            continue
        surprise = chi_square(drawn, expected[source])
        detail = f"{drawn.sum():,.0f} draws, {surprise.cells:,} cells, size {surprise.size:.5f}"
        figures += [
            Figure("easy_draws_p", surprise.p, name, detail=detail),
            Figure("easy_draws_bias", surprise.bias, name),
        ]
    drawn, wanted = draws.drawn.sum(axis=0), expected.sum(axis=0)
    if drawn.sum() > 0:
        seen = float((drawn > 0).sum())
        surprise = occupancy(seen, wanted)
        usual = float((1 - np.exp(-wanted)).sum())
        detail = f"{seen:,.0f} of {len(drawn):,} items, {usual:,.1f} expected"
        figures += [
            Figure("coverage_p", surprise.p, detail=detail),
            Figure("coverage_bias", surprise.bias),
        ]
    return figures


def wrong_q(
    easy: DataFrame,
    item_stats: DataFrame,
    config: Config,
    stretch: Stretch,
    *,
    n_items: int,
    limits: Limits = DEFAULT_LIMITS,
) -> Figure:
    """Count rows of easy_negatives whose q is not the item's share of the weights.

    Args:
        easy, item_stats: The staged tables.
        config: The id types and the mix.
        stretch: The rows of easy_negatives that are looked at.
        n_items: How many items there are; few enough are broadcast.
        limits: How many that are.

    Raises:
        ValueError: Too few rows lie in the stretch.
    """
    key = key_of("item_id", config.ids.item).alias("neg_key")
    stats = item_stats.select(key, F.col("q").alias("share"))
    if n_items <= limits.broadcast_rows:
        stats = broadcast(stats, "neg_key")
    rows = stretch.of(easy).select(key_of("neg_item_id", config.ids.item).alias("neg_key"), "q")
    close = F.abs(F.col("q") - F.col("share")) <= 1e-9 * F.col("share")
    joined = rows.join(stats, "neg_key", how="left")
    wrong = F.count_if(~F.coalesce(close, F.lit(False)))
    found = joined.agg(wrong.alias("wrong"), F.count(F.lit(1)).alias("seen")).collect()[0]
    if stretch.one_in > 1:
        most = config.mix.negatives_per_positive
        stretch.require_seen(found["seen"], easy.count(), rows_per_positive=most)
    return Figure("q_differs", found["wrong"], detail=stretch.told())
