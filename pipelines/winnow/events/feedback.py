"""What users rejected, as events: the only negatives that they may have been shown."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.config.sources import NEGATIVE_FEEDBACK
from winnow.contracts.log import Log
from winnow.contracts.rows import valid_rows
from winnow.events.events import in_exclusion_window
from winnow.events.keys import key_of
from winnow.run import Run


def rejected_events(logs: Mapping[str, Log], run: Run) -> DataFrame | None:
    """Return what users rejected on the dates that are asked for; None where nothing is asked for.

    Args:
        logs: The conformed logs.
        run: The date, and how many dates and which types count.

    Returns:
        One row per valid rejection, duplicates included: ``user_key``, ``item_key``, ``event_us``
        (bigint).
    """
    asked = run.config.negatives.feedback
    if asked is None:
        return None
    rows = valid_rows(logs[NEGATIVE_FEEDBACK]).where(
        in_exclusion_window(run.day, asked.entry.days, 0)
    )
    if asked.entry.types is not None:
        rows = rows.where(F.col("feedback_type").isin(*asked.entry.types))
    ids = run.config.ids
    return rows.select(
        key_of("user_id", ids.user).alias("user_key"),
        key_of("item_id", ids.item).alias("item_key"),
        "event_us",
    )
