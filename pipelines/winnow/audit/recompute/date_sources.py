"""The groups that the date's draws come from, made again of the items as the logs have them.

What a source's groups are is said in one place, its module: a source of the user's own can be
judged no other way. But it is asked anew here, about items that the audit has counted itself, and
the weights of the main source are those of item_stats, which gates of their own judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.drawable import (
    ANY,
    KNOWN_NOT_RECALLED,
    NONE_THAT_IS_RECALLED,
    Drawable,
    SourceGroups,
)
from winnow.audit.recompute.draws import places_of
from winnow.audit.recompute.exposures import Counts, date_exposures
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.markets import MarketCounts, date_markets
from winnow.audit.recompute.segments import SegmentCounts, date_segments
from winnow.audit.recompute.untouched import Untouched
from winnow.config.asked_negatives import Drawn
from winnow.config.negatives import Fill, Negatives
from winnow.config.pool_entries import MarketColumns
from winnow.config.sources import EASY_FILL
from winnow.config.tree import Config
from winnow.dates import CalendarDay
from winnow.sampler.sources.drawn import CatalogueItems, Group, Groups, Markets, Segments
from winnow.sampler.sources.registry import groups_of


@once
def date_drawable(evidence: Evidence) -> Drawable:
    """Return ``drawable_of`` the evidence's items."""
    exposures = date_exposures(evidence)
    counts, markets = date_segments(evidence).counts, date_markets(evidence)
    items = date_items(evidence)
    return drawable_of(items, evidence.config, evidence.day, exposures, counts, markets)


@once
def date_pool_drawable(evidence: Evidence) -> Drawable:
    """Return ``drawable_of`` the evidence's items, of the sources of pools."""
    config, exposures = evidence.config, date_exposures(evidence)
    items, drawn = date_items(evidence), config.pool_sources
    return drawable_of(items, config, evidence.day, exposures, drawn=drawn)


def drawable_of(
    items: Items,
    config: Config,
    day: CalendarDay,
    exposures: Mapping[int | None, Counts] = MappingProxyType({}),
    segments: Mapping[str, SegmentCounts] = MappingProxyType({}),
    markets: Mapping[MarketColumns, MarketCounts] = MappingProxyType({}),
    drawn: Sequence[Drawn] | None = None,
) -> Drawable:
    """Return what may be drawn by sources of a config.

    Args:
        items: The items by the logs, with the weights of item_stats.
        config: The sources. day: The date.
        exposures: What ``date_exposures`` returned.
        segments: The counts of ``date_segments``. markets: What ``date_markets`` returned.
        drawn: The sources; None: those of positives.
    """
    weighed, negatives = items.weighed(), config.negatives
    sources = negatives.drawn if drawn is None else drawn
    inside = np.flatnonzero(items.eligible & items.listed)
    # Whole numbers are their own keys, whose order the items are in.
    order = np.arange(len(inside))
    if config.ids.item != "bigint":
        by_id = pc.sort_indices(items.ids.take(pa.array(inside)))
        order = by_id.to_numpy().astype(np.int64)
    known = CatalogueItems(
        ids=items.ids.take(pa.array(inside[order])),
        clicks=items.clicks[inside[order]],
        smoothing=config.popularity.smoothing,
        popular_by=None if config.popularity.is_clicks else items.popularity[inside[order]],
        since_us=items.since_us[inside[order]],
        day=day,
        attributes={
            name: values.take(pa.array(inside[order])) for name, values in items.attributes.items()
        },
        impressions={
            days: looked_up(counts, items.key[inside[order]]) for days, counts in exposures.items()
        },
        segments={
            attribute: _segments(counts, items.key[inside[order]])
            for attribute, counts in segments.items()
        },
        markets={
            columns: _markets(counts, items.key[inside[order]])
            for columns, counts in markets.items()
        },
    )
    asked = {source.distribution for source in sources}
    made = {
        place: Groups([Group(None, weighed.weights[order])])
        if place == 0
        else groups_of(entry, known)
        for place, entry in enumerate(config.distributions)
        if place in asked
    }
    told = (*negatives.of_events.segment_attributes, *negatives.of_events.market_columns)
    rows = {
        place: told.index(by)
        for place, by in (*negatives.of_events.segments, *negatives.of_events.markets)
    }
    return Drawable.of(
        weighed.keys,
        [
            _with_untouched(
                _numbered(
                    source,
                    made[source.distribution],
                    order,
                    rows.get(source.distribution),
                    negatives,
                ),
                source,
                items.untouched,
            )
            for source in sources
        ],
    )


def _with_untouched(groups: SourceGroups, source: Drawn, others: Untouched) -> SourceGroups:
    """Return a source with what its one group has besides: of the main distribution alone."""
    if source.distribution != 0 or not others.items:
        return groups
    lightest = float(others.weight.min())
    return replace(groups, beside=others.total_weight, lightest=lightest)


def _segments(counts: SegmentCounts, keys: NDArray[np.int64]) -> Segments:
    """Return counts within segments by the place of the item among keys, in any order."""
    order = np.argsort(keys)
    place = places_of(counts.key, keys[order])
    known = place >= 0
    return Segments(
        counts.texts,
        counts.segment[known],
        order[place[known]].astype(np.int32),
        counts.popularity[known],
    )


def _markets(counts: MarketCounts, keys: NDArray[np.int64]) -> Markets:
    """Return the items of markets by their places among keys, in any order."""
    order = np.argsort(keys)
    item = order[places_of(counts.key, keys[order])]
    ascending = np.lexsort((item, counts.market))
    return Markets(
        counts.texts,
        counts.market[ascending],
        item[ascending].astype(np.int32),
        counts.popularity[ascending],
    )


def _numbered(
    source: Drawn,
    made: Groups,
    order: NDArray[np.int64],
    by_user: int | None,
    negatives: Negatives,
) -> SourceGroups:
    """Return the groups of a source with items numbered in the order of their keys."""
    groups = []
    for group in made.groups:
        numbers = order if group.codes is None else order[group.codes]
        ascending = np.argsort(numbers)
        groups.append((numbers[ascending].astype(np.int32), group.weights[ascending]))
    of_item = made.of_item
    if of_item is None and not groups:
        of_item = np.full(len(order), -1, np.int32)
    if of_item is not None:
        own = np.empty(len(order), np.int32)
        own[order] = of_item
        of_item = own
    return SourceGroups(
        source.name,
        source.code,
        groups,
        of_item,
        by_user if groups else None,
        _given(source),
        source.distinct,
        _behind(source, negatives),
    )


def _given(source: Drawn) -> int:
    if not source.not_recalled:
        return ANY
    return NONE_THAT_IS_RECALLED if source.name == EASY_FILL else KNOWN_NOT_RECALLED


def _behind(source: Drawn, negatives: Negatives) -> int:
    """Return whose draws a fill repeats none of: those of the first source that it draws as."""
    if not source.distinct or source.name != EASY_FILL:
        return -1
    assert isinstance(negatives.on_shortfall, Fill)
    return [one.name for one in negatives.drawn].index(negatives.on_shortfall.fill)


def looked_up(
    counts: tuple[NDArray[np.int64], NDArray[Any]], keys: NDArray[np.int64]
) -> NDArray[Any]:
    """Return the count of each key, 0 where it has none, shape (k,).

    Args:
        counts: Keys, ascending, and the count of each. keys: What is looked up.
    """
    known, n = counts
    place = places_of(keys, known)
    return np.where(place >= 0, np.append(n, 0)[place], 0)
