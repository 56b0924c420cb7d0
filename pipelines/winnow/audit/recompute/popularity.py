"""What makes items popular, counted again: whole events by item, date and action, then weighed.

The weights are those of docs/strategies.md: an event counts round(2^16 · 2^(−age / half_life)) ·
round(2^10 · weight of its action); popularity is the sum in units of 2^26, to the nearest 1/64.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from math import floor
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.rows import valid_rows
from winnow.dates import CalendarDay
from winnow.spark.broadcast import broadcast
from winnow.spark.scratch import Scratch

_MICROSECOND = timedelta(microseconds=1)
_UNITS, _STEP = 2**26, 2**20


def first_unknown_us(config: Config, day: CalendarDay) -> int:
    """Return the moment from which on popularity may know nothing, in microseconds."""
    hour = 0 if config.popularity.until == "day_before" else int(config.popularity.until[:2])
    moment = datetime.combine(day.date, time(hour), ZoneInfo(day.zone)).astimezone(UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // _MICROSECOND


def recomputed_popularity(
    logs: Mapping[str, Log],
    pairs: DataFrame | None,
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
    users: DataFrame | None = None,
    market: str | None = None,
) -> DataFrame:
    """Count what makes each item popular, where that is not its clicks.

    Args:
        logs: The logs; their frames read the files again.
        pairs: The pairs of earlier clicks, where only clicks of impressions count.
        config: What counts, and how much.
        day: The date.
        scratch: The session.
        users: ``user_id`` and ``segment``, where it is counted for each segment of these users.
        market: Where it is counted for each market, the carried column of what counts that tells
            it; of pairs one that ``recomputed_pairs`` was asked for.

    Returns:
        ``item_id``, ``popularity`` (bigint, in units of 2^-26), and ``segment`` or ``market`` where
        asked for.
    """
    since = day.shifted(-config.popularity.window_days).start_us
    events = _events(logs, pairs, config, (since, first_unknown_us(config, day)), market)
    by = ["item_id"]
    if market is not None:
        events, by = events.where(F.col("market").isNotNull()), ["item_id", "market"]
    if users is not None:
        events, by = events.join(users, "user_id", how="inner"), ["item_id", "segment"]
    newest = day if config.popularity.until != "day_before" else day.shifted(-1)
    local = F.from_utc_timestamp(F.timestamp_micros("at"), day.zone)
    age = F.datediff(F.lit(newest.date), F.to_date(local)).alias("age")
    counted = events.groupBy(*by, age, "action").agg(F.count(F.lit(1)).alias("n"))
    worth = scratch.spark.createDataFrame(
        _worth(config), "of_age int, of_action int, factor bigint"
    )
    both = (F.col("age") == F.col("of_age")) & (F.col("action") == F.col("of_action"))
    weighed = counted.join(broadcast(worth, "of_age"), both, how="left")
    return weighed.groupBy(*by).agg(
        F.sum(F.col("n") * F.col("factor")).cast("bigint").alias("popularity")
    )


def to_steps(units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return popularity to the nearest 1/64, halves up, shape (n,)."""
    whole, rest = np.divmod(units, _STEP)
    return (whole + (rest >= _STEP // 2)) * (_STEP / _UNITS)


def _events(
    logs: Mapping[str, Log],
    pairs: DataFrame | None,
    config: Config,
    window: tuple[int, int],
    market: str | None,
) -> DataFrame:
    """Return ``item_id``, ``user_id``, ``at`` (bigint), ``action`` (int, 0 if none), ``market``.

    The last one is there where a column tells it: an event of two markets is one of each.
    """
    rule, at = config.popularity, F.col("event_us")
    inside = (at >= window[0]) & (at < window[1])
    none = F.lit(0).alias("action")
    names = () if market is None else ("market",)
    if rule.of == "impressions":
        log = logs["impressions"]
        chosen = F.col(CHOSEN) if rule.clicks == "chosen" and log.chooses else F.lit(True)
        rows = valid_rows(log).where(inside & chosen)
        told = [F.col(market).alias("market")] if market is not None else []
        keys = rows.groupBy(*log.contract.key, *told).agg(F.min(at).alias("at"))
        return keys.select("item_id", "user_id", "at", none, *names)
    if pairs is None:
        clicks = valid_rows(logs["clicks"]).where(inside)
        key = logs["clicks"].contract.key
        told = [F.col(market).alias("market")] if market is not None else []
        found = clicks.select(*key, at.alias("at"), *told).distinct()
        found = found.withColumn("code", _code(config))
    else:
        told = [F.col(f"told_{market}").alias("market")] if market is not None else []
        found = pairs.select(
            "item_id", "user_id", "click", F.col("clicked_us").alias("at"), "action", *told
        ).distinct()
        found = found.withColumnRenamed("action", "code")
    if rule.of == "users":
        found = found.groupBy("item_id", "user_id", *names).agg(F.max("at").alias("at"))
    action = F.col("code").alias("action") if rule.of == "actions" else none
    return found.select("item_id", "user_id", "at", action, *names)


def _code(config: Config) -> Column:
    names = enumerate(config.positives.actions)
    return F.coalesce(*(F.when(F.col("action_type") == name, F.lit(i)) for i, name in names))


def _worth(config: Config) -> list[tuple[int, int, int]]:
    """Return the age, the action and what such an event counts, in units of 2^-26."""
    half_life = config.popularity.half_life_days
    actions = config.positives.actions if config.popularity.of == "actions" else ("",)
    return [
        (
            age,
            code,
            floor(2**16 * (1.0 if half_life is None else 0.5 ** (age / half_life)) + 0.5)
            * floor(2**10 * config.positives.weights.get(action, 1.0) + 0.5),
        )
        for age in range(config.popularity.window_days + 1)
        for code, action in enumerate(actions)
    ]
