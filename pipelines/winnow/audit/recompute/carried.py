"""What the logs say of an item or a user on a date, and with a click: what tables carry of them."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.pairs import click_of_log
from winnow.audit.recompute.staged_rows import KEY
from winnow.contracts.log import Log
from winnow.contracts.rows import OWN_ID, on_date, valid_rows
from winnow.dates import CalendarDay

_EVER = 2**62


def carried_hash(carry: Mapping[str, str]) -> Column:
    """Return a bigint hash of carried columns; ``carry`` is name and type of each, in order."""
    # xxhash64 passes over a NULL: without the flags it would not matter which column has it, or
    # whether an element of a list has one.
    parts = []
    for name, kind in carry.items():
        parts += [F.col(name).isNull(), F.col(name)]
        if kind.startswith("array"):
            parts.append(F.transform(name, lambda element: element.isNull()))
    return F.xxhash64(*parts)


def carried_on(log: Log, entity: str, day: CalendarDay) -> DataFrame:
    """Return what a log with periods may say of each id on a date.

    Of an id's periods that reach into the date, the one counts that began last, and of such the one
    that ends last; of an item with aliases, those of its own id go before all others. Rows that are
    equal in all of that may say different things: any is right.

    Args:
        log: Its rows have ``valid_from`` and ``valid_to``.
        entity: The column of the id.
        day: The date.

    Returns:
        The id, and ``carried`` (bigint, ``carried_hash``): distinct.
    """
    begins = F.coalesce(F.unix_micros("valid_from"), F.lit(-_EVER))
    ends = F.coalesce(F.unix_micros("valid_to"), F.lit(_EVER))
    aliased = entity == "item_id" and log.aliases is not None
    own = F.col(OWN_ID).cast("int") if aliased else F.lit(1)
    periods = (
        valid_rows(log)
        .where(on_date(log, day) & (begins < day.end_us) & (ends > day.start_us))
        .select(
            entity,
            own.alias("own"),
            begins.alias("begins"),
            ends.alias("ends"),
            carried_hash(log.carry).alias("carried"),
        )
    )
    last = periods.groupBy(entity).agg(F.max(F.struct("own", "begins", "ends")).alias("last"))
    standing = last.select(entity, "last.own", "last.begins", "last.ends")
    return (
        periods.join(standing, [entity, "own", "begins", "ends"])
        .select(entity, "carried")
        .distinct()
    )


def carried_with_clicks(clicks: Log, pairs: DataFrame) -> DataFrame:
    """Return what the click log may say with each click that belongs to an impression.

    Args:
        clicks: The log; its frame reads the files again.
        pairs: What ``recomputed_pairs`` gave.

    Returns:
        The three ids, ``shown_us``, ``clicked_us`` and ``carried`` (bigint, ``carried_hash``).
    """
    said = valid_rows(clicks).select(
        click_of_log().alias("click"), carried_hash(clicks.carry).alias("carried")
    )
    joined = pairs.select(*KEY, "shown_us", "clicked_us", "click").join(said, "click", how="inner")
    return joined.drop("click").distinct()
