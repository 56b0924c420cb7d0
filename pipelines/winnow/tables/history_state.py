"""history_state: the latest clicks of every user as of the end of a date, carried on from another.

Users without a click since the earlier state pass by it: their rows are neither shuffled nor sorted
again, only read, cut where they have expired, and written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import valid_rows
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.events.attribution import action_code
from winnow.events.keys import key_of
from winnow.events.placement import keyed_hash
from winnow.run import Run
from winnow.spark.passes import of_pass, passes_for
from winnow.spark.sized import Sized
from winnow.tables.history_rows import STATE, HistoryRows

CLICK = ("user_id", "item_id", "at_us", "action")


@dataclass(frozen=True)
class EarlierState:
    """The state of a date before, and until when it knows all.

    Attributes:
        rows: Rows of history_state of that date.
        until_us: The end of the date: clicks from then on are those of the log.
    """

    rows: Sized
    until_us: int


def days_of_history(config: Config, day: CalendarDay) -> tuple[int, ...]:
    """Return the first microsecond of each date that a history of the date is of, ascending."""
    days = config.requests.days(config.exclusion)
    return tuple(day.shifted(-back).start_us for back in range(days, -1, -1))


def logged_clicks(clicks: Log, earlier: EarlierState | None, run: Run) -> DataFrame:
    """Return the valid clicks of histories that no earlier state has: ``CLICK``.

    ``at_us`` is bigint, ``action`` the code of what was done. What was logged twice is there twice.
    """
    at_us, first = F.col("event_us"), days_of_history(run.config, run.day)[0]
    since = first if earlier is None else max(first, earlier.until_us)
    rows = valid_rows(clicks).where((at_us >= since) & (at_us < run.day.end_us))
    action = action_code(F.col("action_type"), run.config.positives.actions)
    return rows.select("user_id", "item_id", at_us.alias("at_us"), action.alias("action"))


def carried_clicks(states: DataFrame, run: Run) -> DataFrame:
    """Return the clicks of some states that have not expired: ``CLICK``, as ``logged_clicks``."""
    first = days_of_history(run.config, run.day)[0]
    one = F.explode(F.arrays_zip("item_ids", "us", "actions")).alias("one")
    rows = states.select("user_id", one)
    action = action_code(F.col("one.actions"), run.config.positives.actions)
    return rows.where(F.col("one.us") >= first).select(
        "user_id",
        F.col("one.item_ids").alias("item_id"),
        F.col("one.us").alias("at_us"),
        action.alias("action"),
    )


def carried_left_out(states: DataFrame, run: Run) -> DataFrame:
    """Return how many clicks some states left out: ``user_id``, ``n_left_out``, one row a date."""
    first = days_of_history(run.config, run.day)[0]
    one = F.explode(F.arrays_zip("left_out_day_us", "left_out_counts")).alias("one")
    rows = states.select("user_id", one).where(F.col("one.left_out_day_us") >= first)
    return rows.select("user_id", F.col("one.left_out_counts").alias("n_left_out"))


def history_state(
    logs: Mapping[str, Log], earlier: EarlierState | None, contract: TableContract, run: Run
) -> DataFrame:
    """Return the state of every user with a click in the window as of the end of the date.

    Args:
        logs: The conformed logs.
        earlier: What it goes on from; None makes it of the click log alone.
        contract: The contract of history_state.
        run: The date, and how long a history is.
    """
    config, day = run.config, run.day
    rows = HistoryRows(
        config.positives.actions, config.requests.history_length, days_of_history(config, day)
    )
    types = {field.name: field for field in spark_schema(contract).fields}
    schema = StructType([types[name] for name in ("user_id", *STATE)])
    clicks = Sized(logged_clicks(logs["clicks"], earlier, run), logs["clicks"].about_rows)
    if earlier is None:
        none = [F.lit(None).cast(types[name].dataType).alias(name) for name in STATE]
        found = _made(clicks.made(clicks.frame.select("*", *none)), rows, schema, run)
    else:
        found = _carried_on(clicks, earlier, rows, schema, run)
    return found.select(
        "*",
        F.lit(day.date).alias("ds"),
        keyed_hash(config, "shuffle", "user_id").alias("shuffle_key"),
    ).select(*contract.names)


def _carried_on(
    clicks: Sized, earlier: EarlierState, rows: HistoryRows, schema: StructType, run: Run
) -> DataFrame:
    """Return the states after some clicks: those of users without one are not shuffled."""
    distinct = run.scratch.staged(clicks.frame.select("user_id").distinct(), "users-with-clicks")
    users = Sized(distinct, distinct.count())
    states = earlier.rows.frame.select("user_id", *STATE)
    side = users.side_of_join("user_id", run.limits)
    touched = states.join(side, "user_id", how="left_semi")
    others = states.join(side, "user_id", how="left_anti")
    types = dict(states.dtypes)
    of_clicks = [F.lit(None).cast(types[name]).alias(name) for name in STATE]
    of_states = [
        F.lit(None).cast(kind).alias(name)
        for name, kind in clicks.frame.dtypes
        if name in CLICK[1:]
    ]
    events = clicks.frame.select("*", *of_clicks).unionByName(touched.select("*", *of_states))
    n_events = clicks.rows + min(users.rows, earlier.rows.rows) * _ROWS_PER_STATE
    seen = _made(Sized(events, n_events), rows, schema, run)
    return seen.unionByName(others.select("*", *of_states).mapInArrow(rows.of_each, schema))


_ROWS_PER_STATE = 20
"""A state is about so many times as wide as a click."""


def _made(events: Sized, rows: HistoryRows, schema: StructType, run: Run) -> DataFrame:
    """Return the states of users, all of whose events are brought together."""
    limits, scratch = run.limits, run.scratch
    passes, partitions = passes_for(scratch.spark, events.rows, limits.sampled, limits.memory_gib)
    key, parts = key_of("user_id", run.config.ids.user), []
    for number in range(passes):
        some = of_pass(events.frame, key, number, passes).repartition(partitions, "user_id")
        if passes == 1:
            parts.append(some.mapInArrow(rows.of_partition, schema))
        else:
            name = f"history-state/{number}"
            parts.append(scratch.staged_by_tasks(some, rows.of_partition, schema, name))
    return reduce(DataFrame.unionByName, parts)
