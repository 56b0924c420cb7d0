"""Columns that tables carry of items, beside the log that they come from."""

from collections.abc import Iterator

from pyspark.sql import DataFrame

from winnow.audit.evidence import Evidence
from winnow.audit.gate import TABLES, Figure, Measurement, none_of
from winnow.audit.recompute.carried import carried_hash, carried_on
from winnow.contracts.log import Log
from winnow.dates import CalendarDay

CARRIED_DIFFERS = none_of(
    "carried_differs",
    TABLES,
    "rows with columns carried from this log (logs.….carry) that it does not hold so for their id "
    "on the date",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure what tables carry of the items log."""
    items, stats = evidence.logs.get("items"), evidence.staged["item_stats"]
    if items is not None and items.carry:
        yield Measurement(
            [CARRIED_DIFFERS.promised("items")],
            lambda: carried_items(stats, items, evidence.day),
        )


def carried_items(item_stats: DataFrame, items: Log, day: CalendarDay) -> Figure:
    """Count the items of item_stats with carried columns that the items log does not hold so.

    Args:
        item_stats: The staged table.
        items: The items log; its frame reads the files again.
        day: The date.
    """
    stated = item_stats.select("item_id", carried_hash(items.carry).alias("carried"))
    logged = carried_on(items, "item_id", day)
    strange = stated.join(logged, ["item_id", "carried"], how="left_anti").count()
    return CARRIED_DIFFERS.figure(strange, "items")
