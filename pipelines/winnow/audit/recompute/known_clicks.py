"""What users clicked within the window of histories, told again: by the log and an earlier state.

Sets and windows of the engine, in place of the arrays of the sampler.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.user_caps import of_some_users

CLICK = ("user_id", "us", "item", "code", "action")


def window_start(evidence: Evidence) -> int:
    """Return the first microsecond that a history may be of."""
    config = evidence.config
    days = config.requests.history_days
    days = config.exclusion.click_lookback_days if days is None else days
    return evidence.day.shifted(-days).start_us


def clicks_of_log(evidence: Evidence, since_us: int, one_in: int = 1) -> DataFrame:
    """Return the valid clicks from a moment to the end of the date, equal ones once: ``CLICK``."""
    at = F.col("event_us")
    rows = evidence.logs["clicks"].frame.where(
        F.col("valid") & (at >= since_us) & (at < evidence.day.end_us)
    )
    action = F.col("action_type")
    found = of_some_users(rows, one_in).select(
        "user_id",
        at.alias("us"),
        F.col("item_id").alias("item"),
        _code(evidence, action).alias("code"),
        action.alias("action"),
    )
    return found.distinct()


def clicks_since_state(evidence: Evidence, one_in: int = 1) -> DataFrame:
    """Return what of the log is not in the earlier state, or all of the window: ``CLICK``."""
    chain, first = evidence.history, window_start(evidence)
    since = first if chain.before is None else max(first, chain.until_us)
    return clicks_of_log(evidence, since, one_in)


def clicks_of_state(states: DataFrame, evidence: Evidence, one_in: int = 1) -> DataFrame:
    """Return what states have that is not earlier than the window: ``CLICK``."""
    one = F.explode(F.arrays_zip("us", "item_ids", "actions")).alias("one")
    rows = of_some_users(states, one_in).select("user_id", one)
    return rows.where(F.col("one.us") >= window_start(evidence)).select(
        "user_id",
        F.col("one.us").alias("us"),
        F.col("one.item_ids").alias("item"),
        _code(evidence, F.col("one.actions")).alias("code"),
        F.col("one.actions").alias("action"),
    )


def left_out_of_state(states: DataFrame, evidence: Evidence, one_in: int = 1) -> DataFrame:
    """Return what states left out within the window: ``user_id``, ``day_us``, ``n`` (bigint)."""
    one = F.explode(F.arrays_zip("left_out_day_us", "left_out_counts")).alias("one")
    rows = of_some_users(states, one_in).select("user_id", one)
    day_us = F.col("one.left_out_day_us")
    n = F.col("one.left_out_counts").cast("bigint")
    return rows.where(day_us >= window_start(evidence)).select(
        "user_id", day_us.alias("day_us"), n.alias("n")
    )


def known_clicks(evidence: Evidence, one_in: int = 1) -> DataFrame:
    """Return all clicks of the window that are known, as far as none is too many: ``CLICK``."""
    of_log = clicks_since_state(evidence, one_in)
    before = evidence.history.before
    return (
        of_log if before is None else of_log.unionByName(clicks_of_state(before, evidence, one_in))
    )


def _code(evidence: Evidence, action: Column) -> Column:
    codes = enumerate(evidence.config.positives.actions)
    return F.coalesce(*(F.when(action == name, F.lit(i)) for i, name in codes))
