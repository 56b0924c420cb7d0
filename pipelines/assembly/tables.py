"""The tables that are projections of the sample groups: no sampling, no shuffle."""

from datetime import date
from typing import NamedTuple

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.assembly.placement import POSITIVE_KEY, sample_id, shard, split
from pipelines.config.tree import Config
from pipelines.contracts.tables import TableContract
from pipelines.sampling.mix import CATALOGUE_EXHAUSTED, REASONS

SOURCE_EASY, SOURCE_FILL, SOURCE_CUT, SOURCE_LOW = 0, 1, 2, 3
"""The codes of neg_source in training_samples."""

SOURCE_NAMES = ("popularity", "easy_fill", "cut", "low")
"""The same as names, by code, for the tables with one row per negative."""


def with_placement(groups: DataFrame, config: Config, day: date, *, mature: bool) -> DataFrame:
    """Add to sample groups what every table shares.

    Adds ``ds``, ``sample_id``, ``split``, ``shard``, ``mature``, the contract's timestamps, the
    action's name, ``label_strength``, ``undo_weight`` and ``sample_weight``.
    """
    actions = config.positives.actions
    weights = [float(config.positives.weights.get(action, 1.0)) for action in actions]
    return groups.select(
        "*",
        F.lit(day).alias("ds"),
        sample_id().alias("sample_id"),
        split(config, day).alias("split"),
        shard(config, *POSITIVE_KEY).alias("shard"),
        F.lit(mature).alias("mature"),
        F.timestamp_micros("impression_us").alias("impression_ts"),
        F.timestamp_micros("click_us").alias("click_ts"),
        _by_code("action", actions).alias("action_type"),
        _by_code("action", weights).alias("sample_weight"),
        F.lit("strong").alias("label_strength"),
        (F.lit(1.0) / F.col("keep_prob")).alias("undo_weight"),
    )


def _by_code(code: str, values: tuple[str, ...] | list[float] | list[int]) -> Column:
    return F.coalesce(*(F.when(F.col(code) == i, F.lit(v)) for i, v in enumerate(values)))


def positives(groups: DataFrame, contract: TableContract) -> DataFrame:
    """Return one row per kept positive, in the contract's columns."""
    return groups.select(*contract.names)


class _Taken(NamedTuple):
    """A stage that gives negatives, and what is written of them."""

    code: int
    name: str
    source: int
    hardness: int

    @property
    def source_name(self) -> str:
        return SOURCE_NAMES[self.source]


def _taken_stages(config: Config) -> list[_Taken]:
    taken = [(i, stage) for i, stage in enumerate(config.hard.stages) if stage.take != "none"]
    sources = [SOURCE_CUT if stage.take == "cut" else SOURCE_LOW for _, stage in taken]
    return [
        _Taken(i, stage.name, source, hardness)
        for hardness, ((i, stage), source) in enumerate(zip(taken, sources, strict=True), start=1)
    ]


def _of_stage(stage: Column, field: str, config: Config, kind: str) -> Column:
    """Return a field of the stage that has the code, NULL for other codes."""
    taken = _taken_stages(config)
    if not taken:
        return F.lit(None).cast(kind)
    values = (F.when(stage == one.code, F.lit(getattr(one, field))) for one in taken)
    return F.coalesce(*values).cast(kind)


def easy_negatives(groups: DataFrame, contract: TableContract) -> DataFrame:
    """Return one row per draw from the catalogue, fills included, in the contract's columns."""
    shared = [name for name in contract.names if name in groups.columns]
    draws = F.arrays_zip("easy_item_ids", "easy_q", "easy_log_q", "easy_attempts")
    rows = groups.select(*shared, "n_easy", F.posexplode(draws).alias("draw_no", "draw"))
    return rows.select(
        *shared,
        "draw_no",
        F.col("draw.easy_item_ids").alias("neg_item_id"),
        F.when(F.col("draw_no") < F.col("n_easy"), SOURCE_NAMES[SOURCE_EASY])
        .otherwise(SOURCE_NAMES[SOURCE_FILL])
        .alias("source"),
        F.col("draw.easy_q").alias("q"),
        F.col("draw.easy_log_q").alias("log_q"),
        F.col("draw.easy_attempts").alias("attempts"),
    ).select(*contract.names)


def hard_negatives(
    groups: DataFrame, contract: TableContract, config: Config, *, scored: bool
) -> DataFrame:
    """Return one row per hard negative, in the contract's columns.

    ``scored`` says whether ``hard_value`` is a score; else it is a rank, and there is no score.
    """
    shared = [name for name in contract.names if name in groups.columns]
    lists = ("hard_item_ids", "hard_stage", "hard_rank", "hard_size", "hard_value")
    rows = groups.select(
        *shared, incl_prob(config).alias("incl_prob"), F.explode(F.arrays_zip(*lists)).alias("row")
    )
    stage, rank, size = F.col("row.hard_stage"), F.col("row.hard_rank"), F.col("row.hard_size")
    return rows.select(
        *shared,
        "incl_prob",
        F.col("row.hard_item_ids").alias("neg_item_id"),
        _of_stage(stage, "source_name", config, "string").alias("source"),
        _of_stage(stage, "name", config, "string").alias("stage"),
        rank.alias("stage_rank"),
        size.alias("stage_size"),
        (F.col("row.hard_value") if scored else F.lit(None).cast("double")).alias("stage_score"),
        F.when(size > 1, (rank - 1) / (size - 1)).otherwise(F.lit(0.0)).alias("rank_pct"),
        _of_stage(stage, "hardness", config, "tinyint").alias("hardness"),
    ).select(*contract.names)


def incl_prob(config: Config) -> Column:
    """Return drawn / pool where candidates are chosen at random, else NULL."""
    if config.hard.selection != "random":
        return F.lit(None).cast("double")
    return F.when(F.col("n_hard") > 0, F.col("n_hard") / F.col("n_pool"))


def training_samples(groups: DataFrame, contract: TableContract, config: Config) -> DataFrame:
    """Return one row per positive with its negatives in the order easy, hard, fill."""
    n_easy, n_hard, n_fill = F.col("n_easy"), F.col("n_hard"), F.col("n_fill")
    fill_from = n_easy + F.lit(1)

    def in_order(easy: str, hard: Column) -> Column:
        fill = F.slice(easy, fill_from, n_fill)
        return F.concat(F.slice(easy, F.lit(1), n_easy), hard, fill)

    def repeated(value: Column | None, kind: str, n: Column) -> Column:
        constant = F.lit(None) if value is None else value
        return F.array_repeat(constant.cast(kind), n)

    def codes(easy: int, fill: int, field: str) -> Column:
        of_stage = F.transform("hard_stage", lambda s: _of_stage(s, field, config, "tinyint"))
        return F.concat(
            repeated(F.lit(easy), "tinyint", n_easy),
            of_stage,
            repeated(F.lit(fill), "tinyint", n_fill),
        )

    probability = F.concat(
        repeated(None, "double", n_easy),
        repeated(incl_prob(config), "double", n_hard),
        repeated(None, "double", n_fill),
    )
    reasons, counts = _shortfall()
    return groups.select(
        "*",
        in_order("easy_item_ids", F.col("hard_item_ids")).alias("neg_item_ids"),
        codes(SOURCE_EASY, SOURCE_FILL, "source").alias("neg_source"),
        codes(0, 0, "hardness").alias("neg_hardness"),
        in_order("easy_log_q", repeated(None, "double", n_hard)).alias("neg_log_q"),
        probability.alias("neg_incl_prob"),
        F.lit(config.mix.negatives_per_positive).alias("n_requested"),
        reasons.alias("shortfall_reasons"),
        counts.alias("shortfall_counts"),
    ).select(*contract.names)


def _shortfall() -> tuple[Column, Column]:
    """Return the reasons and the counts of missing negatives; they add up to fill + shortfall."""
    hard_missing = F.col("hard_missing")
    easy_missing = F.col("n_fill") + F.col("shortfall") - hard_missing
    reason = _by_code("hard_reason", REASONS)
    none_missing = hard_missing == 0
    reasons = F.concat(
        F.when(none_missing, F.array().cast("array<string>")).otherwise(F.array(reason)),
        F.when(easy_missing == 0, F.array().cast("array<string>")).otherwise(
            F.array(F.lit(REASONS[CATALOGUE_EXHAUSTED]))
        ),
    )
    counts = F.concat(
        F.when(none_missing, F.array().cast("array<int>")).otherwise(F.array(hard_missing)),
        F.when(easy_missing == 0, F.array().cast("array<int>")).otherwise(F.array(easy_missing)),
    )
    return reasons, counts
