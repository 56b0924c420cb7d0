"""Which items may be drawn on a date: the definition of the catalogue, written down once more."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.config.sources import NEGATIVE_FEEDBACK
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.rows import OWN_ID, on_date, valid_rows
from winnow.dates import CalendarDay


def recomputed_eligible(logs: Mapping[str, Log], config: Config, day: CalendarDay) -> DataFrame:
    """Return (item_id, eligible, begins) of the catalogue's items, each once.

    An item is there if any of its periods reaches into the date; ``begins``, in microseconds since
    1970-01-01 UTC, is when the last of these begins, and NULL where nothing says it. Of an item
    with aliases, periods of its own id tell it where there are any.
    """
    if "items" in logs:
        log, begins = logs["items"], F.col("begins")
        last = F.max(begins)
        if log.aliases is not None:
            own = F.col(OWN_ID)
            last = F.when(F.bool_or(own), F.max(F.when(own, begins))).otherwise(last)
        periods = periods_of_date(log, day).groupBy("item_id").agg(last.alias("begins"))
    else:
        since = day.shifted(-config.popularity.window_days).start_us
        folder = F.unix_micros(F.col("partition_date").cast("timestamp"))
        at = F.coalesce("event_us", folder, F.lit(day.start_us))
        seen = [
            valid_rows(log).where((at >= since) & (at < day.end_us)).select("item_id")
            for log in logs.values()
            if log.contract.event_time is not None and log.name != NEGATIVE_FEEDBACK
        ]
        ids = reduce(DataFrame.unionByName, seen).distinct()
        periods = ids.withColumn("begins", F.lit(None).cast("bigint"))
    return periods.withColumn("eligible", F.lit(True))


def periods_of_date(log: Log, day: CalendarDay) -> DataFrame:
    """Return the valid rows of the items log whose period reaches into the date.

    Returns:
        The log's columns, and ``begins`` (bigint, microseconds since 1970-01-01 UTC; NULL where
        nothing says it). An item may have several rows.
    """
    rows = valid_rows(log).where(on_date(log, day))
    begins = F.unix_micros("valid_from")
    ends = F.coalesce(F.unix_micros("valid_to"), F.lit(2**62)) > day.start_us
    inside = rows.where(F.coalesce(begins < day.end_us, F.lit(True)) & ends)
    return inside.withColumn("begins", begins)
