"""How often each item was shown to anybody on the dates before a date."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import key_hash
from winnow.contracts.rows import valid_rows
from winnow.run import Run

_EXPOSED = "exposed_"


def exposed_column(days: int | None) -> str:
    """Return the column with the impressions of a window; ``days`` as a source has it."""
    return f"{_EXPOSED}{days or 'usual'}"


def impressions_of_items(log: Log, windows: Sequence[int | None], run: Run) -> DataFrame:
    """Count the valid impressions of each item, each once, up to the end of the day before.

    Args:
        log: The impression log.
        windows: Of each window, how many dates it has; None has those of the popularity window.
        run: The date, and the popularity window.

    Returns:
        One row per item with impressions in the longest window: ``item_id``, and the
        ``exposed_column`` (bigint) of each.
    """
    day, at = run.day, F.col("event_us")
    starts = {
        exposed_column(days): day.shifted(-(days or run.config.popularity.window_days)).start_us
        for days in windows
    }
    rows = valid_rows(log).where((at >= min(starts.values())) & (at < day.start_us))
    # Of the rows of one impression the latest one tells which windows it lies in.
    once = rows.groupBy("item_id", key_hash(log.contract.key)).agg(F.max(at).alias("last"))
    counted = (F.count_if(F.col("last") >= us).alias(name) for name, us in starts.items())
    return once.groupBy("item_id").agg(*counted)
