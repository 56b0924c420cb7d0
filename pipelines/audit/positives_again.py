"""What was shown and clicked, joined again from the logs, and what down-sampling made of it."""

from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.audit.draws import MOST_OFF
from pipelines.audit.figures import Figure
from pipelines.audit.items_again import Items
from pipelines.audit.keep_rates import Kept, keep_rates, top_share
from pipelines.audit.staged_rows import KEY, StagedPositives
from pipelines.catalogue.keys import key_of
from pipelines.config.tree import Config
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rows import valid_rows

_MOST_BROADCAST_CLICKS = 4_000_000
_HOUR_US = 3_600_000_000
_MOST_DELAY_US = 10**13
_CLICK = ("user_id", "item_id", "event_us", "action_type", "request_id", "impression_id")
_LOGS = ("impressions", "clicks")
_JOINS = {
    "impression_id": ("impression_id", "item_id"),
    "request_item": ("request_id", "item_id"),
    "last_impression": ("user_id", "item_id"),
}


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
        One row per (user, request, item): the three ids, ``first_us`` (bigint, the earliest
        impression that was clicked) and ``clicked_us`` (bigint, its earliest click).
    """
    window = config.attribution.window_hours * _HOUR_US
    names: tuple[str, ...] = _JOINS[config.attribution.join]
    at = F.col("event_us")
    shown = valid_rows(logs["impressions"])
    made = {name for name in _LOGS if "impression_id" not in logs[name].mapped}
    if "impression_id" in names and made == set(_LOGS):
        # Ids that both logs make of the same three are as equal as these are.
        names = ("request_id", "user_id", "item_id")
    elif "impression_id" in names and "impressions" in made:
        text = [F.col(name).cast("string") for name in ("request_id", "user_id", "item_id")]
        shown = shown.withColumn("impression_id", F.concat_ws("/", *text))
    latest_only = config.attribution.join == "last_impression"
    until = day.end_us + (window if latest_only else 0)
    left = shown.where((at >= day.start_us - window) & (at < until)).select(
        *KEY, *_hashes(names), at.alias("shown_us")
    )
    clicks = valid_rows(logs["clicks"]).where((at >= day.start_us) & (at < day.end_us + window + 1))
    on, proof = _hashes(names)
    right = clicks.select(
        on, proof.alias("proof_of_click"), at.alias("clicked_us"), F.struct(*_CLICK).alias("click")
    )
    if not latest_only:
        right = right.drop("click")
    if n_clicks <= _MOST_BROADCAST_CLICKS:
        right = F.broadcast(right)
    delay = F.col("clicked_us") - F.col("shown_us")
    same = F.col("proof") == F.col("proof_of_click")
    pairs = left.join(right, "on").where(same & (delay >= 0) & (delay <= window))
    if latest_only:
        # Of two impressions at one moment, the request with the smaller key is taken.
        request = key_of("request_id", config.ids.request)
        newest = Window.partitionBy("click").orderBy(F.desc("shown_us"), request)
        pairs = pairs.withColumn("place", F.row_number().over(newest)).where("place = 1")
    # The least of (impression, delay) as one number: the least struct takes four times as long.
    scale = F.lit(_MOST_DELAY_US).cast("decimal(14,0)")
    both = F.col("shown_us").cast("decimal(17,0)") * scale + delay.cast("decimal(14,0)")
    first_us = F.col("first_us").cast("decimal(17,0)")
    found = (
        pairs.groupBy(*KEY)
        .agg(F.min("shown_us").alias("first_us"), F.min(both).alias("both"))
        .select(
            *KEY,
            "first_us",
            (F.col("first_us") + (F.col("both") - first_us * scale).cast("bigint")).alias(
                "clicked_us"
            ),
        )
    )
    return found.where((F.col("first_us") >= day.start_us) & (F.col("first_us") < day.end_us))


def _hashes(names: tuple[str, ...]) -> tuple[Column, Column]:
    """Return two hashes of columns: the one to join on, the other to prove that they are equal.

    One number joins faster than several columns, one of them a string. A NULL finds nothing.
    """
    columns = [F.col(name) for name in names]
    known = reduce(and_, (column.isNotNull() for column in columns))
    on = F.when(known, F.xxhash64(*columns))
    return on.alias("on"), F.xxhash64(F.lit("proof"), *columns).alias("proof")


def positives_again(
    candidates: DataFrame, positives: StagedPositives, items: Items, config: Config
) -> tuple[Kept, list[Figure]]:
    """Compare the staged positives with the candidates of the logs.

    What the table does not know of its positives is not judged.

    Args:
        candidates: What ``candidates_again`` returned.
        positives: The staged positives.
        items: Their clicks and keep_prob.
        config: Window and id types.
    """
    rows, names = positives.rows, set(positives.rows.columns)

    def stated(name: str, column: Column | None = None) -> Column:
        known = F.lit(None) if name not in names else F.col(name) if column is None else column
        return known.cast("double")

    def micros(name: str) -> Column:
        known = F.unix_micros(name) if name in names else F.lit(None)
        return known.cast("bigint")

    staged = rows.select(
        *KEY,
        stated("keep_prob").alias("declared"),
        stated("undo_weight").alias("undo"),
        stated("pos_log_q").alias("log_q"),
        stated("item_clicks").alias("stated_clicks"),
        micros("impression_ts").alias("stated_us"),
        micros("click_ts").alias("stated_click_us"),
        F.lit(1).alias("staged"),
    )
    window = config.attribution.window_hours * _HOUR_US
    is_kept, delay = F.col("staged").isNotNull(), F.col("stated_click_us") - F.col("stated_us")
    same = F.col("first_us").isNotNull()
    if "impression_ts" in names:
        same = same & (F.col("stated_us") == F.col("first_us"))
    if "click_ts" in names:
        same = same & (F.col("stated_click_us") == F.col("clicked_us"))
    outside = ~F.coalesce((delay >= 0) & (delay <= window), F.lit(False))
    undone = F.abs(F.col("undo") * F.col("declared") - 1.0) <= 1e-9
    ends = ("declared", "log_q", "stated_clicks")
    per_item = (
        candidates.withColumn("candidate", F.lit(1))
        .join(staged, list(KEY), how="full")
        .groupBy(key_of("item_id", config.ids.item).alias("key"))
        .agg(
            F.count("candidate").alias("candidates"),
            F.count("staged").alias("kept"),
            F.count("log_q").alias("with_log_q"),
            F.count_if(is_kept & ~F.coalesce(same, F.lit(False))).alias("unfounded"),
            F.count_if(is_kept & outside).alias("outside"),
            F.count_if(is_kept & ~F.coalesce(undone, F.lit(False))).alias("not_undone"),
            F.count_if(F.col("candidate").isNotNull() & ~is_kept).alias("dropped"),
            *(F.min(name).alias(f"least_{name}") for name in ends),
            *(F.max(name).alias(f"most_{name}") for name in ends),
        )
        .toArrow()
    )
    return _compared(per_item, items, names, complete=positives.complete)


def _compared(
    per_item: pa.Table, items: Items, names: set[str], *, complete: bool
) -> tuple[Kept, list[Figure]]:
    """Return the figures of sums by item."""

    def column(name: str) -> NDArray[np.float64]:
        return np.asarray(per_item[name].to_numpy(), np.float64)

    key = np.asarray(per_item["key"].to_numpy(), np.int64)
    place = np.searchsorted(items.key, key)
    inside = place < len(items.key)
    inside[inside] = items.key[place[inside]] == key[inside]

    def of_item(values: NDArray[Any], elsewhere: float) -> NDArray[np.float64]:
        found = np.full(len(key), elsewhere)
        found[inside] = values[place[inside]]
        return found

    def of_items(name: str) -> NDArray[np.int64]:
        counts = np.zeros(len(items.key), np.int64)
        counts[place[inside]] = per_item[name].to_numpy()[inside]
        return counts

    keep, clicks = of_item(items.keep, 1.0), of_item(items.clicks, 0.0)
    total = max(float(items.weight.sum()), 1.0)
    with np.errstate(divide="ignore"):
        log_q = of_item(np.log(items.weight / total), -np.inf)
    listed = of_item(items.listed, 0.0) > 0
    drawable = of_item(items.eligible & items.listed, 0.0) > 0
    kept, n = column("kept"), max(float(column("kept").sum()), 1.0)

    def off(name: str, wanted: NDArray[np.float64], most: float) -> NDArray[np.bool_]:
        ends = [column(f"{end}_{name}") for end in ("least", "most")]
        near = [np.abs(end - wanted) <= most for end in ends]
        return (kept > 0) & ~(near[0] & near[1])

    wrong_log_q = np.where(
        listed,
        off("log_q", log_q, MOST_OFF) | (column("with_log_q") != kept),
        column("with_log_q") > 0,
    )
    counts = Kept(of_items("candidates"), of_items("kept"), int(column("candidates").sum()))
    by_column = {
        "click_ts": [Figure("clicks_outside_window", int(column("outside").sum()))],
        "keep_prob": [Figure("keep_prob_differs", int(kept[off("declared", keep, 1e-9)].sum()))],
        "undo_weight": [Figure("undo_weight_differs", int(column("not_undone").sum()))],
        "pos_log_q": [Figure("pos_log_q_differs", int(kept[wrong_log_q].sum()))],
        "item_clicks": [
            Figure("item_clicks_differ", int(kept[off("stated_clicks", clicks, 0.5)].sum()))
        ],
    }
    figures = [
        Figure("positives_not_clicked", int(column("unfounded").sum())),
        *(figure for name, own in by_column.items() if name in names for figure in own),
        Figure("positives_outside_catalogue", float(kept[~drawable].sum()) / n),
        Figure("positives_without_history", float(kept[clicks == 0].sum()) / n),
    ]
    if complete:
        unlike = items.listed & (items.positives != counts.kept)
        figures += [
            Figure("item_positives_differ", int(unlike.sum())),
            Figure("positives_missing", int(column("dropped")[keep >= 1.0].sum())),
            *keep_rates(counts, items),
            *top_share(counts, items),
        ]
    return counts, figures
