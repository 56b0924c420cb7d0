"""The rejected table: rows that broke a rule of their contract, clicks without an impression."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.rejected import as_rejected, rejected_rows, with_copy_numbers
from winnow.contracts.rows import on_date
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.events.attribution import unattributed_clicks
from winnow.events.click_users import Attributed
from winnow.run import Run

_UNATTRIBUTED = ("orphan", "user_differs")


def all_rejected(
    logs: Mapping[str, Log],
    counts: Mapping[str, RowCounts],
    attributed: Attributed,
    contract: TableContract,
    run: Run,
) -> DataFrame:
    """Return the date's rejected rows of all logs, in the contract's columns.

    Args:
        logs: The conformed logs.
        counts: How many rows of each were rejected; a log without any is not read again.
        attributed: Which clicks belong to which impressions: others are rejected.
        contract: The contract of ``rejected``.
        run: The date and the session.
    """
    day = run.day
    parts = [rejected_rows(log, day) for name, log in logs.items() if counts[name].rejected > 0]
    if counts["clicks"].valid > 0:
        log = logs["clicks"]
        clicks = log.frame.where(on_date(log, day) & F.col("valid"))
        organic = run.config.positives.organic
        actions = () if organic is None else organic.actions
        stray = unattributed_clicks(clicks, attributed.pairs.frame, attributed.refused, actions)
        parts.append(as_rejected(stray, "clicks"))
    if not parts:
        return run.scratch.spark.createDataFrame([], spark_schema(contract))
    numbered = with_copy_numbers(reduce(DataFrame.unionByName, parts))
    return numbered.withColumn("ds", F.lit(day.date)).select(*contract.names)


def unattributed_in(rejected: DataFrame) -> dict[str, int]:
    """Count the rows of ``rejected`` that are clicks without an impression, by their reason."""
    # Not a filter: Sail pushes filters into the files, where it knows no lambda.
    row = rejected.agg(*(F.count_if(_has(code)).alias(code) for code in _UNATTRIBUTED)).collect()[0]
    return {code: int(row[code]) for code in _UNATTRIBUTED if row[code]}


def _has(code: str) -> Column:
    return F.exists("reasons", lambda reason: reason.startswith(f"{code}:"))


def attributed_clicks(pairs: DataFrame, day: CalendarDay) -> int:
    """Count the clicks of the date, each once, that have an impression among the pairs."""
    clicked = F.col("click_us")
    of_date = pairs.where((clicked >= day.start_us) & (clicked < day.end_us))
    return of_date.select("click_key").distinct().count()


def with_orphans(counts: Mapping[str, RowCounts], rejected: DataFrame) -> dict[str, RowCounts]:
    """Return the counts of all logs, the clicks without an impression among the rejected ones."""
    found = unattributed_in(rejected)
    return {**counts, "clicks": with_unattributed(counts["clicks"], found)}


def with_unattributed(counts: RowCounts, by_reason: Mapping[str, int]) -> RowCounts:
    """Return the counts of the click log, what ``unattributed_in`` found moved to rejected."""
    total = sum(by_reason.values())
    return replace(
        counts,
        valid=counts.valid - total,
        rejected=counts.rejected + total,
        reasons=counts.reasons | dict(by_reason),
    )
