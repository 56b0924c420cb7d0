"""What each source draws from, beside its definition."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EASY, Figure, Measurement, none_of
from winnow.audit.recompute.date_items import date_items
from winnow.audit.recompute.date_sources import date_drawable, looked_up
from winnow.audit.recompute.drawable import Drawable
from winnow.audit.recompute.exposures import date_exposures
from winnow.audit.recompute.items import Items
from winnow.audit.recompute.markets import MarketCounts, date_markets
from winnow.audit.recompute.segments import SegmentCounts, date_segments
from winnow.audit.recompute.source_rules import (
    BY_ITEM,
    BY_REQUEST,
    BY_USER,
    OF_ALL,
    ItemFacts,
    sharing,
)
from winnow.audit.recompute.staged_rows import negatives_of
from winnow.audit.recompute.stated_weights import wrong_weights
from winnow.config.entries import AttributeEntry
from winnow.config.entry import Entry
from winnow.config.pool_entries import MarketEntry, SegmentEntry

SOURCE_GROUPS_DIFFER = none_of(
    "source_groups_differ",
    EASY,
    "items that a source draws from against its definition, or not though it should, or by other "
    "weights; of sources with many groups those of some items, segments or markets are looked at",
    "items",
)

_MOST_GROUPS = 20
"""So many groups of a source are looked at."""

_MAIN = 0
"""The distribution of item_stats, whose weights are judged by a gate of their own."""


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the sources of draws that come with Winnow."""
    negatives = evidence.config.negatives
    if negatives_of(evidence.staged, evidence.config) is None:
        return
    for place, source in enumerate(negatives.drawn):
        entry = negatives.distributions[source.distribution]
        judged = isinstance(entry, (*OF_ALL, *BY_ITEM, *BY_USER, *BY_REQUEST))
        if judged and source.distribution != _MAIN:
            yield Measurement(
                [SOURCE_GROUPS_DIFFER.promised(source.name)],
                partial(_figure, evidence, place, source.name, entry),
            )


def _figure(evidence: Evidence, place: int, name: str, entry: Entry) -> Figure:
    facts = facts_of(evidence, date_items(evidence))
    counts = date_segments(evidence).counts
    segments: SegmentCounts | MarketCounts | None = None
    if isinstance(entry, SegmentEntry):
        segments = counts[entry.attribute]
    elif isinstance(entry, MarketEntry):
        segments = date_markets(evidence)[entry.columns]
    return SOURCE_GROUPS_DIFFER.figure(
        wrong_items(date_drawable(evidence), place, entry, facts, segments), name
    )


def facts_of(evidence: Evidence, items: Items) -> ItemFacts:
    """Return what the logs say of the items that may be drawn, in the order of their keys."""
    inside = items.eligible & items.listed
    config, keys = evidence.config, items.key[inside]
    mask = pa.array(inside)
    return ItemFacts(
        ids=items.ids.filter(mask),
        clicks=items.clicks[inside],
        popularity=items.popularity[inside],
        smoothing=config.popularity.smoothing,
        begins_us=items.begins_us[inside],
        day=evidence.day,
        attributes={name: values.filter(mask) for name, values in items.attributes.items()},
        shown={days: looked_up(n, keys) for days, n in date_exposures(evidence).items()},
    )


def wrong_items(
    drawable: Drawable,
    place: int,
    entry: Entry,
    facts: ItemFacts,
    segments: SegmentCounts | MarketCounts | None = None,
) -> int:
    """Count the items of a source's groups that are not as its definition has them.

    Args:
        drawable: The groups. place: The source's place in it.
        entry: What the config says of it.
        facts: The items of ``drawable.keys``.
        segments: Of a source by segment, its segments; of one by market, its markets.
    """
    if isinstance(entry, AttributeEntry):
        return _wrong_by_item(drawable, place, entry, facts)
    if isinstance(entry, SegmentEntry):
        assert isinstance(segments, SegmentCounts)
        return _wrong_by_segment(drawable, place, entry, facts, segments)
    if isinstance(entry, MarketEntry):
        assert isinstance(segments, MarketCounts)
        return _wrong_by_market(drawable, place, entry, facts, segments)
    return _unlike(_weights(drawable, place, 0), OF_ALL[type(entry)](entry, facts))


def _weights(drawable: Drawable, place: int, number: int) -> NDArray[np.int64]:
    """Return each item's weight in a group of a source, 0 where it is no part of it, shape (n,)."""
    group, end = drawable.first_groups[place] + number, drawable.first_groups[place + 1]
    if group >= end:
        return np.zeros(len(drawable.keys), np.int64)
    own = slice(drawable.begins[group], drawable.begins[group + 1])
    found = np.zeros(len(drawable.keys), np.int64)
    found[drawable.items[own]] = drawable.weights[own].astype(np.int64)
    return found


def _unlike(weights: NDArray[np.int64], wanted: NDArray[np.float64]) -> int:
    both = (weights > 0) & (wanted > 0)
    one_sided = int(((weights > 0) != (wanted > 0)).sum())
    return one_sided or wrong_weights(wanted[both], weights[both])


def _wrong_by_item(drawable: Drawable, place: int, entry: AttributeEntry, facts: ItemFacts) -> int:
    n = len(drawable.keys)
    of_item = drawable.of_item[drawable.rows[place] * n :][:n] - drawable.first_groups[place]
    wrong = 0
    for item in _some(n):
        alike, group = sharing(entry, item, facts), int(of_item[item])
        if alike is None or group < 0:
            wrong += int((alike is None) != (group < 0))
        else:
            wrong += _unlike(
                _weights(drawable, place, group), np.where(alike, facts.share(entry.alpha), 0.0)
            )
    return wrong


def _wrong_by_segment(
    drawable: Drawable,
    place: int,
    entry: SegmentEntry,
    facts: ItemFacts,
    segments: SegmentCounts,
) -> int:
    first, end = drawable.first_groups[place : place + 2]
    wrong = abs(int(end - first) - len(segments.texts))
    for number in _some(len(segments.texts)):
        own = np.flatnonzero(segments.segment == number)
        own = own[np.argsort(segments.key[own])]
        counts = segments.key[own], segments.popularity[own]
        share = facts.share(entry.alpha, looked_up(counts, drawable.keys))
        wrong += _unlike(_weights(drawable, place, number), share)
    return wrong


def _wrong_by_market(
    drawable: Drawable, place: int, entry: MarketEntry, facts: ItemFacts, markets: MarketCounts
) -> int:
    first, end = drawable.first_groups[place : place + 2]
    wrong = abs(int(end - first) - len(markets.texts))
    for number in _some(len(markets.texts)):
        sold = markets.market == number
        wanted = np.zeros(len(drawable.keys))
        wanted[np.isin(drawable.keys, markets.key[sold])] = 1.0
        order = np.argsort(markets.key[sold])
        counts = markets.key[sold][order], markets.popularity[sold][order]
        wanted *= facts.share(entry.alpha, looked_up(counts, drawable.keys))
        wrong += _unlike(_weights(drawable, place, number), wanted)
    return wrong


def _some(n: int) -> list[int]:
    """Return numbers below n, as many as are looked at, from the first to the last."""
    return sorted({round(place) for place in np.linspace(0, n - 1, min(n, _MOST_GROUPS))})
