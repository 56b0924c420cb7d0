"""What the logs, read again, forbid to users: what they were shown and what they clicked."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.item_aliases import as_canonical
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import readable_rows
from winnow.dates import CalendarDay
from winnow.spark.scratch import Scratch


def forbidding_rows(
    logs: Mapping[str, Log],
    config: Config,
    day: CalendarDay,
    scratch: Scratch,
    *,
    timed: bool = False,
) -> tuple[DataFrame, DataFrame]:
    """Return what users were shown and what they clicked in the exclusion window, read again.

    Returns:
        Two frames of ``user_id`` and ``item_id``, and ``event_us`` where ``timed``, NULL where
        nothing says when it was; a pair may come several times.
    """
    columns = ("user_id", "item_id", *(["event_us"] if timed else []))
    reach, at = config.exclusion, F.col("event_us")

    def within(name: str, back: int) -> DataFrame:
        first, last = day.shifted(-back), day.shifted(reach.lookahead_days)
        rows = readable_rows(logs[name])
        return rows.where((at >= first.start_us) & (at < last.end_us)).select(*columns)

    shown = within("impressions", reach.exposure_lookback_days)
    if logs["impressions"].keeps_history:
        listed = listed_items(logs["impressions"], config, day, scratch)
        never = F.lit(None).cast("bigint").alias("event_us")
        shown = shown.unionByName(listed.select("*", *([never] if timed else [])))
    return shown, within("clicks", reach.click_lookback_days)


def listed_items(log: Log, config: Config, day: CalendarDay, scratch: Scratch) -> DataFrame:
    """Return what static lists of users hold, under the one id of each item: user and item id."""
    return as_canonical(_listed(log, config, day), log.aliases, scratch.limits)


def _listed(log: Log, config: Config, day: CalendarDay) -> DataFrame:
    """Return the items of the lists that rows of the exposure window hold: user and item id."""
    reach, kind = config.exclusion, config.ids.item
    first, last = day.shifted(-reach.exposure_lookback_days), day.shifted(reach.lookahead_days)
    at = F.col("event_us")
    rows = log.frame.where((at >= first.start_us) & (at < last.end_us))
    items = rows.select("user_id", F.explode(F.split("history", "\\x1f")).alias("item"))
    named = items.where((F.col("item") != "") & F.col("user_id").isNotNull()).distinct()
    return named.select("user_id", F.col("item").try_cast(kind).alias("item_id")).where(
        F.col("item_id").isNotNull()
    )
