"""user_sequences: one row per user, with the past, the date, and which of its clicks are targets.

Nothing is sampled here: targets are the kept positives of the sample groups.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from winnow.contracts.log import Log
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.events.keys import key_of
from winnow.events.kinds import WEAK
from winnow.events.placement import keyed_hash, shard, split
from winnow.run import Run
from winnow.spark.sized import Sized
from winnow.tables.group_actions import action_of_group
from winnow.tables.history_state import (
    EarlierState,
    carried_clicks,
    carried_left_out,
    logged_clicks,
)
from winnow.tables.rows_of_users import rows_of_users
from winnow.tables.sequence_rows import CLICK, LEFT_OUT, TARGET, SequenceRows

_PLACED = ("ds", "mature", "split", "shard", "shuffle_key")


def user_sequences(
    logs: Mapping[str, Log],
    groups: Sized,
    earlier: EarlierState | None,
    contract: TableContract,
    run: Run,
    *,
    mature: bool,
) -> DataFrame:
    """Return one row per user with a kept positive that was clicked.

    Args:
        logs: The conformed logs.
        groups: Sample groups as from ``with_placement``.
        earlier: The state that histories go on from; None takes all clicks from the log.
        contract: The contract of user_sequences.
        run: The date, and how long a history is.
        mature: Whether the attribution window is complete.
    """
    config, day = run.config, run.day
    actions, length = config.positives.actions, config.requests.history_length
    rows = SequenceRows(actions, length, day.start_us)
    schema = spark_schema(contract)
    made = StructType([field for field in schema.fields if field.name not in _PLACED])
    events, n_rows = _events(logs, groups, earlier, run), groups.rows + logs["clicks"].about_rows
    some, key = Sized(events, n_rows), key_of("user_id", config.ids.user)
    return (
        rows_of_users(some, "user_id", key, rows.of_batches, made, run, "user-sequences")
        .select(
            "*",
            F.lit(day.date).alias("ds"),
            F.lit(mature).alias("mature"),
            split(config, day.date).alias("split"),
            shard(config, "user_id").alias("shard"),
            keyed_hash(config, "shuffle", "user_id").alias("shuffle_key"),
        )
        .select(*contract.names)
    )


def _events(
    logs: Mapping[str, Log], groups: Sized, earlier: EarlierState | None, run: Run
) -> DataFrame:
    """Return all that tasks look at in one frame; what rows of a kind do not have is NULL."""
    clicked = groups.frame.where(F.col("action") != WEAK)
    users = run.scratch.staged(clicked.select("user_id").distinct(), "users-with-targets")
    asking = groups.made(users).side_of_join("user_id", run.limits)
    targets = clicked.select(
        "user_id",
        "item_id",
        F.col("click_us").alias("at_us"),
        action_of_group(run.config).alias("action"),
        F.col("impression_us").alias("shown_us"),
    )
    clicks = logged_clicks(logs["clicks"], earlier, run).join(asking, "user_id", "left_semi")
    if earlier is not None:
        states = earlier.rows.frame.join(asking, "user_id", "left_semi")
        clicks = clicks.unionByName(carried_clicks(states, run))
    frames = [_of_kind(clicks, CLICK), _of_kind(targets, TARGET)]
    if earlier is not None:
        frames.append(_of_kind(carried_left_out(states, run), LEFT_OUT))
    events = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)
    if "n_left_out" not in events.columns:
        events = events.withColumn("n_left_out", F.lit(None).cast("int"))
    return events


def _of_kind(rows: DataFrame, kind: int) -> DataFrame:
    return rows.withColumn("kind", F.lit(kind).cast("tinyint"))
