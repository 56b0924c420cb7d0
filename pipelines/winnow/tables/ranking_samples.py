"""ranking_samples: every impression of the date with its label, of users without clicks too."""

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.tables import TableContract
from winnow.events.pair_columns import value_column
from winnow.events.placement import keyed_hash, keyed_unit, shard, split
from winnow.run import Run
from winnow.spark.sized import Sized
from winnow.tables.clicked_impressions import IMPRESSION_KEY, impressions_on_screen
from winnow.tables.labels import labels
from winnow.tables.stage_values import (
    ITEM_OF_REQUEST,
    OfSomeRequests,
    StageLog,
    best_rank,
    best_score,
    in_passes,
    stage_values,
)


def ranking_samples(
    impressions: Sized,
    pairs: Sized,
    contract: TableContract,
    run: Run,
    *,
    mature: bool,
    knows_viewed: bool,
    ranked: StageLog | None = None,
) -> DataFrame:
    """Return one row per impression, label 1 where it was clicked in the attribution window.

    With ``ranking.negative_keep`` some of the rows without a click stay, chosen by a hash of their
    keys.

    Args:
        impressions: Valid, de-duplicated impressions of the date, with ``event_us`` and the
            carried columns.
        pairs: The pairs of the date that count (see ``attributed_pairs``); few enough are
            broadcast.
        contract: The contract of ranking_samples, with the carried columns.
        run: The date, split and shards.
        mature: Whether the attribution window is complete.
        knows_viewed: Whether the impression log says what was really on screen; then only viewed
            or clicked impressions count.
        ranked: The ranking log, for ``ranking.stage_scores``.
    """
    config, day = run.config, run.day.date
    rows = impressions_on_screen(impressions, pairs, run, knows_viewed=knows_viewed)
    if config.ranking.negative_keep is not None:
        rows = rows.where(F.col("click_us").isNotNull() | _is_kept(config))
    if config.ranking.stage_scores and ranked is not None:
        rows = _with_stage_scores(impressions.made(rows), ranked, run)
    actions = enumerate(config.positives.actions)
    delay_us = F.col("click_us") - F.col("event_us")
    placed = rows.select(
        "*",
        F.lit(day).alias("ds"),
        F.col("click_us").isNotNull().cast("int").alias("label"),
        F.timestamp_micros("click_us").alias("click_ts"),
        F.coalesce(*(F.when(F.col("action") == i, F.lit(a)) for i, a in actions)).alias(
            "action_type"
        ),
        F.floor(delay_us / F.lit(1000)).cast("bigint").alias("click_delay_ms"),
        *(F.col(value_column(name)).alias(name) for name in config.positives.values),
        *labels(config, F.col("event_us"), lambda _, code: F.col(f"done_{code}")),
        *_optional(config),
        F.lit(mature).alias("mature"),
        split(config, day).alias("split"),
        shard(config, *IMPRESSION_KEY).alias("shard"),
        keyed_hash(config, "shuffle", *IMPRESSION_KEY).alias("shuffle_key"),
    )
    return placed.select(*contract.names)


def _is_kept(config: Config) -> Column:
    """Return whether a row without a click is kept: 53 bits of a hash of its keys, in [0, 1)."""
    unit = keyed_unit(config, "negative_keep", *IMPRESSION_KEY)
    return unit < F.lit(config.ranking.negative_keep)


def _with_stage_scores(shown: Sized, ranked: StageLog, run: Run) -> DataFrame:
    """Add score and rank of each configured stage: as many rows as before."""
    log, asked = ranked.rows(run), shown.frame.select(*ITEM_OF_REQUEST)
    stages = run.config.ranking.stage_scores
    values = [best_score(stage, run).alias(f"score_{stage}") for stage in stages]
    values += [best_rank(stage).alias(f"rank_{stage}") for stage in stages]
    knows_users, many = "user_id" in ranked.log.mapped, shown.rows > run.limits.broadcast_rows

    def of_some(of: OfSomeRequests, passes: int) -> DataFrame:
        some = Sized(of(asked), -(-shown.rows // passes))
        return stage_values(of(log), some, values, run, knows_users=knows_users)

    # Few who ask are copied to every task: then only what they ask for is shuffled.
    n_rows = ranked.log.about_rows + shown.rows if many else 0
    found = shown.made(in_passes("stage-scores", n_rows, run, of_some))
    side = found.side_of_join("request_id", run.limits)
    return shown.frame.join(side, list(ITEM_OF_REQUEST), how="left")


def _optional(config: Config) -> Iterator[Column]:
    """Give the columns that the config asks for."""
    keep, examination = config.ranking.negative_keep, config.ranking.examination
    if keep is not None:
        kept = F.when(F.col("click_us").isNotNull(), 1.0).otherwise(keep)
        yield kept.alias("neg_keep_prob")
    if examination is not None:
        place = F.col("position") - F.lit(examination.first_position)
        table = F.array(*(F.lit(one) for one in examination.probabilities))
        yield F.get(table, place).alias("examination_prob")
