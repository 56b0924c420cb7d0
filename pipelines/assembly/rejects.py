"""The rejected table: rows that broke a rule of their contract, clicks without an impression."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.assembly.attribution import orphan_clicks
from pipelines.contracts.counts import RowCounts
from pipelines.contracts.days import CalendarDay
from pipelines.contracts.logs import Log
from pipelines.contracts.rejects import as_rejected, rejected_rows, with_copy_numbers
from pipelines.contracts.rows import on_date
from pipelines.contracts.tables import TableContract


def all_rejected(
    logs: Mapping[str, Log],
    counts: Mapping[str, RowCounts],
    pairs: DataFrame,
    contract: TableContract,
    day: CalendarDay,
    *,
    spark: SparkSession,
) -> DataFrame:
    """Return the date's rejected rows of all logs, in the contract's columns.

    Args:
        logs: The conformed logs.
        counts: How many rows of each were rejected; a log without any is not read again.
        pairs: What ``attributed_pairs`` returned: clicks without one are orphans.
        contract: The contract of ``rejected``.
        day: The date.
        spark: The session.
    """
    parts = [rejected_rows(log, day) for name, log in logs.items() if counts[name].rejected > 0]
    if counts["clicks"].valid > 0:
        log = logs["clicks"]
        clicks = log.frame.where(on_date(log, day) & F.col("valid"))
        parts.append(as_rejected(orphan_clicks(clicks, pairs), "clicks"))
    if not parts:
        return spark.createDataFrame([], contract.spark_schema())
    numbered = with_copy_numbers(reduce(DataFrame.unionByName, parts))
    return numbered.withColumn("ds", F.lit(day.date)).select(*contract.names)


def orphans_in(rejected: DataFrame) -> int:
    """Count the rows of ``rejected`` that are clicks without an impression."""
    is_orphan = F.exists("reasons", lambda reason: reason.startswith("orphan:"))
    # Not a filter: Sail pushes filters into the files, where it knows no lambda.
    return int(rejected.agg(F.count_if(is_orphan).alias("n")).collect()[0]["n"])


def attributed_clicks(pairs: DataFrame, day: CalendarDay) -> int:
    """Count the clicks of the date, each once, that have an impression among the pairs."""
    clicked = F.col("click_us")
    of_date = pairs.where((clicked >= day.start_us) & (clicked < day.end_us))
    return of_date.select("click_key").distinct().count()


def with_orphans(counts: RowCounts, n_orphans: int) -> RowCounts:
    """Return the counts of the click log with its orphans moved from valid to rejected."""
    return replace(
        counts,
        valid=counts.valid - n_orphans,
        rejected=counts.rejected + n_orphans,
        reasons=counts.reasons | ({"orphan": n_orphans} if n_orphans else {}),
    )
