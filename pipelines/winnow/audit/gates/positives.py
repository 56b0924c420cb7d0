"""The positives beside what was shown and clicked, and what down-sampling made of it."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.figure import Figure
from winnow.audit.recompute.draws import MOST_OFF
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.keep_rates import Kept, keep_rates, top_share
from winnow.audit.recompute.pairs import longest_window_us
from winnow.audit.recompute.staged_rows import KEY, StagedPositives
from winnow.config.tree import Config
from winnow.events.keys import key_of


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

    place = F.col("position").cast("bigint") + 1 if "position" in names else F.lit(None)
    staged = rows.select(
        *KEY,
        stated("keep_prob").alias("declared"),
        stated("undo_weight").alias("undo"),
        stated("pos_log_q").alias("log_q"),
        stated("item_clicks").alias("stated_clicks"),
        micros("impression_ts").alias("stated_us"),
        micros("click_ts").alias("stated_click_us"),
        (_code(config) if "action_type" in names else F.lit(None))
        .cast("int")
        .alias("stated_action"),
        F.coalesce(place, F.lit(0)).cast("bigint").alias("stated_place"),
        F.lit(1).alias("staged"),
    )
    window = longest_window_us(config)
    is_kept, delay = F.col("staged").isNotNull(), F.col("stated_click_us") - F.col("stated_us")
    same = F.col("first_us").isNotNull()
    if "impression_ts" in names:
        same = same & (F.col("stated_us") == F.col("first_us"))
    if "click_ts" in names:
        same = same & (F.col("stated_click_us") == F.col("clicked_us"))
    outside = ~F.coalesce((delay >= 0) & (delay <= window), F.lit(False))
    undone = F.abs(F.col("undo") * F.col("declared") - 1.0) <= 1e-9
    both = is_kept & F.col("first_us").isNotNull()
    # An impression that was logged twice at one moment may have been at either place.
    placed = F.col("stated_place").between(F.col("least_place"), F.col("most_place"))
    strongest = F.coalesce(F.col("stated_action") == F.col("action"), F.lit(False))
    ends = ("declared", "log_q", "stated_clicks")
    per_item = (
        candidates.withColumn("candidate", F.when(F.col("first_us").isNotNull(), F.lit(1)))
        .join(staged, list(KEY), how="full")
        .groupBy(key_of("item_id", config.ids.item).alias("key"))
        .agg(
            F.count("candidate").alias("candidates"),
            F.count("staged").alias("kept"),
            F.count("log_q").alias("with_log_q"),
            F.count_if("again").alias("again"),
            F.count_if(is_kept & ~F.coalesce(same, F.lit(False))).alias("unfounded"),
            F.count_if(is_kept & outside).alias("outside"),
            F.count_if(is_kept & ~F.coalesce(undone, F.lit(False))).alias("not_undone"),
            F.count_if(both & ~strongest).alias("weaker"),
            F.count_if(both & ~placed).alias("misplaced"),
            F.count_if(F.col("candidate").isNotNull() & ~is_kept).alias("dropped"),
            *(F.min(name).alias(f"least_{name}") for name in ends),
            *(F.max(name).alias(f"most_{name}") for name in ends),
        )
        .toArrow()
    )
    return _compared(per_item, items, names, complete=positives.complete)


def _code(config: Config) -> Column:
    """Return the place of action_type in the configured order."""
    names = enumerate(config.positives.actions)
    return F.coalesce(*(F.when(F.col("action_type") == name, F.lit(i)) for i, name in names))


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
    unused = of_item(items.unused, 0.0)
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
        "action_type": [Figure("action_type_differs", int(column("weaker").sum()))],
        "position": [Figure("position_differs", int(column("misplaced").sum()))],
        "keep_prob": [Figure("keep_prob_differs", int(kept[off("declared", keep, 1e-9)].sum()))],
        "undo_weight": [Figure("undo_weight_differs", int(column("not_undone").sum()))],
        "pos_log_q": [Figure("pos_log_q_differs", int(kept[wrong_log_q].sum()))],
        "item_clicks": [
            Figure("item_clicks_differ", int(kept[off("stated_clicks", clicks, 0.5)].sum()))
        ],
    }
    figures = [
        Figure("positives_not_clicked", int(column("unfounded").sum())),
        Figure(
            "request_ids_reused",
            float(column("again").sum()) / max(float(column("candidates").sum()), 1.0),
            detail=f"{int(column('again').sum()):,} items of requests",
        ),
        *(figure for name, own in by_column.items() if name in names for figure in own),
        Figure("positives_outside_catalogue", float(kept[~drawable].sum()) / n),
        Figure("positives_without_history", float(kept[(clicks == 0) & (unused > 0)].sum()) / n),
    ]
    if complete:
        unlike = items.listed & (items.positives != counts.kept)
        share = items.positives / max(float(kept.sum()), 1.0)
        wrong_share = items.listed & ~(np.abs(items.in_batch_q - share) <= 1e-9 * share)
        figures += [
            Figure("item_positives_differ", int(unlike.sum())),
            Figure("in_batch_q_differs", int(wrong_share.sum())),
            Figure("positives_missing", int(column("dropped")[keep >= 1.0].sum())),
            *keep_rates(counts, items),
            *top_share(counts, items),
        ]
    return counts, figures
