"""What one takes from an opened log: valid rows, readable rows, one row per key, one date."""

from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from winnow.contracts.conforming import CHOSEN
from winnow.contracts.log import Log
from winnow.contracts.repeated_keys import (
    KEPT,
    key_census,
    repeated_hashes,
    with_hash_alone,
    with_hash_among,
)
from winnow.contracts.tables import TableContract
from winnow.dates import CalendarDay
from winnow.spark.limits import DEFAULT_LIMITS, Limits

_ROW_NUMBER = "__winnow_row_number"

OWN_ID = "is_own_id"
"""The column of an items log with aliases that says whether a row is of the canonical id itself."""


def valid_rows(log: Log) -> DataFrame:
    """Return the rows that keep every rule, of all dates that were read, duplicates included.

    Columns: the contract's, the carried ones, ``event_us``, ``partition_date``; where only some
    impressions may become positives, ``may_be_positive``.
    """
    return _without_judgement(log, log.frame.where("valid"))


def chosen_rows(rows: DataFrame, log: Log) -> DataFrame:
    """Return the rows of ``valid_rows`` that may become positives, without saying so.

    Args:
        rows: Impressions, or pairs of them with clicks.
        log: The impression log.
    """
    return rows.where(CHOSEN).drop(CHOSEN) if log.chooses else rows


def readable_rows(log: Log) -> DataFrame:
    """Return every row whose user, item and time can be read, whatever else is wrong with it.

    A duplicate or a rejected exposure was still an exposure: the forbidden set is made of these.
    Columns as in ``valid_rows``; ``user_id``, ``item_id`` and ``event_us`` are never NULL.
    """
    known = F.col("user_id").isNotNull() & F.col("item_id").isNotNull()
    return _without_judgement(
        log, log.frame.where(~F.col("filtered") & known & F.col("event_us").isNotNull())
    )


def on_date(log: Log, day: CalendarDay) -> Column:
    """Return whether a row of ``log.frame`` belongs to the build of a date: boolean, never NULL.

    A row belongs to the date of its event time; a row without one to the date of its folder; a row
    without both to every build.
    """
    event_us = F.col("event_us")
    inside = (event_us >= day.start_us) & (event_us < day.end_us)
    if log.dates is None:
        return F.coalesce(inside, F.lit(True))
    return F.coalesce(inside, F.col("partition_date") == F.lit(day.date), F.lit(True))


def deduplicated(
    rows: DataFrame, contract: TableContract, *, first: Sequence[Column] = ()
) -> DataFrame:
    """Return one row per contract key: the earliest, then the one with the smallest row hash.

    Which row wins depends on the rows alone, never on their order or partitioning: after time and
    hash every column decides, so that only equal rows are left to tie. NULL equals NULL in keys.
    All rows are sorted.

    Args:
        rows: Rows as from ``valid_rows``.
        contract: The log's contract, ``log.contract``: its key is the one that the log can have.
        first: An order by what rows mean, which decides before time and hash do.

    Returns:
        The winners, same columns.
    """
    others = tie_columns(rows.columns, contract)
    order = [*first, F.col("event_us").asc_nulls_last()]
    if others:
        order.append(winner_hash(others).asc())
        order += [F.col(name).asc_nulls_last() for name in others]
    number = F.row_number().over(Window.partitionBy(*contract.key).orderBy(*order))
    numbered = rows.withColumn(_ROW_NUMBER, number)
    return numbered.where(F.col(_ROW_NUMBER) == 1).drop(_ROW_NUMBER)


def deduplicated_where_repeated(
    rows: DataFrame,
    contract: TableContract,
    repeated: DataFrame,
    n_duplicates: int,
    *,
    keep: Callable[[DataFrame], DataFrame] | None = None,
    first: Sequence[Column] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Return what ``deduplicated`` does, sorting only the rows behind repeated hashes of keys.

    Args:
        rows: Rows as from ``valid_rows``.
        contract: The log's contract.
        repeated: What ``repeated_hashes`` found among these very rows.
        n_duplicates: How many rows have to go at most; 0 is the rows as they are.
        keep: Writes the few winners that had to be chosen and returns them read back; without it
            they are chosen again whenever the frame is read.
        first: As for ``deduplicated``.
        limits: How many duplicates' hashes are broadcast.
    """
    if n_duplicates == 0:
        return rows
    key = contract.key
    several = with_hash_among(rows, key, repeated, n_repeated=n_duplicates, limits=limits)
    alone = with_hash_alone(rows, key, repeated, n_repeated=n_duplicates, limits=limits)
    winners = deduplicated(several, contract, first=first)
    return alone.unionByName(winners if keep is None else keep(winners))


def without_duplicates(
    rows: DataFrame,
    contract: TableContract,
    n_rows: int,
    keep: Callable[[DataFrame, str], DataFrame] | None = None,
    first: Sequence[Column] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Return what ``deduplicated`` does, of rows that hardly repeat a key; counts the keys first.

    To sort rows by all columns, only to find that each key is there once, takes ten times as long.
    Where many repeat one after all, all are sorted.

    Args:
        rows: Rows as from ``valid_rows``; they are read several times where a key is repeated.
        contract: The log's contract.
        n_rows: About how many rows there are.
        keep: Writes a frame under a name and returns it read back, as for ``key_census``.
        first: As for ``deduplicated``.
        limits: How much is compared at a time.
    """
    repeated = repeated_hashes(key_census(rows, contract.key, F.lit(KEPT), n_rows, keep, limits))
    several = repeated.agg(F.coalesce(F.sum("n"), F.lit(0)).alias("n")).collect()[0]["n"]
    if several > n_rows // 4:
        return deduplicated(rows, contract, first=first)
    return deduplicated_where_repeated(
        rows, contract, repeated, several, first=first, limits=limits
    )


def winner_hash(names: Sequence[str]) -> Column:
    """Return the bigint hash that tells apart rows of equal key and time: the smallest one wins."""
    parts: list[Column] = []
    for name in names:
        # xxhash64 passes over a NULL: without the flags it would not matter where it stands.
        parts += [F.col(name).isNull(), F.col(name)]
    return F.xxhash64(*parts)


def tie_columns(columns: Sequence[str], contract: TableContract) -> list[str]:
    """Return the columns that ``winner_hash`` takes of rows as from ``valid_rows``, in order."""
    # What may become a positive is no part of an impression: a choice changes no order.
    return sorted(set(columns) - set(contract.key) - {"event_us", CHOSEN, OWN_ID})


def _without_judgement(log: Log, rows: DataFrame) -> DataFrame:
    more: tuple[str, ...] = (CHOSEN,) if log.chooses else ()
    more += (OWN_ID,) if log.name == "items" and log.aliases is not None else ()
    return rows.select(*log.contract.names, *log.carry, "event_us", "partition_date", *more)
