"""What the stages of the ranking log say of an item: its best score and rank, in one row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

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

OfSomeRequests = Callable[[DataFrame], DataFrame]
"""Leaves of rows with a ``request_id`` those of some requests."""


@dataclass(frozen=True)
class StageLog:
    """The ranking log as tables look at it.

    Attributes:
        log: The conformed log.
        orders: Which logged rank is the best.
    """

    log: Log
    orders: StageOrders

    def rows(self, run: Run) -> DataFrame:
        """Return the date's rows that say how far an item came.

        Returns:
            The log's columns with ``named_user`` in the place of ``user_id``, and ``from_one``: the
            rank counted from 1, NULL where the log has none.
        """
        rows = ranked_rows(self.log, run.config).where(on_date(self.log, run.day))
        rank = rank_from_one(run.config.ladder, self.orders).cast("int")
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


def in_passes(
    name: str, n_rows: int, run: Run, make: Callable[[OfSomeRequests, int], DataFrame]
) -> DataFrame:
    """Make rows of all requests: at once, or those of some after those of others.

    Args:
        name: What of, as a name of staged files.
        n_rows: About how many rows are shuffled for it. Where an engine holds its shuffles in
            memory, these may be too many at a time.
        run: Where to compute.
        make: Makes the rows of some requests, given which, and of how many passes this is one.
    """
    limits = run.limits
    passes = passes_for(run.scratch.spark, n_rows, limits.sampled, limits.memory_gib).number
    if passes == 1:
        return make(lambda rows: rows, 1)
    key, parts = key_of("request_id", run.config.ids.request), []
    for number in range(passes):

        def of(rows: DataFrame, number: int = number) -> DataFrame:
            return of_pass(rows, key, number, passes)

        parts.append(run.scratch.staged(make(of, passes), f"{name}/{number}"))
    return reduce(DataFrame.unionByName, parts)


def stage_values(
    rows: DataFrame, asked: Sized, values: Sequence[Column], run: Run, *, knows_users: bool
) -> DataFrame:
    """Bring rows of the ranking log to those who ask, and make one row of each item's.

    Two users may have requests of one id: a row that names its user is of that user's request only,
    unless the config says that ids are unique; where users must agree, a row that names none of a
    log that names users is of nobody's. No row of the log is shuffled but those that are asked for,
    where those who ask are few.

    Args:
        rows: What ``StageLog.rows`` returned.
        asked: ``user_id``, ``request_id``, and ``item_id`` where only some items are asked for;
            they may repeat only with the item.
        values: Aggregates over the rows of one item.
        run: Whose row it is, and how many are few.
        knows_users: Whether rows may name their user.

    Returns:
        One row per (user, request, item) that the log has: ``ITEM_OF_REQUEST`` and the values.
    """
    users = run.config.attribution.users
    by_user = knows_users and users != "impression"
    wanted = asked.side_of_join("request_id", run.limits)
    on: list[str] = ["request_id"]
    on += ["item_id"] if "item_id" in asked.frame.columns else []
    if by_user and users == "agree":
        named = rows.withColumnRenamed("named_user", "user_id")
        met = named.join(wanted, ["user_id", *on], how="inner")
    else:
        met = rows.join(wanted, on, how="inner")
        if by_user:
            own = F.col("named_user") == F.col("user_id")
            met = met.where(F.coalesce(own, F.lit(True)))
    return met.groupBy(*ITEM_OF_REQUEST).agg(*values)


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
