"""The items of a date as the sources of draws see them."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.dates import CalendarDay
from winnow.events.exposures import exposed_column
from winnow.events.item_attributes import ATTRIBUTE
from winnow.sampler.sources.drawn import NO_BEGIN, CatalogueItems
from winnow.sampler.weights import popularity_of

if TYPE_CHECKING:
    from winnow.config.tree import Config


def catalogue_items(items: pa.Table, config: "Config", day: CalendarDay) -> CatalogueItems:
    """Return the items of ``build_catalogue`` that are in the catalogue, as sources see them.

    Args:
        items: Sorted by ``item_id``. config: The smoothing, and the sources. day: The date.
    """
    inside = items.filter(items["in_catalogue"])
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
            days: inside[exposed_column(days)].to_numpy()
            for days in config.negatives.exposed_windows
        },
    )


def begins(times: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return times in microseconds, ``NO_BEGIN`` where there is none, shape (n,)."""
    us = times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).fill_null(NO_BEGIN)
    return np.asarray(us.to_numpy(), np.int64)
