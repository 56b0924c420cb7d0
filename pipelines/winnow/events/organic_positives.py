"""Clicks without an impression that become positives all the same, marked as organic."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import valid_rows, winner_hash
from winnow.dates import CalendarDay
from winnow.events.attribution import action_code, click_key
from winnow.events.click_users import Attributed
from winnow.events.keys import key_of
from winnow.events.kinds import ORGANIC
from winnow.events.pair_columns import value_column
from winnow.events.popularity import counted_until
from winnow.events.user_attributes import with_users
from winnow.run import Run
from winnow.spark.sized import Sized


def organic_clicks(clicks: DataFrame, attributed: Attributed, config: Config) -> DataFrame:
    """Return the clicks that fit no impression and whose action may be organic.

    Args:
        clicks: Valid clicks, duplicates included: the contract's columns and ``event_us``.
        attributed: Which clicks belong to which impressions. One that fits an impression of another
            user only, and is refused for it, is not organic.
        config: The actions.

    Returns:
        Columns as of ``clicks``, and ``click_key``.
    """
    organic = config.positives.organic
    assert organic is not None
    rows = clicks.where(F.col("action_type").isin(*organic.actions))
    rows = rows.withColumn("click_key", click_key())
    fitting = [attributed.pairs.frame] + ([attributed.refused] if attributed.refused else [])
    for known in fitting:
        rows = rows.join(known.select("click_key").distinct(), "click_key", how="left_anti")
    return rows


def count_organic(clicks: Log, attributed: Attributed, config: Config, day: CalendarDay) -> int:
    """Count the organic clicks of a date, each once; 0 where none is asked for."""
    if config.positives.organic is None:
        return 0
    at = F.col("event_us")
    of_date = valid_rows(clicks).where((at >= day.start_us) & (at < day.end_us))
    return organic_clicks(of_date, attributed, config).select("click_key").distinct().count()


def with_organic_pairs(
    logs: Mapping[str, Log],
    attributed: Attributed,
    pairs: Sized,
    run: Run,
    n_clicks: int,
    users: Sized | None,
) -> Sized:
    """Return pairs with those of organic positives behind them; as they are without any.

    An organic positive is a user and item of the date that some click names which fits no
    impression. It has a request id of its own that no log has, a hash of user, item and date, and
    the time of its click as that of the impression that there is none of.

    Args:
        logs: The conformed logs.
        attributed: Which clicks belong to which impressions.
        pairs: Those that samples are made of.
        run: The date and the actions.
        n_clicks: Valid clicks of the date.
        users: What ``staged_users`` returned.

    Returns:
        Columns as of ``pairs``; to the code of the action of an organic one ``ORGANIC`` is added.
    """
    config, day, at = run.config, run.day, F.col("event_us")
    if config.positives.organic is None:
        return pairs
    log = logs["clicks"]
    rows = valid_rows(log).where((at >= counted_until(config, day)) & (at < day.end_us))
    rows = organic_clicks(rows, attributed, config)
    known = with_users(rows, users, run.limits)
    attributes = () if users is None else users.frame.columns
    found = {name: F.col(name) for name in ("user_id", "item_id", "click_key", *attributes)}
    found |= {name: F.col(name) for name in log.carry}
    found |= {value_column(name): F.col(name) for name in config.positives.values}
    found |= {
        "request_id": _request_id(config, day),
        "user_key": key_of("user_id", config.ids.user),
        "item_key": key_of("item_id", config.ids.item),
        "request_key": key_of(_request_id(config, day), config.ids.request),
        "impression_us": at,
        "click_us": at,
        "tie": F.lit(0),
        "click_tie": winner_hash(("event_us", "action_type", *log.carry)),
        "action": action_code(F.col("action_type"), config.positives.actions) + F.lit(ORGANIC),
    }
    staged = run.scratch.staged(
        known.select(
            *(
                found.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name)
                for field in pairs.frame.schema.fields
            )
        ),
        "organic-pairs",
    )
    return Sized(pairs.frame.unionByName(staged), pairs.rows + n_clicks)


def _request_id(config: Config, day: CalendarDay) -> Column:
    named = F.xxhash64(F.lit("organic"), F.lit(day.date.isoformat()), "user_id", "item_id")
    if config.ids.request == "bigint":
        return named
    return F.concat(F.lit("organic/"), named.cast("string"))
