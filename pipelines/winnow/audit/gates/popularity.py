"""The catalogue, its popularity and its weights beside what the logs hold."""

from collections.abc import Iterator

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.arrays.distinct import distinct
from winnow.audit.evidence import Evidence
from winnow.audit.gate import POPULARITY, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.popularity import first_unknown_us
from winnow.audit.recompute.staged_rows import positives_of
from winnow.audit.recompute.stated_weights import wrong_weights
from winnow.audit.recompute.untouched import FIRST_INDEX
from winnow.audit.recompute.wanted_rows import wanted_rows
from winnow.config.tree import Config

CATALOGUE_DIFFERS = none_of(
    "catalogue_differs",
    POPULARITY,
    "items in item_stats or eligible by the logs, but not both",
    "items",
)
ELIGIBLE_FROM_DIFFERS = none_of(
    "eligible_from_differs",
    POPULARITY,
    "items whose eligible_from is not when the last of their periods of the date begins",
    "items",
)
POPULARITY_DIFFERS = none_of(
    "popularity_differs",
    POPULARITY,
    "items whose clicks are not those that the logs hold before the date",
    "items",
)
POPULARITY_KNOWS_THE_DATE = none_of(
    "popularity_knows_the_date",
    POPULARITY,
    "items whose clicks are right only when later ones of the date itself are counted",
    "items",
)
ITEM_POPULARITY_DIFFERS = none_of(
    "item_popularity_differs",
    POPULARITY,
    "items whose popularity is not what follows from the logs, by popularity.of and half_life_days",
    "items",
)
POSITIVES_BEFORE_POPULARITY = none_of(
    "positives_before_popularity",
    POPULARITY,
    "positives that were shown before popularity.until: their own clicks may be in it",
)
WEIGHTS_DIFFER = none_of(
    "weights_differ",
    POPULARITY,
    "items whose weight is not (popularity + smoothing)^alpha, rounded, on one common scale",
    "items",
)
ITEM_Q_DIFFERS = none_of(
    "item_q_differs",
    POPULARITY,
    "items whose q is not their share of the weights",
    "items",
)
ITEM_INDEX_DIFFERS = none_of(
    "item_index_differs",
    POPULARITY,
    "items whose item_idx is not 3 and their place by the clicks that the logs hold, "
    "the most clicked first, then by id",
    "items",
)
ITEM_IMPRESSIONS_DIFFER = none_of(
    "item_impressions_differ",
    POPULARITY,
    "items whose impressions are not the rows that ranking_samples has of them",
    "items",
)
UNCLICKED_WEIGHT_SHARE = at_most(
    "unclicked_weight_share",
    POPULARITY,
    "share",
    "weight of items without a click in the popularity window",
    warn=0.5,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure item_stats, and that positives begin where popularity ends."""
    plain = evidence.config.popularity.is_clicks
    yield Measurement(
        [
            CATALOGUE_DIFFERS.promised(),
            ELIGIBLE_FROM_DIFFERS.promised(),
            POPULARITY_DIFFERS.promised(),
            POPULARITY_KNOWS_THE_DATE.promised(),
            WEIGHTS_DIFFER.promised(),
            ITEM_INDEX_DIFFERS.promised(),
            ITEM_Q_DIFFERS.promised(),
            *(() if plain else (ITEM_POPULARITY_DIFFERS.promised(),)),
        ],
        lambda: item_figures(date_items(evidence), evidence.config),
    )
    positives, until = positives_of(evidence.staged), evidence.config.popularity.until
    timed = positives is not None and "impression_ts" in positives.rows.columns
    if positives is not None and timed and until != "day_before":
        rows, begins = positives.rows, first_unknown_us(evidence.config, evidence.day)
        yield Measurement(
            [POSITIVES_BEFORE_POPULARITY.promised()], lambda: positives_before(rows, begins)
        )
    if "ranking_samples" in evidence.staged and "ranking_samples" in wanted_rows(evidence):
        stats, ranking = evidence.staged["item_stats"], evidence.staged["ranking_samples"]
        yield Measurement(
            [ITEM_IMPRESSIONS_DIFFER.promised()], lambda: wrong_impressions(stats, ranking)
        )


def positives_before(positives: DataFrame, begins: int) -> Figure:
    """Count the positives that were shown before a moment, in microseconds.

    Args:
        positives: ``impression_ts``.
        begins: Until when clicks make items popular.
    """
    shown = F.unix_micros("impression_ts")
    early = F.coalesce(shown < begins, F.lit(True))
    row = positives.agg(F.count_if(early).alias("n")).collect()[0]
    return POSITIVES_BEFORE_POPULARITY.figure(row["n"])


def item_figures(items: Items, config: Config) -> list[Figure]:
    """Compare what item_stats says of each item with what the logs say of it."""
    listed, weight = items.listed, items.weight
    wrong = listed & (items.stated != items.clicks)
    knows_the_date = wrong & (items.stated == items.clicks + items.same)
    both = listed & items.eligible
    misplaced = listed & (items.index != items.place + FIRST_INDEX)
    total, others = max(items.total_weight, 1.0), items.untouched
    share = weight / total
    counted, number = distinct(items.popularity)
    smoothing, alpha = config.popularity.smoothing, config.negatives.alpha
    shares = np.power(counted + smoothing, alpha)[number]
    # The untouched have no popularity; that their q are right is known of them already.
    alike = np.full(len(others.n), np.power(float(smoothing), alpha))
    wrong_ones = wrong_weights(
        np.append(shares[listed], alike),
        np.append(weight[listed], others.weight),
        np.append(np.ones(int(listed.sum()), np.int64), others.n),
    )
    unclicked = float(weight[items.clicks == 0].sum()) + others.total_weight
    return [
        CATALOGUE_DIFFERS.figure(int((listed != items.eligible).sum())),
        ELIGIBLE_FROM_DIFFERS.figure(int((both & (items.since_us != items.begins_us)).sum())),
        POPULARITY_DIFFERS.figure(int(wrong.sum())),
        POPULARITY_KNOWS_THE_DATE.figure(int(knows_the_date.sum())),
        *(() if config.popularity.is_clicks else (_popularity(items),)),
        WEIGHTS_DIFFER.figure(wrong_ones),
        ITEM_INDEX_DIFFERS.figure(int(misplaced.sum())),
        ITEM_Q_DIFFERS.figure(int((listed & ~(np.abs(items.q - share) <= 1e-9 * share)).sum())),
        UNCLICKED_WEIGHT_SHARE.figure(unclicked / total),
    ]


def _popularity(items: Items) -> Figure:
    unlike = items.listed & (items.stated_popularity != items.popularity)
    return ITEM_POPULARITY_DIFFERS.figure(int(unlike.sum()))


def wrong_impressions(item_stats: DataFrame, ranking: DataFrame) -> Figure:
    """Count items whose impressions are not the rows that ranking_samples has of them.

    Args:
        item_stats: The staged table.
        ranking: ranking_samples, staged, with each valid impression of the date once: that it has
            as many rows as the log is another gate.
    """
    shown = ranking.groupBy("item_id").agg(F.count(F.lit(1)).alias("shown"))
    # Of a large catalogue few items were shown: the others say so, and are not joined.
    some = F.coalesce(F.col("impressions") != 0, F.lit(True))
    stated = item_stats.where(some).select("item_id", "impressions", F.lit(True).alias("stated"))
    joined = stated.join(shown, "item_id", how="full")
    differs = F.col("impressions") != F.coalesce("shown", F.lit(0))
    row = joined.agg(
        F.count_if(F.col("stated") & F.coalesce(differs, F.lit(True))).alias("wrong"),
        F.count_if(F.col("stated").isNull()).alias("unstated"),
    ).collect()[0]
    unstated = 0
    if row["unstated"]:
        # Shown, and said not to be; or in no catalogue, which is no mistake.
        none = item_stats.where(~some).select("item_id")
        unstated = none.join(shown, "item_id", how="left_semi").count()
    return ITEM_IMPRESSIONS_DIFFER.figure(row["wrong"] + unstated)
