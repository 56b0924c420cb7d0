"""The staged positives joined with what was shown and clicked, and summed up by item."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.action_labels import label_columns, labels_fit
from winnow.audit.recompute.attribution_windows import longest_window_us
from winnow.audit.recompute.candidates import recomputed_candidates
from winnow.audit.recompute.click_values import value_columns, values_fit, worth_of
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.other_strengths import capped_of_users
from winnow.audit.recompute.pairs import date_pairs
from winnow.audit.recompute.staged_rows import (
    KEY,
    StagedPositives,
    clicked_rows,
    first_rows,
    positives_of,
)
from winnow.config.tree import Config
from winnow.events.keys import key_of


@dataclass(frozen=True)
class Kept:
    """Positives per item of ``Items``: before and after down-sampling, shapes (n,).

    ``all_candidates`` counts those before down-sampling, also of items that nothing else knows.
    """

    candidates: NDArray[np.int64]
    kept: NDArray[np.int64]
    all_candidates: int


@dataclass(frozen=True)
class ComparedPositives:
    """Sums by item of the positives, one row for each item that has any or should have.

    Attributes:
        rows: ``candidates`` (before down-sampling), ``kept`` (positives), ``with_log_q``, ``again``
            (shown by one request more than an hour apart), and how many positives are ``unfounded``
            (not in the logs), ``outside`` (of their window), ``not_undone``, ``weaker`` (of another
            action), ``misplaced``; ``dropped`` counts candidates that are no positives;
            ``least_``, ``most_`` of ``declared`` (keep_prob), ``log_q``, ``stated_clicks``; where
            actions have labels of their own, ``mislabelled``; where clicks have values,
            ``misvalued``; where users have a cap, ``crowded_candidates`` and ``crowded_kept``,
            those of users with more candidates than it, of which ``dropped`` has none.
        place: Of each row the place of its item in ``Items``; -1 where that has it not.
        counts: The same sums for each item of ``Items``.
        uncapped: Those without users whom a cap can touch.
        thinned: Of all items together, how many positives thinning left before the cap; None where
            there is none. Each user's are exactly so many as 1 / cap_prob of those that stay.
        written: Rows of each item of ``Items``, where positives may have several.
    """

    rows: pa.Table
    place: NDArray[np.int64]
    counts: Kept
    uncapped: Kept
    thinned: float | None = None
    written: NDArray[np.int64] | None = None

    @property
    def rows_of_items(self) -> NDArray[np.int64]:
        """Rows of positives of each item of ``Items``, shape (n,)."""
        return self.counts.kept if self.written is None else self.written

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column of the rows."""
        return np.asarray(self.rows[name].to_numpy(), np.float64)

    def of_item(self, values: NDArray[Any], elsewhere: float) -> NDArray[np.float64]:
        """Return for each row what ``values`` has for its item."""
        known = self.place >= 0
        found = np.full(len(self.place), elsewhere)
        found[known] = values[self.place[known]]
        return found


@once
def compared_positives(evidence: Evidence) -> ComparedPositives:
    """Return ``recomputed_positives`` of the evidence; there must be positives."""
    positives = positives_of(evidence.staged)
    assert positives is not None
    items, config = date_items(evidence), evidence.config
    pairs = date_pairs(evidence).rows
    candidates = recomputed_candidates(pairs, config, evidence.day)
    if config.positives.capped:
        candidates = candidates.join(capped_of_users(evidence), "user_id", how="left")
    if config.positives.values:
        worth = worth_of(pairs, config).drop("clicked_us")
        candidates = candidates.join(worth, list(KEY), how="left")
    return recomputed_positives(candidates, positives, items, config)


def recomputed_positives(
    candidates: DataFrame, positives: StagedPositives, items: Items, config: Config
) -> ComparedPositives:
    """Compare the staged positives with the candidates of the logs, and sum up by item.

    Args:
        candidates: What ``recomputed_candidates`` returned, with ``worth_of`` where asked for, and
            ``capped_of_users`` where the cap counts other strengths.
        positives: The staged positives.
        items: Their clicks and keep_prob.
        config: Window and id types.
    """
    every, names = positives.rows, set(positives.rows.columns)
    rows = clicked_rows(first_rows(every), config)

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
        F.coalesce(stated("cap_prob"), F.lit(1.0)).alias("cap_chance"),
        stated("pos_log_q").alias("log_q"),
        stated("item_clicks").alias("stated_clicks"),
        micros("impression_ts").alias("stated_us"),
        micros("click_ts").alias("stated_click_us"),
        (_code(config) if "action_type" in names else F.lit(None))
        .cast("int")
        .alias("stated_action"),
        F.coalesce(place, F.lit(0)).cast("bigint").alias("stated_place"),
        F.lit(1).alias("staged"),
        F.coalesce(stated("repeat_expect"), F.lit(1.0)).alias("expected"),
        *label_columns(names, config),
        *value_columns(rows.columns, config),
    )
    window = longest_window_us(config)
    is_kept, delay = F.col("staged").isNotNull(), F.col("stated_click_us") - F.col("stated_us")
    same = F.col("first_us").isNotNull()
    if "impression_ts" in names:
        same = same & (F.col("stated_us") == F.col("first_us"))
    if "click_ts" in names:
        same = same & (F.col("stated_click_us") == F.col("clicked_us"))
    outside = ~F.coalesce((delay >= 0) & (delay <= window), F.lit(False))
    chance = F.col("declared") * F.col("cap_chance") * F.col("expected")
    undone = F.abs(F.col("undo") * chance - 1.0) <= 1e-9
    both = is_kept & F.col("first_us").isNotNull()
    # An impression that was logged twice at one moment may have been at either place.
    placed = F.col("stated_place").between(F.col("least_place"), F.col("most_place"))
    strongest = F.coalesce(F.col("stated_action") == F.col("action"), F.lit(False))
    asked, crowded = [], F.lit(False)
    if config.positives.per_user_cap is not None:
        of_user = F.count("first_us").over(Window.partitionBy("user_id"))
        if config.positives.capped:
            of_user = of_user + F.coalesce(F.col("n_others"), F.lit(0))
        cap = F.lit(config.positives.per_user_cap)
        candidates = candidates.withColumn("crowded", of_user > cap)
        crowded = F.coalesce("crowded", F.lit(False))
        asked = [
            F.count_if(F.col("candidate").isNotNull() & crowded).alias("crowded_candidates"),
            F.count_if(is_kept & crowded).alias("crowded_kept"),
        ]
        if not config.positives.capped:
            # Each of the cap's places stands for as many: exact where only these are counted.
            before = F.sum(F.when(is_kept, F.lit(1.0) / F.col("cap_chance")))
            asked.append(before.alias("before_cap"))
    if labels := label_columns(names, config):
        mislabelled = both & ~labels_fit(labels, F.col("first_us"))
        asked.append(F.count_if(mislabelled).alias("mislabelled"))
    if values := value_columns(rows.columns, config):
        asked.append(F.count_if(both & ~values_fit(values)).alias("misvalued"))
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
            *asked,
            F.count_if(F.col("candidate").isNotNull() & ~is_kept & ~crowded).alias("dropped"),
            *(F.min(name).alias(f"least_{name}") for name in ends),
            *(F.max(name).alias(f"most_{name}") for name in ends),
        )
        .toArrow()
    )
    compared = _compared(per_item, items)
    if rows is every:
        return compared
    return replace(compared, written=_written(every, items, config))


def _written(rows: DataFrame, items: Items, config: Config) -> NDArray[np.int64]:
    """Return how many rows of positives each item has, shape (n,)."""
    key = key_of("item_id", config.ids.item).alias("key")
    counts = rows.groupBy(key).agg(F.count(F.lit(1)).alias("n")).toArrow()
    found = np.asarray(counts["key"].to_numpy(), np.int64)
    place = np.minimum(np.searchsorted(items.key, found), len(items.key) - 1)
    known = items.key[place] == found
    written = np.zeros(len(items.key), np.int64)
    written[place[known]] = counts["n"].to_numpy()[known]
    return written


def _code(config: Config) -> Column:
    """Return the place of action_type in the configured order."""
    names = enumerate(config.positives.actions)
    return F.coalesce(*(F.when(F.col("action_type") == name, F.lit(i)) for i, name in names))


def _compared(per_item: pa.Table, items: Items) -> ComparedPositives:
    key = np.asarray(per_item["key"].to_numpy(), np.int64)
    place = np.searchsorted(items.key, key)
    inside = place < len(items.key)
    inside[inside] = items.key[place[inside]] == key[inside]

    def of_items(name: str) -> NDArray[np.int64]:
        counts = np.zeros(len(items.key), np.int64)
        counts[place[inside]] = per_item[name].to_numpy()[inside]
        return counts

    everywhere = int(np.asarray(per_item["candidates"].to_numpy(), np.int64).sum())
    counts = Kept(of_items("candidates"), of_items("kept"), everywhere)
    uncapped, thinned = counts, None
    if "crowded_kept" in per_item.column_names:
        uncapped = Kept(
            counts.candidates - of_items("crowded_candidates"),
            counts.kept - of_items("crowded_kept"),
            everywhere,
        )
    if "before_cap" in per_item.column_names:
        thinned = float(np.nansum(per_item["before_cap"].to_numpy().astype(np.float64)))
    return ComparedPositives(per_item, np.where(inside, place, -1), counts, uncapped, thinned)
