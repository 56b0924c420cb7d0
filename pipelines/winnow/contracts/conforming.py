"""Source rows made into rows of their contract, each with the reasons against it."""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.config.columns import TimeSource
from winnow.config.tree import Config
from winnow.config.wide import ByStage, Constant, FromFlags
from winnow.contracts.mapping.binding import Binding, BoundColumn
from winnow.contracts.mapping.flags import (
    constant_value,
    flag_reading,
    stage_reading,
    with_flags,
)
from winnow.contracts.mapping.history import history_text, unreadable_history
from winnow.contracts.mapping.identity import read_id, read_user
from winnow.contracts.mapping.times import read_event_time, read_time
from winnow.contracts.mapping.values import Reading, equals_one_of, read_value
from winnow.contracts.rules import Broken, any_of, message, reasons_of, rules_for
from winnow.logs.rows import SourceRows
from winnow.spark.column_types import spark_type

CHOSEN = "may_be_positive"
"""The column of impressions that says which may become positives; not there where all may."""

_PROBLEM, _KEPT = "__winnow_problem", "__winnow_kept"


@dataclass(frozen=True)
class _Read:
    """One contract column, read: its value, and what may be wrong with what was found."""

    name: str
    value: Column
    against: Broken | None

    @property
    def broken(self) -> Broken:
        """What is wrong, once it stands in columns of its own."""
        # Two columns: who only asks whether a row is valid does not make its messages.
        return Broken(F.col(f"__winnow_bad_{self.name}"), F.col(f"__winnow_{self.name}"))


def conform(rows: SourceRows, binding: Binding, config: Config) -> DataFrame:
    """Make the frame of a log; see ``logs.Log`` for its columns. Nothing is run.

    Every row that comes in goes out, once. A row that is broken as a whole (a malformed line, a
    list that is empty) has that one reason; what could be read of it is there.
    """
    anonymous, nobody = F.lit(False), F.lit(None).cast("string")
    flagged = with_flags(rows, binding)
    rows = flagged.rows
    read: list[_Read] = []
    event_us, event_time = F.lit(None).cast("bigint"), binding.event_time
    for bound in binding.columns:
        if bound.column.name == "user_id" and bound.sources:
            user = read_user(bound, rows.column_of, config.identity.anonymous_values)
            anonymous, nobody = user.anonymous, user.nobody
            read.append(_Read("user_id", user.reading.value, _unreadable(bound, user.reading)))
        elif bound.column.type == "timestamp" and bound.sources:
            reading, against = _time_of(bound, rows, is_event=bound.column.name == event_time)
            if bound.column.name == event_time:
                event_us = reading.value
            read.append(_Read(bound.column.name, F.timestamp_micros(reading.value), against))
        else:
            read.append(_plain(bound, rows, config, read))
    kept = flagged.says
    for source, values in binding.where:
        kept = kept & equals_one_of(rows.column_of(source.name), source.found, values)
    chosen = F.lit(True)
    for source, values in binding.chosen:
        chosen = chosen & equals_one_of(rows.column_of(source.name), source.found, values)
    for source, values in binding.left_out:
        chosen = chosen & ~equals_one_of(rows.column_of(source.name), source.found, values)
    step = rows.frame.select(
        *[r.value.cast(spark_type(_type(binding, r.name))).alias(r.name) for r in read],
        *[rows.carried(source.name).alias(name) for name, source in binding.carry],
        event_us.alias("event_us"),
        rows.partition_date.alias("partition_date"),
        anonymous.alias("anonymous"),
        nobody.alias("nobody"),
        kept.alias(_KEPT),
        *_history(rows, binding, config),
        *((chosen.alias(CHOSEN),) if binding.chooses else ()),
        rows.problem.alias(_PROBLEM),
        *[r.against.where.alias(f"__winnow_bad_{r.name}") for r in read if r.against is not None],
        *[r.against.message.alias(f"__winnow_{r.name}") for r in read if r.against is not None],
        rows.source_row.alias("source_row"),
    )
    return _judged(_with_made_id(step, binding), binding, read, config)


def _judged(step: DataFrame, binding: Binding, read: list[_Read], config: Config) -> DataFrame:
    broken: list[Broken] = []
    required = {column.name for column in binding.contract.columns if not column.nullable}
    made = {bound.column.name for bound in binding.columns if bound.mapping is None}
    for entry in read:
        if entry.against is not None:
            broken.append(entry.broken)
        if entry.name in required - made:
            missing = F.col(entry.name).isNull()
            if entry.against is not None:
                missing = missing & ~entry.broken.where
            broken.append(Broken(missing, message("missing", f"{entry.name} is NULL or empty")))
    if binding.history is not None:
        wrong = unreadable_history(F.col("history"), config.ids.item)
        broken += [] if wrong is None else [wrong]
    broken += rules_for((rule.code for rule in binding.contract.rules), config)
    whole = F.col(_PROBLEM).isNotNull()
    filtered = ~whole & (~F.col(_KEPT) | F.col("anonymous"))
    reasons = (
        F.when(whole, F.array(F.col(_PROBLEM)))
        .when(filtered, F.array().cast("array<string>"))
        .otherwise(reasons_of(broken))
    )
    return step.select(
        *binding.contract.names,
        *[name for name, _ in binding.carry],
        "event_us",
        "partition_date",
        *((CHOSEN,) if binding.chooses else ()),
        *(("history",) if binding.history else ()),
        # Apart from the reasons: an engine compiles a plain condition, but not the making of
        # an array of messages, and most readers of a log only want to know this.
        (~whole & ~filtered & ~any_of(broken)).alias("valid"),
        reasons.alias("reject_reasons"),
        filtered.alias("filtered"),
        (~whole & F.col(_KEPT) & F.col("anonymous")).alias("anonymous"),
        "nobody",
        "source_row",
    )


def _history(rows: SourceRows, binding: Binding, config: Config) -> list[Column]:
    if binding.history is None or config.exclusion.history is None:
        return []
    return [history_text(rows, binding.history, config.exclusion.history).alias("history")]


def _plain(bound: BoundColumn, rows: SourceRows, config: Config, before: list[_Read]) -> _Read:
    name, kind = bound.column.name, bound.column.type
    if isinstance(bound.mapping, Constant):
        return _Read(name, constant_value(bound), None)
    if bound.sources:
        if isinstance(bound.mapping, FromFlags):
            reading = flag_reading(bound, rows.column_of)
        elif isinstance(bound.mapping, ByStage):
            stage = next(entry.value for entry in before if entry.name == "stage")
            reading = stage_reading(bound, stage, rows.column_of)
        elif name.endswith("_id"):
            reading = read_id(bound, rows.column_of)
        else:
            source = bound.sources[0]
            reading = read_value(rows.column_of(source.name), source.found, kind)
        return _Read(name, reading.value, _unreadable(bound, reading))
    if name in ("position", "rank") and rows.list_position is not None:
        return _Read(name, rows.list_position + 1, None)
    if name == "action_type":
        return _Read(name, F.lit(config.positives.actions[0]), None)
    return _Read(name, F.lit(None), None)


def _time_of(
    bound: BoundColumn, rows: SourceRows, *, is_event: bool
) -> tuple[Reading, Broken | None]:
    """Return a time and what may be wrong with it."""
    assert isinstance(bound.mapping, TimeSource)
    source, found = rows.column_of(bound.sources[0].name), bound.sources[0].found
    if not is_event:
        reading = read_time(source, found, bound.mapping)
        return reading, _unreadable(bound, reading)
    reading, outside = read_event_time(source, found, bound.mapping)
    sentence = f"{bound.column.name} lies before March 1970 or after 2100"
    too_far = message("time_out_of_range", sentence, reading.found)
    against = _unreadable(bound, reading)
    if against is None:
        return reading, Broken(outside, too_far)
    first = F.when(against.where, against.message).otherwise(too_far)
    return reading, Broken(against.where | outside, first)


def _unreadable(bound: BoundColumn, reading: Reading) -> Broken | None:
    if reading.unreadable is None:
        return None
    sentence = f"{bound.column.name} cannot be read as {bound.column.type}"
    return Broken(reading.unreadable, message("unreadable", sentence, reading.found))


def made_impression_id() -> Column:
    """Return the impression id of a log that has none: request, user and item as one string."""
    parts = [F.col(name).cast("string") for name in ("request_id", "user_id", "item_id")]
    return F.concat(parts[0], F.lit("/"), parts[1], F.lit("/"), parts[2])


def _with_made_id(step: DataFrame, binding: Binding) -> DataFrame:
    """Make the impression id from request, user and item where no column holds it."""
    if binding.contract.key_without_impression_id is None:
        return step
    if binding.bound("impression_id").mapping is not None:
        return step
    return step.withColumn("impression_id", made_impression_id())


def _type(binding: Binding, name: str) -> str:
    return binding.bound(name).column.type
