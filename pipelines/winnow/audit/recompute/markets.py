"""Which items are sold in which markets, and how popular they are there, told again by the logs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.pairs import recomputed_pairs
from winnow.audit.recompute.popularity import recomputed_popularity, to_steps
from winnow.config.pool_entries import MarketColumns
from winnow.contracts.rows import on_date, valid_rows
from winnow.events.keys import key_of
from winnow.spark.broadcast import broadcast
from winnow.spark.scratch import Scratch


@dataclass(frozen=True)
class MarketCounts:
    """The items of each market.

    Attributes:
        texts: The markets with an item that may be drawn, as text, ascending; a market's number is
            its place.
        market: int32 number, ascending. key: int64 key of an item that is sold there.
            popularity: f within the market; shape (k,) each.
    """

    texts: tuple[str, ...]
    market: NDArray[np.int32]
    key: NDArray[np.int64]
    popularity: NDArray[np.float64]


@once
def date_markets(evidence: Evidence) -> Mapping[MarketColumns, MarketCounts]:
    """Return what the logs say of the markets that sources draw from, by what tells them."""
    config, found = evidence.config, {}
    for place, columns in enumerate(config.negatives.of_events.market_columns):
        # Apart from what other measurements stage under the same names.
        folder = evidence.scratch.folder / f"audited-markets-{place}"
        scratch = replace(evidence.scratch, folder=folder)
        found[columns] = _counts(
            _sold(columns.of_items, evidence, scratch),
            _popular(columns, evidence, scratch),
        )
    return found


def with_market_numbers(negatives: DataFrame, evidence: Evidence) -> tuple[DataFrame, list[Column]]:
    """Return rows with their market's number by each of ``market_columns``, and these as columns.

    Args:
        negatives: Rows with the columns that tell the market of their request.
        evidence: Whose markets.
    """
    numbers = []
    for place, (columns, known) in enumerate(date_markets(evidence).items()):
        text, number = f"market_text_{place}", f"market_number_{place}"
        table = pa.table(
            {
                text: pa.array(known.texts, pa.string()),
                number: pa.array(np.arange(len(known.texts), dtype=np.int32)),
            }
        )
        numbered = evidence.scratch.stored(table, f"audited-markets-{place}")
        negatives = negatives.withColumn(text, F.col(columns.of_request).cast("string"))
        negatives = negatives.join(broadcast(numbered, text), text, how="left")
        numbers.append(F.coalesce(number, F.lit(-1)).cast("int"))
    return negatives, numbers


def _sold(column: str, evidence: Evidence, scratch: Scratch) -> pa.Table:
    """Return key and market, as text, of each item that may be drawn; pairs may come twice."""
    log, day = evidence.logs["items"], evidence.day
    begins = F.coalesce(F.unix_micros("valid_from"), F.lit(-(2**62))) < day.end_us
    ends = F.coalesce(F.unix_micros("valid_to"), F.lit(2**62)) > day.start_us
    key_and_of = key_of("item_id", evidence.config.ids.item).alias("key"), F.col(column).alias("of")
    of_date = valid_rows(log).where(on_date(log, day) & begins & ends).select(*key_and_of)
    rows = scratch.fetched(of_date, "sold")
    key, of = rows["key"].combine_chunks(), rows["of"].combine_chunks()
    if pa.types.is_list(of.type) or pa.types.is_large_list(of.type):
        key, of = key.take(pc.list_parent_indices(of)), pc.list_flatten(of)
    items = date_items(evidence)
    drawn = pa.array(items.key[items.eligible & items.listed])
    sold = pa.table({"key": key, "market": of.cast(pa.string())})
    return sold.filter(pc.and_(pc.is_in(key, drawn), of.is_valid()))


def _popular(columns: MarketColumns, evidence: Evidence, scratch: Scratch) -> pa.Table:
    """Return ``key``, ``market`` as text and ``popularity`` in units of what was clicked."""
    config, day, pairs = evidence.config, evidence.day, None
    own = columns.of_clicks
    if own is None and config.popularity.of != "impressions":
        since = day.shifted(-config.popularity.window_days).start_us
        pairs = recomputed_pairs(
            evidence.logs,
            config,
            day,
            scratch,
            n_clicks=evidence.logs["clicks"].about_rows,
            since=since,
            told=(columns.of_request,),
        ).rows
    by = columns.of_request if own is None else own
    found = recomputed_popularity(evidence.logs, pairs, config, day, scratch, market=by)
    key = key_of("item_id", config.ids.item).alias("key")
    rows = scratch.fetched(found.select(key, "market", "popularity"), "popular")
    return rows.set_column(1, "market", rows["market"].cast(pa.string()))


def _counts(sold: pa.Table, popular: pa.Table) -> MarketCounts:
    """Return the counts of what is sold; what was only clicked is left out."""
    both = sold.group_by(["market", "key"]).aggregate([]).join(popular, ["market", "key"])
    both = both.sort_by([("market", "ascending"), ("key", "ascending")])
    texts = tuple(sorted(set(both["market"].to_pylist())))
    number = pc.index_in(both["market"], pa.array(texts, pa.string()))
    units = both["popularity"].fill_null(0)
    market = np.asarray(number.to_numpy(), np.int32)
    order = np.argsort(market, kind="stable")
    return MarketCounts(
        texts,
        market[order],
        np.asarray(both["key"].to_numpy(), np.int64)[order],
        to_steps(np.asarray(units.to_numpy(), np.int64))[order],
    )
