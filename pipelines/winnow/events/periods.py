"""Logs of items and of users: rows that hold for a period, and which of them counts on a date."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.contracts.log import Log
from winnow.contracts.rows import OWN_ID, on_date, valid_rows, without_duplicates
from winnow.dates import CalendarDay
from winnow.run import Run


def periods_on(periods: DataFrame, day: CalendarDay) -> DataFrame:
    """Return the periods of a log that reach into the date.

    Args:
        periods: One row per id and period: ``valid_from``, ``valid_to`` (timestamps, NULL: open)
            and any other columns.
        day: The date.

    Returns:
        The rows with valid_from < end of the date and valid_to > its start. An id may have
        several: one that ends and one that begins on the date, or ones that overlap.
    """
    begins = F.coalesce(F.unix_micros("valid_from") < day.end_us, F.lit(True))
    ends = F.coalesce(F.unix_micros("valid_to") > day.start_us, F.lit(True))
    return periods.where(begins & ends)


def latest_first() -> list[Column]:
    """Return the order in which the first of an id's periods is the one that stands for it.

    The one that began last, and of several such the one that ends last: open ones end never, and
    those without a beginning began before all others.
    """
    return [F.col("valid_from").desc_nulls_last(), F.col("valid_to").desc_nulls_first()]


def standing_rows(log: Log, entity: str, run: Run) -> DataFrame:
    """Return one row per id that the log knows on the date: the one that stands for it.

    Of an item with aliases a row of its own id goes before those of the aliases.

    Args:
        log: One row per id and period.
        entity: The column of the id.
        run: The date, and where to compute.

    Returns:
        Columns as of ``valid_rows``.
    """

    def kept(census: DataFrame, name: str) -> DataFrame:
        return run.scratch.staged(census, f"counted/{log.name}-of-date/{name}")

    own = [F.col(OWN_ID).desc()] if entity == "item_id" and log.aliases is not None else []
    return without_duplicates(
        periods_on(valid_rows(log).where(on_date(log, run.day)), run.day),
        log.contract.model_copy(update={"key": (entity,)}),
        log.about_rows,
        kept,
        [*own, *latest_first()],
        run.limits,
    )
