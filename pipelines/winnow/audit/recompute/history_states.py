"""history_state, made again: of the state that it went on from, and of the log of all dates."""

from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.known_clicks import (
    clicks_of_log,
    clicks_of_state,
    clicks_since_state,
    known_clicks,
    left_out_of_state,
    window_start,
)
from winnow.audit.recompute.user_caps import of_some_users
from winnow.contracts.needed_dates import dates_needed

_TABLE = "history_state"
_LISTS = ("item_ids", "actions", "us")


def outside_of_window(evidence: Evidence) -> int:
    """Count, in all rows, elements of other dates or out of order, and lists that do not fit."""
    length = evidence.config.requests.history_length
    first, end = window_start(evidence), evidence.day.end_us
    apart = F.filter("us", lambda one: (one < first) | (one >= end))
    expired = F.filter("left_out_day_us", lambda one: (one < first) | (one >= end))
    same_size = (F.size("us") == F.size("item_ids")) & (F.size("us") == F.size("actions"))
    same_size &= F.size("left_out_day_us") == F.size("left_out_counts")
    holds = same_size & (F.size("us") <= length) & (F.array_sort("us") == F.col("us"))
    # What is left out is older than what is kept, and there only where that is full.
    full = (F.size("left_out_counts") == 0) | (F.size("us") == length)
    wrong = F.size(apart) + F.size(expired) + F.when(holds & full, 0).otherwise(1)
    rows = evidence.staged[_TABLE].agg(F.sum(wrong).alias("n")).collect()
    return int(rows[0]["n"] or 0)


def lost_or_doubled(evidence: Evidence) -> int:
    """Count the users and clicks by which the whole table is not what must be in it.

    What the earlier state has within the window, and the clicks of the log since, each once.
    """
    state = evidence.staged[_TABLE]
    stated = _sizes(
        state.select("user_id", F.size("us").alias("n")),
        left_out_of_state(state, evidence).select("user_id", "n"),
    )
    before = evidence.history.before
    since = clicks_since_state(evidence).groupBy("user_id").agg(F.count(F.lit(1)).alias("n"))
    if before is None:
        wanted = _sizes(since)
    else:
        one = clicks_of_state(before, evidence)
        known = one.groupBy("user_id").agg(F.count(F.lit(1)).alias("n"))
        wanted = _sizes(since, known, left_out_of_state(before, evidence).select("user_id", "n"))
    return sum(abs(stated[name] - wanted[name]) for name in wanted)


def _sizes(*parts: DataFrame) -> dict[str, int]:
    """Return how many different users there are, and how many clicks of theirs."""
    rows = parts[0].select("user_id", F.col("n").cast("bigint").alias("n"))
    for part in parts[1:]:
        rows = rows.unionByName(part.select("user_id", F.col("n").cast("bigint").alias("n")))
    by_user = rows.groupBy("user_id").agg(F.sum("n").alias("n"))
    found = by_user.agg(F.count(F.lit(1)).alias("users"), F.sum("n").alias("clicks")).collect()[0]
    return {"users": int(found["users"]), "clicks": int(found["clicks"] or 0)}


def wrong_states(evidence: Evidence, one_in: int) -> int:
    """Count users whose state does not follow from the earlier one and the log since.

    Args:
        evidence: The table, the earlier state and the logs.
        one_in: One in so many users is looked at.
    """
    length = evidence.config.requests.history_length
    latest = Window.partitionBy("user_id").orderBy(
        F.col("us").desc(), F.col("item").desc(), F.col("code").desc()
    )
    ranked = known_clicks(evidence, one_in).withColumn("back", F.row_number().over(latest))
    kept = _lists(ranked.where(F.col("back") <= length))
    dropped = ranked.where(F.col("back") > length)
    left = dropped.select("user_id", _start_of_date(evidence).alias("day_us"), F.lit(1).alias("n"))
    before = evidence.history.before
    if before is not None:
        left = left.unionByName(left_out_of_state(before, evidence, one_in))
    wanted = kept.join(_by_date(left), "user_id", how="full")
    state = of_some_users(evidence.staged[_TABLE], one_in)
    stated = state.select("user_id", *_LISTS, "left_out_day_us", "left_out_counts")
    return _differing(stated, wanted, left_out=True)


def unlike_the_log(evidence: Evidence, one_in: int) -> int | None:
    """Count users whose state is not what the log has now, over the dates that are read anyway.

    Late clicks, or a log that was changed, since the state was made that this one went on from.

    Args:
        evidence: The table and the logs.
        one_in: One in so many users is looked at.

    Returns:
        None where it went on from none: then it is made of the log.
    """
    if evidence.history.before is None:
        return None
    first = max(_first_whole_date(evidence), window_start(evidence))
    length = evidence.config.requests.history_length
    latest = Window.partitionBy("user_id").orderBy(
        F.col("us").desc(), F.col("item").desc(), F.col("code").desc()
    )
    ranked = clicks_of_log(evidence, first, one_in).withColumn("back", F.row_number().over(latest))
    state = clicks_of_state(evidence.staged[_TABLE], evidence, one_in).where(F.col("us") >= first)
    stated = _lists(state).select(
        "user_id", *(F.col(f"wanted_{name}").alias(name) for name in _LISTS)
    )
    return _differing(stated, _lists(ranked.where(F.col("back") <= length)), left_out=False)


def _first_whole_date(evidence: Evidence) -> int:
    """Return the start of the first date from which on the log has all dates that are read."""
    day, log = evidence.day, evidence.logs["clicks"]
    dates = dates_needed(evidence.config, day.date).dates["clicks"]
    first = day.date
    while first > dates.first:
        before = first - timedelta(1)
        if log.dates is not None and before not in log.dates:
            break
        first = before
    return day.shifted((first - day.date).days).start_us


def _start_of_date(evidence: Evidence) -> Column:
    """Return the first microsecond of the date of ``us``."""
    first, at, day = window_start(evidence), F.col("us"), evidence.day
    starts, back = [day.start_us], 0
    while starts[-1] > first:
        back += 1
        starts.append(day.shifted(-back).start_us)
    return F.coalesce(*(F.when(at >= start, F.lit(start)) for start in starts)).cast("bigint")


def _lists(clicks: DataFrame) -> DataFrame:
    """Return the clicks of users as lists in the order of time, item and action."""
    one = F.struct("us", "item", "code", "action")
    sorted_ = clicks.groupBy("user_id").agg(F.array_sort(F.collect_list(one)).alias("all"))
    fields = {"item_ids": "item", "actions": "action", "us": "us"}
    told = [_each(field).alias(f"wanted_{name}") for name, field in fields.items()]
    return sorted_.select("user_id", *told)


def _each(field: str) -> Column:
    return F.transform("all", lambda one: getattr(one, field))


def _by_date(left: DataFrame) -> DataFrame:
    """Return what of users is left out as lists in the order of dates."""
    rows = left.groupBy("user_id", "day_us").agg(F.sum("n").alias("n"))
    one = F.array_sort(F.collect_list(F.struct("day_us", "n")))
    sorted_ = rows.groupBy("user_id").agg(one.alias("all"))
    return sorted_.select(
        "user_id",
        _each("day_us").alias("wanted_left_out_day_us"),
        _each("n").alias("wanted_left_out_counts"),
    )


def _differing(stated: DataFrame, wanted: DataFrame, *, left_out: bool) -> int:
    """Count users of either frame whose lists are not the same, missing ones being empty."""
    names = (*_LISTS, *(("left_out_day_us", "left_out_counts") if left_out else ()))
    types = dict(stated.dtypes)
    both = stated.withColumn("there", F.lit(True)).join(wanted, "user_id", how="full")
    same = F.coalesce("there", F.lit(False))
    for name in names:
        none = F.array().cast(types[name])
        listed = F.coalesce(F.col(f"wanted_{name}").cast(types[name]), none)
        same &= F.coalesce(F.col(name), none) == listed
    wrong = F.count_if(~F.coalesce(same, F.lit(False)))
    return int(both.agg(wrong.alias("n")).collect()[0]["n"])
