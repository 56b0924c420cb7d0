"""What a row of a table must hold by itself, whatever the other rows say.

The rules are those of the documentation, written down a second time: nothing is taken from the code
that places and weighs the rows.
"""

from collections.abc import Collection

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.audit.recompute.staged_rows import source_code
from winnow.config.sampling import Hard
from winnow.config.tree import Config
from winnow.dates import CalendarDay

_POSITIVE = ("user_id", "request_id", "item_id")
_KEY_OF = {
    "training_samples_pointwise": ("user_id", "request_id", "pos_item_id"),
    "ranking_samples": ("impression_id", "user_id", "request_id", "item_id"),
}
_LONG = ("hard_negatives", "training_samples_pointwise")
_UPPER_53_BITS = 2.0**53


def broken_rules(
    table: str, columns: Collection[str], config: Config, day: CalendarDay, *, mature: bool
) -> dict[str, Column]:
    """Return the gates on single rows of a table: each with whether a row breaks it, never NULL.

    Args:
        table: The table's name.
        columns: The columns that it has; what it does not know is not judged.
        config: Seed, split, shards, weights of actions, and how hard negatives are chosen.
        day: The date.
        mature: Whether the logs have all later dates that belong to the build.
    """
    key = _KEY_OF.get(table, _POSITIVE)
    kept: dict[str, Column] = {}
    if "sample_id" in columns:
        kept["sample_id_differs"] = F.col("sample_id") == F.xxhash64(*key)
    if "split" in columns:
        kept["split_differs"] = F.col("split") == _split(config, day)
    if "shard" in columns:
        hashed = F.xxhash64(F.lit(config.seed), F.lit("shard"), *key)
        kept["shard_differs"] = F.col("shard") == F.pmod(hashed, F.lit(config.shards))
    if "shuffle_key" in columns and table == "ranking_samples":
        hashed = F.xxhash64(F.lit(config.seed), F.lit("shuffle"), *key)
        kept["shuffle_key_differs"] = F.col("shuffle_key") == hashed
    if "mature" in columns:
        kept["mature_differs"] = F.col("mature") == F.lit(mature)
    if "sample_weight" in columns:
        kept["sample_weight_differs"] = F.col("sample_weight") == _weight(config)
    if "incl_prob" in columns and table in _LONG:
        kept["incl_prob_differs"] = _drawn_by_chance(table, config)
    if "stage_rank" in columns:
        kept["hard_band_differs"] = _in_its_band(config.hard)
    if "click_delay_ms" in columns:
        kept["click_columns_differ"] = _click_fits()
    return {gate: ~F.coalesce(holds, F.lit(False)) for gate, holds in kept.items()}


def _split(config: Config, day: CalendarDay) -> Column:
    """Return the split: by a hash of the user, so that all rows of one share it, or by the date."""
    parts = config.split
    if parts.by == "date":
        begins = {"test": parts.test_from, "valid": parts.valid_from}
        now = [name for name, since in begins.items() if since is not None and since <= day.date]
        return F.lit(now[0] if now else "train")
    ends = {"test": parts.test_ratio, "valid": parts.test_ratio + parts.valid_ratio}
    # Below a share of 0 no user lies: most configs do not split, and need no hash.
    ends = {name: end for name, end in ends.items() if end > 0.0}
    hashed = F.xxhash64(F.lit(config.seed), F.lit("split"), "user_id")
    number = F.shiftright(hashed, 11).bitwiseAND(2**53 - 1)
    split = F.lit("train")
    for name, end in reversed(ends.items()):
        split = F.when(number < F.lit(end * _UPPER_53_BITS), F.lit(name)).otherwise(split)
    return split


def _weight(config: Config) -> Column:
    """Return the weight of the row's action; 1 where the config names none."""
    weight = F.lit(1.0)
    for action, own in config.positives.weights.items():
        weight = F.when(F.col("action_type") == action, F.lit(float(own))).otherwise(weight)
    return weight


def _drawn_by_chance(table: str, config: Config) -> Column:
    """Return whether incl_prob is a probability where chance chose, and NULL elsewhere."""
    chance, is_null = F.col("incl_prob"), F.col("incl_prob").isNull()
    if config.hard.selection != "random":
        return is_null
    probable = (chance > 0) & (chance <= 1)
    if table == "hard_negatives":
        return probable
    is_hard = F.coalesce(source_code() >= 2, F.lit(False))
    return F.when(is_hard, probable).otherwise(is_null)


def _click_fits() -> Column:
    """Return whether label, click, action and delay of an impression tell the same."""
    clicked, shown = F.unix_micros("click_ts"), F.unix_micros("impression_ts")
    others = (F.col("click_ts"), F.col("action_type"), F.col("click_delay_ms"))
    none = others[0].isNull() & others[1].isNull() & others[2].isNull()
    behind = clicked - shown - F.col("click_delay_ms") * F.lit(1000)
    fits = (behind >= 0) & (behind < 1000) & (clicked >= shown) & others[1].isNotNull()
    return F.when(F.col("label") == 1, fits).otherwise((F.col("label") == 0) & none)


def _in_its_band(hard: Hard) -> Column:
    """Return whether rank, size and rank_pct fit together, and into the band of a low stage."""
    rank, size, share = F.col("stage_rank"), F.col("stage_size"), F.col("rank_pct")
    wanted = F.when(size > 1, (rank - 1) / (size - 1)).otherwise(F.lit(0.0))
    there = (rank >= 1) & (rank <= size) & (F.abs(share - wanted) <= 1e-9)
    possible = F.coalesce((rank >= 1) | (size >= 1), F.lit(True))
    unknown = rank.isNull() | size.isNull()
    fits = F.when(unknown, share.isNull() & possible).otherwise(there)
    of_stage = F.lit(False)
    for stage in hard.stages:
        low, high = stage.band if stage.take == "low" else (0.0, 1.0)
        inside = (share >= low - 1e-9) & (share <= high + 1e-9)
        if not stage.needs_places:
            inside = F.coalesce(inside, F.lit(True))
        named = (F.col("stage") == stage.name) & (F.col("source") == stage.take)
        of_stage = of_stage | (named & inside) if stage.take != "none" else of_stage
    return fits & of_stage
