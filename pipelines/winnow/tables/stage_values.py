"""What the stages of the ranking log say of an item: its best score and rank, in one row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.contracts.log import Log
from winnow.contracts.rows import on_date
from winnow.events.events import rank_from_one
from winnow.events.keys import key_of
from winnow.events.stage_orders import StageOrders
from winnow.run import Run
from winnow.sampler.steps import ranked_rows
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.sized import Sized

ITEM_OF_REQUEST = ("user_id", "request_id", "item_id")


@dataclass(frozen=True)
class StageLog:
    """The ranking log as tables look at it.

    Attributes:
        log: The conformed log.
        orders: Which logged rank is the best.
    """

    log: Log
    orders: StageOrders


@dataclass(frozen=True)
class Asked:
    """Whose rows of the ranking log are wanted.

    Attributes:
        rows: ``user_id``, ``request_id``, and ``item_id`` where only some items are; they may
            repeat. Where there are few they are copied to every task.
        name: What for, as a name of staged files.
    """

    rows: Sized
    name: str


def stage_values(ranked: StageLog, asked: Asked, values: Sequence[Column], run: Run) -> DataFrame:
    """Bring the rows of the ranking log to those who ask, and make one row of each item's.

    Two users may have requests of one id: a row that names its user is of that user's request only,
    unless the config says that ids are unique; where users must agree, a row that names none of a
    log that names users is of nobody's. No row of the log is shuffled but those that are asked for,
    where these are few. Where an engine holds its shuffles in memory, many are asked for in passes.

    Args:
        ranked: The ranking log. Rows of other dates are left out.
        asked: Whose rows are wanted.
        values: Aggregates over the log's rows of one item: columns of the log, and ``from_one``,
            the rank counted from 1, NULL where the log has none.
        run: The ladder, and where to compute.

    Returns:
        One row per (user, request, item) that the log has: ``ITEM_OF_REQUEST`` and the values.
    """
    rows, limits, passes = asked.rows, run.limits, 1
    if rows.rows > limits.broadcast_rows:
        n_rows, spark = ranked.log.about_rows + rows.rows, run.scratch.spark
        passes = passes_for(spark, n_rows, limits.sampled, limits.memory_gib).number
    log = _known_rows(ranked, run)
    if passes == 1:
        return _of_items(log, ranked, asked, values, run)
    key, parts = key_of("request_id", run.config.ids.request), []
    for number in range(passes):
        some = Sized(of_pass(rows.frame, key, number, passes), -(-rows.rows // passes))
        made = _of_items(
            of_pass(log, key, number, passes), ranked, replace(asked, rows=some), values, run
        )
        parts.append(run.scratch.staged(made, f"{asked.name}/{number}"))
    found = parts[0]
    for part in parts[1:]:
        found = found.unionByName(part)
    return found


def best_score(stage: str, run: Run) -> Column:
    """Return the best score of an item in a stage, by the configured direction; NULL without one.

    A score that is no finite number is none.
    """
    # 0 is added so that of -0.0 and 0.0 it does not matter which came first.
    score = F.col("score") + F.lit(0.0)
    own = F.when((F.col("stage") == stage) & (F.abs(score) < float("inf")), score)
    return F.max(own) if run.config.funnel.higher_score_is_better else F.min(own)


def best_rank(stage: str) -> Column:
    """Return the best logged rank of an item in a stage, 1 for the first; NULL without one."""
    return F.min(F.when((F.col("stage") == stage) & (F.col("from_one") > 0), F.col("from_one")))


def _known_rows(ranked: StageLog, run: Run) -> DataFrame:
    rows = ranked_rows(ranked.log, run.config).where(on_date(ranked.log, run.day))
    rank = rank_from_one(run.config.ladder, ranked.orders).cast("int")
    return rows.select(
        "request_id",
        F.col("user_id").alias("named_user"),
        "item_id",
        "stage",
        "score",
        rank.alias("from_one"),
        "passed",
        "cut_reason",
        "valid",
    )


def _of_items(
    rows: DataFrame, ranked: StageLog, asked: Asked, values: Sequence[Column], run: Run
) -> DataFrame:
    config = run.config
    by_user = "user_id" in ranked.log.mapped and config.attribution.users != "impression"
    wanted = asked.rows.side_of_join("request_id", run.limits)
    on: list[str] = ["request_id"]
    on += ["item_id"] if "item_id" in asked.rows.frame.columns else []
    if by_user and config.attribution.users == "agree":
        named = rows.withColumnRenamed("named_user", "user_id")
        met = named.join(wanted, ["user_id", *on], how="inner")
    else:
        met = rows.join(wanted, on, how="inner")
        if by_user:
            own = F.col("named_user") == F.col("user_id")
            met = met.where(F.coalesce(own, F.lit(True)))
    return met.groupBy(*ITEM_OF_REQUEST).agg(*values)
