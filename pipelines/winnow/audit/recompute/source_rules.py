"""Which items each source draws from and in which proportion: its definition, written down again.

Nothing is taken from ``winnow.sampler.sources``, whose groups are what is judged by it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.config.entries import (
    AttributeEntry,
    ColdEntry,
    HotEntry,
    PopularityEntry,
    UniformEntry,
)
from winnow.config.entry import Entry
from winnow.config.pool_entries import ExposedEntry, MarketEntry, SegmentEntry
from winnow.dates import CalendarDay

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class ItemFacts:
    """What the logs say of the items of the catalogue; arrays of shape (n,).

    Attributes:
        ids: Item ids, int64 or string.
        clicks: Clicks in the popularity window.
        popularity: What makes an item popular, f.
        smoothing: What is added to f.
        begins_us: When the item's period begins, in microseconds since 1970-01-01 UTC.
        day: The date.
        attributes: By name, carried columns of the items log.
        shown: By ``days`` of a source, the impressions of anybody.
    """

    ids: pa.Array
    clicks: NDArray[np.int64]
    popularity: Floats
    smoothing: float
    begins_us: NDArray[np.int64]
    day: CalendarDay
    attributes: Mapping[str, pa.Array]
    shown: Mapping[int | None, NDArray[np.int64]]

    def share(self, alpha: float, popularity: Floats | None = None) -> Floats:
        """Return (f + smoothing)^alpha of each item."""
        f = self.popularity if popularity is None else popularity
        return np.power(f + self.smoothing, alpha)


def _popularity(entry: PopularityEntry, items: ItemFacts) -> Floats:
    return items.share(entry.alpha)


def _uniform(_entry: UniformEntry, items: ItemFacts) -> Floats:
    return np.ones(len(items.ids))


def _hot(entry: HotEntry, items: ItemFacts) -> Floats:
    ranked = pc.sort_indices(
        pa.table({"f": items.popularity, "id": items.ids}),
        [("f", "descending"), ("id", "ascending")],
    )
    n_clicked = np.count_nonzero(items.popularity)
    found = np.zeros(len(items.ids))
    # As many as there must be for their share of the clicked ones to reach ``top``.
    hottest = ranked.to_numpy()[: int(-(-(entry.top * n_clicked) // 1))]
    found[hottest] = items.share(entry.alpha)[hottest]
    return found


def _cold(entry: ColdEntry, items: ItemFacts) -> Floats:
    dates = [items.day.shifted(-age) for age in range(entry.new_days)]
    oldest = min((date.start_us for date in dates), default=2**62)
    return np.where((items.clicks <= entry.most_clicks) | (items.begins_us >= oldest), 1.0, 0.0)


def _exposed(entry: ExposedEntry, items: ItemFacts) -> Floats:
    shown = items.shown[entry.days].astype(np.float64)
    return np.where(shown > 0, np.power(np.maximum(shown, 1.0), entry.alpha), 0.0)


OF_ALL: Mapping[type[Entry], Callable[[Any, ItemFacts], Floats]] = {
    PopularityEntry: _popularity,
    UniformEntry: _uniform,
    HotEntry: _hot,
    ColdEntry: _cold,
    ExposedEntry: _exposed,
}
"""Of sources from which all positives draw alike: the share of each item, 0 where it is no part."""

BY_ITEM: tuple[type[Entry], ...] = (AttributeEntry,)
"""Sources of which the positive's item decides what is drawn from."""

BY_USER: tuple[type[Entry], ...] = (SegmentEntry,)
"""Sources of which the positive's user decides it."""


BY_REQUEST: tuple[type[Entry], ...] = (MarketEntry,)
"""Sources of which the positive's request decides it."""


def sharing(entry: AttributeEntry, item: int, items: ItemFacts) -> Bools | None:
    """Return which items share an item's attributes, shape (n,); None where it has not all."""
    found = np.ones(len(items.ids), np.bool_)
    for name in entry.attributes:
        values = items.attributes[name]
        own = values[item].as_py()
        if own is None or (isinstance(own, list) and not own):
            return None
        if isinstance(own, list):
            found[found] = _begins_alike(values.filter(pa.array(found)), own, entry.prefix)
        else:
            found &= _equal(values, own)
    return found


def _begins_alike(values: pa.Array, own: list[Any], prefix: int | None) -> Bools:
    """Return which lists are as one of them, or begin as it does where a prefix is asked for."""
    wanted, length = own[:prefix], pc.fill_null(pc.list_value_length(values), -1).to_numpy()
    cut = prefix is not None and len(own) >= prefix
    place = np.flatnonzero(length >= len(wanted) if cut else length == len(wanted))
    for depth, element in enumerate(wanted):
        elements = pc.list_element(values.take(pa.array(place)), depth)
        if element is None:
            place = place[elements.is_null().to_numpy(False)]
        elif isinstance(element, list):
            place = place[[one == element for one in elements.to_pylist()]]
        else:
            place = place[_equal(elements, element)]
    same = np.zeros(len(values), np.bool_)
    same[place] = True
    return same


def _equal(values: pa.Array, one: Any) -> Bools:
    """Return which values are the same as one of them; what is no number is like its kind."""
    nan = isinstance(one, float) and math.isnan(one)
    same = pc.is_nan(values) if nan else pc.equal(values, pa.scalar(one, values.type))
    equal: Bools = same.fill_null(False).to_numpy(False)
    return equal
