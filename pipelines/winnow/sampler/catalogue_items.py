"""The items of a date as the sources of draws see them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.config.pool_entries import MarketColumns
from winnow.dates import CalendarDay
from winnow.events.exposures import exposed_column
from winnow.events.item_attributes import ATTRIBUTE
from winnow.sampler.segment_texts import segment_texts
from winnow.sampler.sources.drawn import NO_BEGIN, CatalogueItems, Markets, Segments
from winnow.sampler.weights import popularity_of

if TYPE_CHECKING:
    from winnow.config.tree import Config


def catalogue_items(
    items: pa.Table,
    config: "Config",
    day: CalendarDay,
    segments: Mapping[str, Segments],
    markets: Mapping[MarketColumns, Markets],
) -> CatalogueItems:
    """Return the items of ``build_catalogue`` that are in the catalogue, as sources see them.

    Args:
        items: Sorted by ``item_id``. config: The smoothing, and the sources. day: The date.
        segments, markets: As in ``CatalogueItems``.
    """
    inside = inside_of(items)
    return CatalogueItems(
        ids=inside["item_id"].combine_chunks(),
        clicks=inside["clicks"].to_numpy(),
        smoothing=config.popularity.smoothing,
        popular_by=popularity_of(inside),
        since_us=begins(inside["eligible_from"]),
        day=day,
        attributes={
            name.removeprefix(ATTRIBUTE): inside[name].combine_chunks()
            for name in inside.column_names
            if name.startswith(ATTRIBUTE)
        },
        impressions={
            days: inside[exposed_column(days)].to_numpy() for days in config.exposed_windows
        },
        segments=segments,
        markets=markets,
    )


def inside_of(items: pa.Table) -> pa.Table:
    """Return the rows of the catalogue's items, mostly all: then nothing is copied."""
    inside = items["in_catalogue"]
    return items if pc.all(inside).as_py() is not False else items.filter(inside)


def segments_of(values: pa.Table, counted: pa.Table, ids: pa.ChunkedArray) -> Segments:
    """Return how popular items are within segments, by the codes of the catalogue.

    Args:
        values, counted: What ``popularity_by_segment`` returned of an attribute.
        ids: Ids of the catalogue's items, ascending.
    """
    names = sorted(segment_texts(values["segment"]).to_pylist())
    item = pc.index_in(counted["item_id"], ids.combine_chunks())
    counted = counted.filter(item.is_valid())
    codes = np.asarray(item.drop_null().to_numpy(), np.int32)
    texts = segment_texts(counted["segment"])
    segment = np.asarray(pc.index_in(texts, pa.array(names, pa.string())).to_numpy(), np.int32)
    order = np.lexsort((codes, segment))
    popularity = popularity_of(counted)[order]
    return Segments(names, segment[order], codes[order], popularity)


def begins(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return times in microseconds, ``NO_BEGIN`` where there is none, shape (n,)."""
    us = times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(NO_BEGIN)
    return np.asarray(us.to_numpy(), np.int64)
