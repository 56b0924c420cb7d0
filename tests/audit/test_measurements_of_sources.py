"""What sources draw from beside their definitions: right groups pass, wrong ones are counted."""

from collections.abc import Sequence
from datetime import date
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from winnow.audit.gates.source_groups import wrong_items
from winnow.audit.recompute.drawable import Drawable, SourceGroups
from winnow.audit.recompute.markets import MarketCounts
from winnow.audit.recompute.segments import SegmentCounts
from winnow.audit.recompute.source_rules import BY_ITEM, BY_REQUEST, BY_USER, OF_ALL, ItemFacts
from winnow.config.entries import (
    AttributeEntry,
    ColdEntry,
    EasyEntry,
    HotEntry,
    OwnEntry,
    PopularityEntry,
    UniformEntry,
)
from winnow.config.entry import Entry
from winnow.config.pool_entries import (
    ExposedEntry,
    MarketColumns,
    MarketEntry,
    SegmentEntry,
)
from winnow.dates import CalendarDay
from winnow.sampler.sources.drawn import CatalogueItems, Markets, Segments
from winnow.sampler.sources.registry import groups_of

DAY = CalendarDay(date(2026, 1, 10), "UTC")
N = 60
SEGMENTS = ("de", "fr")

ENTRIES: tuple[Entry, ...] = (
    PopularityEntry(source="popularity", alpha=0.5),
    UniformEntry(source="uniform"),
    HotEntry(source="hot", top=0.3),
    ColdEntry(source="cold", most_clicks=1),
    ColdEntry(source="cold", new_days=2),
    ExposedEntry(source="exposed", alpha=1.0),
    AttributeEntry(source="same_attribute", attributes=("city",)),
    AttributeEntry(source="same_attribute", attributes=("levels", "city"), prefix=2),
    SegmentEntry(source="segment", attribute="country"),
    MarketEntry(source="market", of_request="market", of_items="sold_in"),
)


def attributes() -> dict[str, pa.Array]:
    rng = np.random.default_rng(5)
    cities = [None if n == 0 else f"city {n}" for n in rng.integers(0, 4, N)]
    levels = [None if n == 9 else [int(n) % 3, None, 1][: int(n) % 4] for n in range(N)]
    return {"city": pa.array(cities), "levels": pa.array(levels, pa.list_(pa.int64()))}


def counts() -> SegmentCounts:
    rng = np.random.default_rng(6)
    places = [np.sort(rng.choice(N, 20, replace=False)) for _ in SEGMENTS]
    segment = np.repeat(np.arange(2, dtype=np.int32), 20)
    return SegmentCounts(
        SEGMENTS, segment, np.concatenate(places) * 2, rng.integers(1, 30, 40).astype(float)
    )


def markets() -> MarketCounts:
    rng = np.random.default_rng(7)
    places = [np.sort(rng.choice(N, n, replace=False)) for n in (25, 40)]
    market = np.repeat(np.arange(2, dtype=np.int32), (25, 40))
    return MarketCounts(
        SEGMENTS, market, np.concatenate(places) * 2, rng.integers(0, 30, 65).astype(float)
    )


def catalogue() -> CatalogueItems:
    rng, of = np.random.default_rng(4), counts()
    sold = markets()
    known = Markets(sold.texts, sold.market, (sold.key // 2).astype(np.int32), sold.popularity)
    clicks = rng.zipf(1.6, N).clip(0, 500) - 1
    begins = DAY.start_us - rng.integers(-5, 9, N) * 86_400_000_000 // 2
    segments = Segments(of.texts, of.segment, (of.key // 2).astype(np.int32), of.popularity)
    return CatalogueItems(
        pa.array(np.arange(N)), clicks, 1.0, begins, DAY, attributes(),
        impressions={None: rng.integers(0, 5, N)}, segments={"country": segments},
        markets={MarketColumns("market", "sold_in", None): known},
    )  # fmt: skip


def facts() -> ItemFacts:
    known = catalogue()
    return ItemFacts(
        known.ids, known.clicks, known.clicks.astype(float), 1.0, known.since_us, DAY,
        known.attributes, known.impressions,
    )  # fmt: skip


def drawable(entry: Entry, drawn: Entry | None = None) -> Drawable:
    """The groups that one entry asks for, in the place of another's."""
    made = groups_of(drawn or entry, catalogue())
    every = np.arange(N, dtype=np.int32)
    groups = [(every if g.codes is None else g.codes, g.weights) for g in made.groups]
    return of_groups(groups, made.of_item)


Groups = Sequence[tuple[np.ndarray, np.ndarray]]


def of_groups(groups: Groups, of_item: np.ndarray | None) -> Drawable:
    return Drawable.of(np.arange(N) * 2, [SourceGroups("any", 4, groups, of_item)])


def wrong(found: Drawable, entry: Entry) -> int:
    told = markets() if isinstance(entry, MarketEntry) else counts()
    return wrong_items(found, 0, entry, facts(), told)


class DescribeTheDefinitions:
    def it_has_one_of_every_source_that_comes_with_winnow(self) -> None:
        union = get_args(EasyEntry)[0]
        entries = {get_args(one)[0] for one in get_args(union)} - {OwnEntry}
        assert entries == {*OF_ALL, *BY_ITEM, *BY_USER, *BY_REQUEST}
        assert {type(entry) for entry in ENTRIES} == entries

    @pytest.mark.parametrize("entry", ENTRIES, ids=str)
    def it_passes_what_the_sources_give(self, entry: Entry) -> None:
        assert wrong(drawable(entry), entry) == 0

    @pytest.mark.parametrize("entry", ENTRIES, ids=str)
    @pytest.mark.parametrize("change", ["lost", "heavier", "coarse"])
    def it_counts_what_is_not_so(self, entry: Entry, change: str) -> None:
        made = drawable(entry)
        groups = []
        for begin, end in zip(made.begins[:-1], made.begins[1:], strict=True):
            items, weights = made.items[begin:end], made.weights[begin:end].astype(np.int64)
            if change == "lost":
                items, weights = items[1:], weights[1:]
            elif change == "heavier":
                weights = weights + (np.arange(len(weights)) == 0) * (weights // 2)
            else:
                weights = np.ones_like(weights)
            groups.append((items, weights))
        alone = all(len(items) == 1 for items, _ in groups)
        of_item = made.of_item if isinstance(entry, AttributeEntry) else None
        assert alone or wrong(of_groups(groups, of_item), entry) > 0

    @pytest.mark.parametrize(
        ("entry", "drawn"),
        [
            (HotEntry(source="hot", top=0.3), HotEntry(source="hot", top=0.35)),
            (ColdEntry(source="cold", most_clicks=1), ColdEntry(source="cold")),
            (ColdEntry(source="cold", new_days=2), ColdEntry(source="cold", new_days=3)),
            (
                AttributeEntry(source="same_attribute", attributes=("levels",), prefix=1),
                AttributeEntry(source="same_attribute", attributes=("levels",)),
            ),
            (
                ExposedEntry(source="exposed", alpha=1.0),
                ExposedEntry(source="exposed", alpha=0.9),
            ),
        ],
        ids=str,
    )
    def it_tells_a_setting_from_another(self, entry: Entry, drawn: Entry) -> None:
        assert wrong(drawable(entry, drawn), entry) > 0

    def it_counts_groups_of_items_that_are_mixed_up(self) -> None:
        entry = AttributeEntry(source="same_attribute", attributes=("city",))
        made = groups_of(entry, catalogue())
        assert made.of_item is not None
        turned = np.where(made.of_item >= 0, (made.of_item + 1) % len(made.groups), -1)
        groups = [(g.codes, g.weights) for g in made.groups if g.codes is not None]
        assert wrong(of_groups(groups, turned.astype(np.int32)), entry) > 0
        of_all = np.maximum(made.of_item, 0).astype(np.int32)
        assert wrong(of_groups(groups, of_all), entry) > 0

    def it_counts_markets_that_are_mixed_up(self) -> None:
        entry = MarketEntry(source="market", of_request="market", of_items="sold_in")
        first, second = groups_of(entry, catalogue()).groups
        for turned in ((second, first), (first, first), (first,)):
            groups = [(g.codes, g.weights) for g in turned if g.codes is not None]
            assert wrong(of_groups(groups, None), entry) > 0

    def it_counts_a_source_that_has_nothing_though_it_should(self) -> None:
        nothing = of_groups([], np.full(N, -1, np.int32))
        assert wrong(nothing, UniformEntry(source="uniform")) == N
        assert wrong(nothing, HotEntry(source="hot", top=0.3)) > 0
