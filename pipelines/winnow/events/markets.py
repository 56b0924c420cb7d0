"""In which markets items are sold on a date, and how popular they are within each of them."""

from collections.abc import Iterator, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.config.pool_entries import MarketColumns
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date, valid_rows
from winnow.errors import InputError, Problem
from winnow.events.periods import periods_on
from winnow.events.popular_items import events_in_markets
from winnow.events.popularity import counted_per_item
from winnow.run import Run

_TELL_MARKETS = ("string", "tinyint", "smallint", "int", "bigint", "boolean", "date")


def popularity_by_market(
    logs: Mapping[str, Log], run: Run, pairs: DataFrame | None
) -> dict[MarketColumns, tuple[pa.Table, pa.Table]]:
    """Find the items of each market, and count what makes them popular there.

    An item is sold in every market that a row of the items log names which reaches into the date;
    a row names one market, or a list of them.

    Args:
        logs: The conformed logs. run: The date, what counts, and the sources.
        pairs: What ``earlier_pairs`` returned.

    Returns:
        By what tells the markets two tables: one row per item and market that it is sold in,
        ``item_id`` and ``market``; and one row per market and item with events, ``market``,
        ``item_id``, ``clicks``, and ``popularity`` where ``counted_per_item`` has it.

    Raises:
        InputError: A column is of a type that tells no markets, or items are sold in more markets
            together than a machine should hold.
    """
    columns = run.config.negatives.of_events.market_columns
    InputError.raise_if_any([problem for one in columns for problem in _unfit(one, logs)])
    return {
        one: (_sold(one.of_items, logs["items"], run), _counted(one, logs, run, pairs))
        for one in columns
    }


def _sold(column: str, log: Log, run: Run) -> pa.Table:
    rows = periods_on(valid_rows(log).where(on_date(log, run.day)), run.day)
    value = F.col(column)
    market = F.explode(value) if log.carry[column].startswith("array") else value
    sold = rows.select("item_id", market.alias("market"))
    most = run.limits.market_weights
    few = sold.where(F.col("market").isNotNull()).distinct().limit(most + 1)
    found = run.scratch.fetched(few, f"sold-by-{column}")
    if found.num_rows > most:
        raise InputError(
            Problem(
                f"logs.items.carry.{column}",
                "every item has a weight in each of its markets",
                found=f"more than {most:,}",
                expected=f"{most:,} at most",
                next_step="Take larger markets, or leave out items by logs.items.where.",
            )
        )
    return found


def _counted(
    columns: MarketColumns, logs: Mapping[str, Log], run: Run, pairs: DataFrame | None
) -> pa.Table:
    events = events_in_markets(columns, logs, run, pairs)
    counted = counted_per_item(events, run.config, run.day, by=("market",))
    return run.scratch.fetched(counted, f"popular-by-{columns.of_clicks or columns.of_request}")


def _unfit(columns: MarketColumns, logs: Mapping[str, Log]) -> Iterator[Problem]:
    of = [("carry", "impressions", columns.of_request)]
    of += [("logs.items.carry", "items", columns.of_items)]
    of += [("logs.clicks.carry", "clicks", columns.of_clicks)] if columns.of_clicks else []
    for where, log, column in of:
        kind = logs[log].carry[column]
        element = kind.removeprefix("array<").removesuffix(">") if log == "items" else kind
        if element not in _TELL_MARKETS:
            what = "a market is told by text, whole numbers, yes or no, or dates"
            more = ", of an item by a list of these as well" if log == "items" else ""
            yield Problem(f"{where}.{column}", what + more, found=kind)
