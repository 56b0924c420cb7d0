"""The one id of each item, found again from the alias log, and the logs as read under it.

Nothing is taken from ``winnow.events.item_aliases``: there chains are followed on the driver, here
by joining the aliases with themselves.
"""

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.contracts.log import Log
from winnow.contracts.rows import OWN_ID, on_date, valid_rows
from winnow.dates import CalendarDay
from winnow.run import Run
from winnow.spark.limits import Limits
from winnow.spark.scratch import Scratch
from winnow.spark.sized import Sized

_MOST_ROUNDS = 64
_EVER = 2**62


def with_own_aliases(logs: Mapping[str, Log], run: Run) -> Mapping[str, Log]:
    """Return the logs as opened with the ids that the alias log, read again, gives their items.

    Args:
        logs: The conformed logs, with ids as they were logged.
        run: The date, and where to compute.
    """
    if "item_aliases" not in logs:
        return logs
    of_date = _of_date(logs["item_aliases"], run.day)
    aliases = _followed(of_date, logs["item_aliases"].about_rows, run.scratch)
    if aliases.rows == 0:
        return logs
    return {
        name: _renamed(log, aliases, run.limits) if name != "item_aliases" else log
        for name, log in logs.items()
    }


def as_canonical(rows: DataFrame, aliases: Sized | None, limits: Limits) -> DataFrame:
    """Return (user_id, item_id) with the ids that the aliases give; as they are without any."""
    if aliases is None:
        return rows
    return _beside(rows, aliases, limits).select(
        "user_id", F.coalesce("audited_canonical", "item_id").alias("item_id")
    )


def _of_date(log: Log, day: CalendarDay) -> DataFrame:
    """Return (item_id, audited_canonical) of the rows that count on the date."""
    begins = F.coalesce(F.unix_micros("valid_from"), F.lit(-_EVER))
    ends = F.coalesce(F.unix_micros("valid_to"), F.lit(_EVER))
    known = valid_rows(log).where(on_date(log, day) & (begins < day.end_us) & (ends > day.start_us))
    last = F.max(F.struct(begins.alias("begins"), F.col("canonical_id").alias("to"))).alias("last")
    standing = known.groupBy("item_id").agg(last)
    return standing.select("item_id", F.col("last.to").alias("audited_canonical"))


def _followed(of_date: DataFrame, n_rows: int, scratch: Scratch) -> Sized:
    """Follow the chains to their ends."""
    own = F.col("item_id") == F.col("audited_canonical")
    found = scratch.staged(of_date.where(~own), "audited-aliases/0")
    for number in range(1, _MOST_ROUNDS):
        step = found.select(
            F.col("item_id").alias("audited_canonical"), F.col("audited_canonical").alias("further")
        )
        further = Sized(step, n_rows).side_of_join("audited_canonical", scratch.limits)
        joined = found.join(further, "audited_canonical", how="left")
        moved = joined.select(
            "item_id",
            F.coalesce("further", "audited_canonical").alias("audited_canonical"),
            F.col("further").isNotNull().alias("moved"),
        )
        staged = scratch.staged(moved, f"audited-aliases/{number}")
        found = staged.drop("moved")
        if staged.where("moved").count() == 0:
            break
    return Sized(found, found.count())


def _beside(rows: DataFrame, aliases: Sized, limits: Limits) -> DataFrame:
    return rows.join(aliases.side_of_join("item_id", limits), "item_id", how="left")


def _renamed(log: Log, aliases: Sized, limits: Limits) -> Log:
    if "item_id" not in log.contract.names:
        return log
    columns = log.frame.columns
    frame = _beside(log.frame, aliases, limits)
    if log.name == "items":
        frame = frame.withColumn(OWN_ID, F.col("audited_canonical").isNull())
        columns = [*columns, OWN_ID]
    frame = frame.withColumn("item_id", F.coalesce("audited_canonical", "item_id"))
    if log.contract.key_without_impression_id == log.contract.key:
        ids = (F.col(name).cast("string") for name in log.contract.key)
        frame = frame.withColumn("impression_id", F.array_join(F.array(*ids), "/"))
    return replace(log, frame=frame.select(*columns), aliases=aliases)
