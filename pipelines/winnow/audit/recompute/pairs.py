"""What was shown and clicked, joined again from the logs, and whose click it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.attribution_windows import longest_window_us, own_window
from winnow.audit.recompute.popularity import first_unknown_us
from winnow.audit.recompute.staged_rows import KEY
from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.rows import valid_rows
from winnow.dates import CalendarDay
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.scratch import Scratch

_CLICK = ("user_id", "item_id", "event_us", "action_type", "request_id", "impression_id")
_CLICK_FIELDS = tuple(f"click.{name}" for name in _CLICK)
_LOGS = ("impressions", "clicks")
_JOINS = {
    "impression_id": ("impression_id", "item_id"),
    "request_item": ("request_id", "item_id"),
    "last_impression": ("user_id", "item_id"),
}


@dataclass(frozen=True)
class RecomputedPairs:
    """What was shown and clicked.

    Attributes:
        rows: ``recomputed_joins`` without the pairs that do not count or may make no positive, read
            back from staging.
        of_other_user: Clicks that count though they name another user than their impression.
        shared_ids: Ids of requests, or of impressions, that several users have in the impression
            log; None where it was not asked.
        clicks: ``click`` of all that fit any impression, whether it counts or not; distinct.
    """

    rows: DataFrame
    of_other_user: int
    shared_ids: int | None
    clicks: DataFrame


@once
def date_pairs(evidence: Evidence) -> RecomputedPairs:
    """Return ``recomputed_pairs`` of the date."""
    return recomputed_pairs(
        evidence.logs,
        evidence.config,
        evidence.day,
        evidence.scratch,
        n_clicks=evidence.counts["clicks"].read,
    )


def recomputed_pairs(
    logs: Mapping[str, Log],
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
    *,
    n_clicks: int,
    since: int | None = None,
    told: Sequence[str] = (),
) -> RecomputedPairs:
    """Join again, and leave out what a click of another user cannot be.

    Each click is looked at by itself: where an impression is its own user's, all others are not of
    it. Else there must be one user only, and the log may not show any id to two users, unless the
    config says that it does not count. ``since`` asks for clicks from then to the date, with
    all impressions that they belong to, in place of the date's; ``told`` for carried columns of the
    impressions beside them.
    """
    name = "audited-pairs" if since is None else "audited-earlier-pairs"
    joined = scratch.staged(
        recomputed_joins(
            logs, config, day, n_clicks=n_clicks, since=since, limits=scratch.limits, told=told
        ),
        name,
    )
    chosen = (
        F.col("chosen") if since is None or config.popularity.clicks == "chosen" else F.lit(True)
    )
    fitting = joined.select("click").distinct()
    strange = int(joined.agg(F.count_if("strange")).collect()[0][0])
    if strange == 0:
        return RecomputedPairs(joined.where(chosen), 0, None, fitting)
    shared = None
    if config.attribution.users == "auto":
        shared = _shared(logs["impressions"], _JOINS[config.attribution.join][0])
    user = F.col("user_id")
    per_click = joined.groupBy("click").agg(
        (~F.bool_and("strange")).alias("has_own"), (F.min(user) == F.max(user)).alias("of_one")
    )
    unlike = F.col("strange")
    holds = ~unlike | (~F.col("has_own") & F.col("of_one") & F.lit(not shared))
    rows = scratch.staged(joined.join(per_click, "click").where(holds), f"{name}-of-users")
    others = rows.where(unlike).select("click").distinct().count()
    return RecomputedPairs(rows.where(chosen), others, shared, fitting)


def _shared(impressions: Log, name: str) -> int:
    """Count the ids that two users have, by the log's own rows, broken ones included."""
    known = ~F.col("filtered") & F.col("user_id").isNotNull() & F.col(name).isNotNull()
    users = impressions.frame.where(known).select(name, "user_id").distinct()
    return users.groupBy(name).count().where(F.col("count") > 1).count()


def recomputed_joins(
    logs: Mapping[str, Log],
    config: Config,
    day: CalendarDay,
    *,
    n_clicks: int,
    since: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    told: Sequence[str] = (),
) -> DataFrame:
    """Join clicks to the impressions in whose attribution window they lie.

    Args:
        logs: Impressions and clicks; their frames read the files again.
        config: How a click finds its impression.
        day: The date.
        n_clicks: About how many clicks there are; few enough are broadcast.
        since: The first microsecond of clicks before the date, where those are asked for.
        limits: How many clicks are broadcast.
        told: Carried columns of the impressions that are wanted too.

    Returns:
        One row per (impression, click): the three ids and ``impression_id``; ``least_place``,
        ``most_place`` (bigint, the position and 1, 0 where it is not known: they differ where it is
        open which of two impressions was clicked); ``shown_us``, ``clicked_us`` (bigint);
        ``action`` (int, its place in the configured order); ``click`` (bigint: tells it apart,
        where its user may be another one), ``strange`` (boolean: it is not the impression's);
        ``chosen`` (boolean: the impression may become a positive); for each of
        ``positives.values`` the click's, by ``logged_`` and its name (double); for each of
        ``told`` the impression's, by ``told_`` and its name.
    """
    window = longest_window_us(config)
    names: tuple[str, ...] = _JOINS[config.attribution.join]
    at = F.col("event_us")
    shown = valid_rows(logs["impressions"])
    made = {name for name in _LOGS if "impression_id" not in logs[name].mapped}
    text = F.concat_ws(
        "/", *(F.col(n).cast("string") for n in ("request_id", "user_id", "item_id"))
    )
    if "impression_id" in names and made == set(_LOGS):
        # Ids that both logs make of the same three are as equal as these are.
        names = ("request_id", "user_id", "item_id")
    elif "impression_id" in names and "impressions" in made:
        shown = shown.withColumn("impression_id", text)
    if config.attribution.users == "agree" and "user_id" not in names:
        names = (*names, "user_id")
    chooses = logs["impressions"].chooses
    latest_only = config.attribution.join == "last_impression"
    until = day.end_us + (window if latest_only else 0)
    first, after = day.start_us, day.end_us + window + 1
    if since is not None:
        first = since
        after = until = first_unknown_us(config, day)
    carried = ("position",) if "impressions" in made else ("position", "impression_id")
    left = shown.where((at >= first - window) & (at < until)).select(
        *KEY,
        *carried,
        *(name for name in names if name not in (*KEY, *carried)),
        (F.col(CHOSEN) if chooses else F.lit(True)).alias("chosen"),
        *(F.col(name).alias(f"told_{name}") for name in told),
        at.alias("shown_us"),
    )
    clicks = valid_rows(logs["clicks"]).where((at >= first) & (at < after))
    code = F.coalesce(
        *(F.when(F.col("action_type") == a, i) for i, a in enumerate(config.positives.actions))
    )
    right = clicks.select(
        *(F.col(name).alias(f"clicked_{name}") for name in names),
        at.alias("clicked_us"),
        code.cast("int").alias("action"),
        (F.struct(*_CLICK) if latest_only else _packed(_CLICK)).alias("click"),
        F.col("user_id").alias("clicking_user"),
        own_window(config).alias("within"),
        *(F.col(name).alias(f"logged_{name}") for name in config.positives.values),
    )
    if n_clicks <= limits.broadcast_rows:
        right = broadcast(right, f"clicked_{names[0]}")
    delay = F.col("clicked_us") - F.col("shown_us")
    same = reduce(and_, (F.col(name) == F.col(f"clicked_{name}") for name in names))
    pairs = left.join(right, same).where((delay >= 0) & (delay <= F.col("within")))
    # Made for the pairs only: few impressions are clicked.
    named = F.col("impression_id") if "impression_id" in carried else text
    place = F.coalesce(F.col("position").cast("bigint") + 1, F.lit(0).cast("bigint"))
    pairs = pairs.withColumn("impression_id", named).withColumn("place", place)
    least, most = F.col("place"), F.col("place")
    if latest_only:
        # Of two impressions at one moment, the request with the smaller key is taken. In one
        # request either may be: it is not said again which.
        moment = Window.partitionBy("click", "shown_us", *KEY)
        least, most = F.col("least"), F.col("most")
        pairs = pairs.withColumns(
            {"least": F.min("place").over(moment), "most": F.max("place").over(moment)}
        )
        request = key_of("request_id", config.ids.request)
        order = (F.desc("shown_us"), request, F.col("impression_id"))
        newest = Window.partitionBy("click").orderBy(*order)
        pairs = pairs.withColumn("number", F.row_number().over(newest)).where("number = 1")
    return pairs.select(
        *KEY,
        "impression_id",
        least.alias("least_place"),
        most.alias("most_place"),
        "shown_us",
        "clicked_us",
        "action",
        (_packed(_CLICK_FIELDS) if latest_only else F.col("click")).alias("click"),
        (F.col("user_id") != F.col("clicking_user")).alias("strange"),
        "chosen",
        *(f"logged_{name}" for name in config.positives.values),
        *(f"told_{name}" for name in told),
    )


def click_of_log() -> Column:
    """Return what ``click`` is in ``recomputed_joins``, of rows of the click log."""
    return _packed(_CLICK)


def _packed(names: tuple[str, ...]) -> Column:
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it.
    return F.xxhash64(*(part for name in names for part in (F.col(name).isNull(), F.col(name))))
