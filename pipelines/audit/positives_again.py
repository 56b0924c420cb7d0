"""What was shown and clicked, joined again from the logs, and what down-sampling made of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.audit.figures import Figure
from pipelines.audit.items_again import Items
from pipelines.audit.statistics import Surprise, kept_of
from pipelines.catalogue.keys import key_of
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import valid_rows

KEY = ("user_id", "request_id", "item_id")

_HOTTEST = 100
_MOST_BROADCAST_CLICKS = 4_000_000
_HOUR_US = 3_600_000_000
_CLICK = ("user_id", "item_id", "event_us", "action_type", "request_id", "impression_id")
_JOINS = {
    "impression_id": ("impression_id", "item_id"),
    "request_item": ("request_id", "item_id"),
    "last_impression": ("user_id", "item_id"),
}


@dataclass(frozen=True)
class Kept:
    """Positives per item of ``Items``: before and after down-sampling, shapes (n,).

    ``all_candidates`` counts those before down-sampling, also of items that nothing else knows.
    """

    candidates: NDArray[np.int64]
    kept: NDArray[np.int64]
    all_candidates: int


def candidates_again(
    logs: Mapping[str, Log], config: Config, day: CalendarDay, *, n_clicks: int
) -> DataFrame:
    """Return what may be a positive of the date: one row per shown and clicked item of a request.

    Args:
        logs: Impressions and clicks; their frames read the files again.
        config: How a click finds its impression.
        day: The date of the earliest impression that was clicked.
        n_clicks: About how many clicks there are; few enough are broadcast.

    Returns:
        One row per (user, request, item): the three ids and ``first_us`` (bigint, the earliest
        impression that was clicked).
    """
    window = config.attribution.window_hours * _HOUR_US
    names = _JOINS[config.attribution.join]
    at = F.col("event_us")
    shown = valid_rows(logs["impressions"])
    if "impression_id" in names and "impression_id" not in logs["impressions"].mapped:
        text = [F.col(name).cast("string") for name in ("request_id", "user_id", "item_id")]
        shown = shown.withColumn("impression_id", F.concat_ws("/", *text))
    latest_only = config.attribution.join == "last_impression"
    until = day.end_us + (window if latest_only else 0)
    left = shown.where((at >= day.start_us - window) & (at < until)).select(
        *KEY, *(F.col(name).alias(f"on_{name}") for name in names), at.alias("shown_us")
    )
    clicks = valid_rows(logs["clicks"]).where((at >= day.start_us) & (at < day.end_us + window + 1))
    right = clicks.select(
        *(F.col(name).alias(f"on_{name}") for name in names),
        at.alias("clicked_us"),
        F.struct(*_CLICK).alias("click"),
    )
    if not latest_only:
        right = right.drop("click")
    if n_clicks <= _MOST_BROADCAST_CLICKS:
        right = F.broadcast(right)
    delay = F.col("clicked_us") - F.col("shown_us")
    pairs = left.join(right, [f"on_{name}" for name in names]).where(
        (delay >= 0) & (delay <= window)
    )
    if latest_only:
        # Of two impressions at one moment, the request with the smaller key is taken.
        request = key_of("request_id", config.ids.request)
        newest = Window.partitionBy("click").orderBy(F.desc("shown_us"), request)
        pairs = pairs.withColumn("place", F.row_number().over(newest)).where("place = 1")
    found = pairs.groupBy(*KEY).agg(F.min("shown_us").alias("first_us"))
    return found.where((F.col("first_us") >= day.start_us) & (F.col("first_us") < day.end_us))


def positives_again(
    candidates: DataFrame, positives: DataFrame, items: Items, config: Config
) -> tuple[Kept, list[Figure]]:
    """Compare the staged positives with the candidates of the logs.

    Args:
        candidates: What ``candidates_again`` returned.
        positives: The staged table, or another one with its columns.
        items: Their clicks and keep_prob.
        config: Window and id types.
    """
    staged = positives.select(
        *KEY,
        F.col("keep_prob").alias("declared"),
        (F.unix_micros("click_ts") - F.unix_micros("impression_ts")).alias("delay"),
        F.unix_micros("impression_ts").alias("stated_us"),
        F.lit(1).alias("staged"),
    )
    window = config.attribution.window_hours * _HOUR_US
    is_kept = F.col("staged").isNotNull()
    found = F.col("first_us").isNotNull() & (F.col("stated_us") == F.col("first_us"))
    outside = ~F.coalesce((F.col("delay") >= 0) & (F.col("delay") <= window), F.lit(False))
    per_item = (
        candidates.withColumn("candidate", F.lit(1))
        .join(staged, list(KEY), how="full")
        .groupBy(key_of("item_id", config.ids.item).alias("key"))
        .agg(
            F.count("candidate").alias("candidates"),
            F.count("staged").alias("kept"),
            F.count_if(is_kept & ~F.coalesce(found, F.lit(False))).alias("unfounded"),
            F.count_if(is_kept & outside).alias("outside"),
            F.count_if(F.col("candidate").isNotNull() & ~is_kept).alias("dropped"),
            F.min("declared").alias("least"),
            F.max("declared").alias("most"),
        )
        .toArrow()
    )
    place = np.searchsorted(items.key, np.asarray(per_item["key"].to_numpy(), np.int64))
    inside = place < len(items.key)
    inside[inside] = items.key[place[inside]] == per_item["key"].to_numpy()[inside]
    candidates_of, kept_of_item = (
        np.zeros(len(items.key), np.int64),
        np.zeros(len(items.key), np.int64),
    )
    candidates_of[place[inside]] = per_item["candidates"].to_numpy()[inside]
    kept_of_item[place[inside]] = per_item["kept"].to_numpy()[inside]
    keep = np.ones(len(place))
    keep[inside] = items.keep[place[inside]]
    kept, dropped = per_item["kept"].to_numpy(), per_item["dropped"].to_numpy()
    n = max(int(kept.sum()), 1)
    in_catalogue = np.zeros(len(place), np.bool_)
    in_catalogue[inside] = (items.eligible & items.listed)[place[inside]]
    clicked = np.zeros(len(place), np.bool_)
    clicked[inside] = items.clicks[place[inside]] > 0
    off = np.zeros(len(place), np.bool_)
    for end in ("least", "most"):
        declared = per_item[end].to_numpy(zero_copy_only=False).astype(np.float64)
        off |= (kept > 0) & ~(np.abs(declared - keep) <= 1e-9)
    total = int(per_item["candidates"].to_numpy().sum())
    counts = Kept(candidates_of, kept_of_item, total)
    return counts, [
        Figure("positives_not_clicked", int(per_item["unfounded"].to_numpy().sum())),
        Figure("positives_missing", int(dropped[keep >= 1.0].sum())),
        Figure("clicks_outside_window", int(per_item["outside"].to_numpy().sum())),
        Figure("keep_prob_differs", int(kept[off].sum())),
        *_keep_rates(counts, items),
        *_top_share(counts, items),
        Figure("positives_outside_catalogue", float(kept[~in_catalogue].sum()) / n),
        Figure("positives_without_history", float(kept[~clicked].sum()) / n),
    ]


def _keep_rates(counts: Kept, items: Items) -> list[Figure]:
    thinned = (items.keep < 1.0) & (counts.candidates > 0)
    if not thinned.any():
        return []
    number = counts.candidates[thinned].astype(np.float64)
    kept, keep = counts.kept[thinned].astype(np.float64), items.keep[thinned]
    pooled = kept_of(float(kept.sum()), number, keep)
    expected = float((number * keep).sum())
    figures = [
        Figure("keep_rate_p", pooled.p, detail=f"{kept.sum():,.0f} kept, {expected:,.1f} expected"),
        Figure("keep_rate_bias", pooled.bias),
    ]
    hottest = np.argsort(-items.clicks[thinned], kind="stable")[:_HOTTEST]
    each = [kept_of(kept[i], number[i : i + 1], keep[i : i + 1]) for i in hottest]
    worst = max(range(len(each)), key=lambda place: each[place].p)
    corrected = max(0.0, each[worst].p - float(np.log10(len(each))))
    surprise = Surprise(corrected, each[worst].size, 1)
    i = hottest[worst]
    name = items.name[int(np.flatnonzero(thinned)[i])].as_py()
    detail = f"item {name}: {kept[i]:,.0f} kept, {number[i] * keep[i]:,.1f} expected"
    return [
        *figures,
        Figure("keep_rate_hottest_p", surprise.p, detail=detail),
        Figure("keep_rate_hottest_bias", surprise.bias, detail=detail),
    ]


def _top_share(counts: Kept, items: Items) -> list[Figure]:
    if counts.kept.sum() == 0:
        return []
    top = np.argsort(-items.clicks, kind="stable")[: max(1, len(items.clicks) // 100)]
    before = float(counts.candidates[top].sum()) / max(float(counts.candidates.sum()), 1.0)
    after = float(counts.kept[top].sum()) / float(counts.kept.sum())
    detail = f"{before:.4f} before, {after:.4f} after"
    return [Figure("top_item_share_gain", after - before, detail=detail)]
