"""Which items each source draws from, and by which weights."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from winnow.config.negatives import Negatives
from winnow.config.pool_entries import MarketColumns
from winnow.dates import CalendarDay
from winnow.sampler.market_items import markets_of
from winnow.sampler.sources.drawn import NO_BEGIN, CatalogueItems, Groups, Markets, Segments
from winnow.sampler.sources.registry import distributions, groups_of

DAY = CalendarDay(date(2026, 1, 10))
CLICKS = (8, 0, 3, 8, 0, 1)


def items(**attributes: pa.Array) -> CatalogueItems:
    since = [NO_BEGIN, DAY.start_us, DAY.shifted(-1).start_us, NO_BEGIN, NO_BEGIN, NO_BEGIN]
    return CatalogueItems(
        ids=pa.array(range(10, 16)),
        clicks=np.array(CLICKS),
        smoothing=1.0,
        since_us=np.array(since),
        day=DAY,
        attributes=attributes,
    )


def groups(known: CatalogueItems, **entry: Any) -> Groups:
    tree = {"easy": [entry], "hard": []}
    (asked,) = Negatives.model_validate_json(json.dumps(tree)).easy
    return groups_of(asked, known)


def only_group(found: Groups) -> list[int]:
    assert found.of_item is None
    (group,) = found.groups
    assert group.codes is not None
    assert group.codes.dtype == np.int32
    return [int(code) for code in group.codes]


class DescribeHotItems:
    @pytest.mark.parametrize(
        ("top", "codes"), [(0.01, [0]), (0.5, [0, 3]), (0.6, [0, 2, 3]), (1.0, [0, 2, 3, 5])]
    )
    def it_is_a_share_of_the_clicked_ones_with_ties_by_id(
        self, top: float, codes: list[int]
    ) -> None:
        assert only_group(groups(items(), source="hot", top=top)) == codes

    def it_weighs_them_by_their_popularity(self) -> None:
        (group,) = groups(items(), source="hot", top=0.6, alpha=1.0).groups
        shares = group.weights / group.weights.sum()
        assert shares.tolist() == pytest.approx([9 / 22, 4 / 22, 9 / 22])

    def it_has_none_where_nothing_was_clicked(self) -> None:
        known = items()
        cold = CatalogueItems(known.ids, np.zeros(6, np.int64), 1.0, known.since_us, DAY)
        assert list(groups(cold, source="hot").groups) == []


class DescribeColdItems:
    @pytest.mark.parametrize(
        ("entry", "codes"),
        [
            ({}, [1, 4]),
            ({"most_clicks": 1}, [1, 4, 5]),
            ({"new_days": 1}, [1, 4]),
            ({"new_days": 2}, [1, 2, 4]),
        ],
    )
    def it_is_those_with_few_clicks_and_new_ones(
        self, entry: dict[str, int], codes: list[int]
    ) -> None:
        found = groups(items(), source="cold", **entry)
        assert only_group(found) == codes
        assert len(set(found.groups[0].weights.tolist())) == 1


class DescribeExposedItems:
    def shown(self) -> CatalogueItems:
        by_days = {None: np.array([4, 0, 1, 9, 0, 1]), 2: np.array([0, 0, 1, 9, 0, 0])}
        return replace(items(), impressions=by_days)

    @pytest.mark.parametrize(("entry", "codes"), [({}, [0, 2, 3, 5]), ({"days": 2}, [2, 3])])
    def it_is_those_that_were_shown_in_the_window(
        self, entry: dict[str, int], codes: list[int]
    ) -> None:
        assert only_group(groups(self.shown(), source="exposed", **entry)) == codes

    def it_draws_them_evenly_or_by_their_impressions(self) -> None:
        (evenly,) = groups(self.shown(), source="exposed").groups
        assert len(set(evenly.weights.tolist())) == 1
        (often,) = groups(self.shown(), source="exposed", alpha=1.0).groups
        assert (often.weights / often.weights.sum()).tolist() == [4 / 15, 1 / 15, 9 / 15, 1 / 15]

    def it_has_none_where_nothing_was_shown(self) -> None:
        nothing = replace(items(), impressions={None: np.zeros(6, np.int64)})
        assert list(groups(nothing, source="exposed").groups) == []


class DescribeItemsBySegment:
    KNOWN = Segments(
        values=("bern", "oslo", "rome"),
        segment=np.array([0, 0, 2], np.int32),
        item=np.array([1, 5, 0], np.int32),
        popularity=np.array([3, 1, 7]),
    )

    def found(self, **entry: Any) -> Groups:
        known = replace(items(), segments={"city": self.KNOWN})
        return groups(known, source="segment", attribute="city", **entry)

    def it_is_the_whole_catalogue_by_what_each_segment_clicks(self) -> None:
        found = self.found(alpha=1.0)
        assert (found.of_item, found.of_user) == (None, ("bern", "oslo", "rome"))
        assert [group.codes for group in found.groups] == [None, None, None]
        shares = [(g.weights / g.weights.sum()).tolist() for g in found.groups]
        assert shares[0] == pytest.approx([0.1, 0.4, 0.1, 0.1, 0.1, 0.2])
        assert shares[1] == pytest.approx([1 / 6] * 6)
        assert shares[2] == pytest.approx([8 / 13, *([1 / 13] * 5)])

    def it_gives_every_item_a_chance_in_every_segment(self) -> None:
        assert all(g.weights.min() >= 1 for g in self.found(alpha=4.0).groups)

    def it_has_none_where_no_user_is_of_any(self) -> None:
        none = Segments((), *(np.empty(0, np.int32) for _ in range(3)))
        known = replace(items(), segments={"city": none})
        entry = {"source": "segment", "attribute": "city", "count": 2}
        tree = {"easy": [{"source": "popularity"}, entry], "hard": []}
        asked = Negatives.model_validate_json(json.dumps(tree))
        _, of_segments = distributions(asked.distributions, known)
        assert of_segments.of_user is None
        assert of_segments.of_item is not None
        assert of_segments.of_item.tolist() == [-1] * 6


class DescribeItemsOfTheMarketOfARequest:
    COLUMNS = MarketColumns("market", "sold_in", None)

    def found(self, known: Markets, **entry: Any) -> Groups:
        columns = {"source": "market", "of_request": "market", "of_items": "sold_in"}
        return groups(replace(items(), markets={self.COLUMNS: known}), **columns, **entry)

    def it_is_what_is_sold_there_by_what_is_clicked_there(self) -> None:
        known = Markets(
            values=("NO", "SE"),
            market=np.array([0, 0, 1, 1, 1], np.int32),
            item=np.array([1, 4, 0, 1, 2], np.int32),
            popularity=np.array([3, 0, 0, 1, 7]),
        )
        found = self.found(known, alpha=1.0)
        assert (found.of_item, found.of_user) == (None, ("NO", "SE"))
        norway, sweden = found.groups
        assert norway.codes is not None
        assert norway.codes.tolist() == [1, 4]
        assert (norway.weights / norway.weights.sum()).tolist() == pytest.approx([0.8, 0.2])
        assert sweden.codes is not None
        assert sweden.codes.tolist() == [0, 1, 2]
        shares = (sweden.weights / sweden.weights.sum()).tolist()
        assert shares == pytest.approx([1 / 11, 2 / 11, 8 / 11])

    def it_has_none_where_nothing_is_sold_anywhere(self) -> None:
        none = Markets((), *(np.empty(0, np.int32) for _ in range(3)))
        found = self.found(none)
        assert (list(found.groups), found.of_user) == ([], None)


class DescribeTheItemsOfMarkets:
    IDS = pa.chunked_array([pa.array([10, 11, 12])])

    def it_knows_each_item_once_in_each_market_with_what_it_is_clicked_there(self) -> None:
        sold = pa.table({"item_id": [12, 10, 10, 99, 11], "market": ["SE", "NO", "SE", "FI", "SE"]})
        counted = pa.table(
            {
                "market": ["SE", "NO", "SE", "NO", "FI", "DK"],
                "item_id": [12, 10, 99, 12, 99, 10],
                "clicks": [4, 2, 9, 8, 7, 6],
            }
        )
        found = markets_of(sold, counted, self.IDS)
        assert found.values == ["NO", "SE"]
        assert found.market.tolist() == [0, 1, 1, 1]
        assert found.item.tolist() == [0, 0, 1, 2]
        assert found.item.dtype == np.int32
        assert found.popularity.tolist() == [2, 0, 0, 4]

    def it_knows_values_that_are_no_text(self) -> None:
        sold = pa.table({"item_id": [10, 11], "market": pa.array([46, 47], pa.int32())})
        counted = pa.table({"market": [47], "item_id": [11], "clicks": [3]})
        found = markets_of(sold, counted, self.IDS)
        assert found.values == ["46", "47"]
        assert found.popularity.tolist() == [0, 3]

    def it_knows_none_where_nothing_is_sold(self) -> None:
        sold = pa.table({"item_id": pa.array([], pa.int64()), "market": pa.array([], pa.string())})
        counted = pa.table({"market": ["NO"], "item_id": [10], "clicks": [1]})
        found = markets_of(sold, counted, self.IDS)
        assert (found.values, found.market.tolist(), found.popularity.tolist()) == ([], [], [])


class DescribeItemsOfTheSameAttribute:
    CITY = pa.array(["b", "a", None, "b", "a", "b"])

    def members(self, found: Groups) -> list[list[int]]:
        assert found.of_item is not None
        of_items = found.of_item.tolist()
        return [[] if g < 0 else [int(c) for c in found.groups[g].codes] for g in of_items]

    def it_is_those_that_share_the_value(self) -> None:
        found = groups(items(city=self.CITY), source="same_attribute", attributes=["city"])
        assert self.members(found) == [[0, 3, 5], [1, 4], [], [0, 3, 5], [1, 4], [0, 3, 5]]

    def it_is_those_that_share_all_of_several(self) -> None:
        known = items(city=self.CITY, kind=pa.array([1, 1, 1, 2, 1, 1]))
        entry = {"source": "same_attribute", "attributes": ["city", "kind"]}
        assert self.members(groups(known, **entry)) == [[0, 5], [1, 4], [], [3], [1, 4], [0, 5]]

    def it_is_those_whose_lists_begin_alike(self) -> None:
        levels = pa.array([[1, 2], [1, 3], [1, 2], None, [], [2, 2]])
        known = items(sid=levels)
        entry = {"source": "same_attribute", "attributes": ["sid"]}
        assert self.members(groups(known, **entry)) == [[0, 2], [1], [0, 2], [], [], [5]]
        by_first = groups(known, **entry, prefix=1)
        assert self.members(by_first) == [[0, 1, 2]] * 3 + [[], [], [5]]

    def it_does_not_take_lists_for_others_whose_elements_read_the_same_together(self) -> None:
        levels = pa.array([["1", "23"], ["12", "3"], ["1", "23"], None, None, None])
        found = groups(items(sid=levels), source="same_attribute", attributes=["sid"])
        assert self.members(found)[:3] == [[0, 2], [1], [0, 2]]

    @pytest.mark.parametrize(
        ("values", "wanted"),
        [
            (pa.array([[None], ["None"], [None], ["None"], [""], []]), [0, 1, 0, 1, 2, None]),
            (pa.array([["a", None], ["a"], [None], None, ["aa"], []]), [0, 1, 2, None, 3, None]),
            (pa.array([0.0, -0.0, 1.0, None, -1.0, 0.0]), [0, 0, 1, None, 2, 0]),
            (pa.array([[0.0], [-0.0], [0.0, 0.0], [], [1.0], [-0.0, 0.0]]), [0, 0, 1, None, 2, 1]),
            (pa.array(["1", "1.0", " 1", "1", "", None]), [0, 1, 2, 0, 3, None]),
            (pa.array([[1, 12], [11, 2], [1, 1, 2], [112], [1, 12], [11, 2]]), [0, 1, 2, 3, 0, 1]),
            (pa.array([[["a"], []], [["a"]], [["a"], []], [[]], [None], [[]]]), [0, 1, 0, 2, 3, 2]),
        ],
        ids=str,
    )  # fmt: skip
    def it_takes_equal_values_for_one_and_others_for_two(
        self, values: pa.Array, wanted: list[int | None]
    ) -> None:
        # Also where a table begins within a larger one.
        within = pa.concat_arrays([values.slice(5), values, values.slice(0, 1)]).slice(1, 6)
        for known in (values, within):
            found = groups(items(kind=known), source="same_attribute", attributes=["kind"])
            together = [[i for i, g in enumerate(wanted) if g == of] for of in wanted]
            none = [[] if of is None else own for of, own in zip(wanted, together, strict=True)]
            assert self.members(found) == none

    def it_weighs_each_group_by_itself(self) -> None:
        entry = {"source": "same_attribute", "attributes": ["city"], "alpha": 1.0}
        found = groups(items(city=self.CITY), **entry)
        assert found.of_item is not None
        weights = found.groups[int(found.of_item[0])].weights
        assert (weights / weights.sum()).tolist() == pytest.approx([9 / 20, 9 / 20, 2 / 20])


class DescribeSeveralDistributions:
    def it_numbers_their_groups_through(self) -> None:
        easy = [
            {"source": "popularity"},
            {"source": "same_attribute", "attributes": ["city"], "count": 2},
            {"source": "hot", "count": 2},
        ]
        asked = Negatives.model_validate_json(json.dumps({"easy": easy, "hard": []}))
        city = DescribeItemsOfTheSameAttribute.CITY
        found = distributions(asked.distributions, items(city=city))
        assert [one.first for one in found] == [0, 1, 3]
        assert found[1].of_item is not None
        assert found[1].of_item.tolist() == [1, 2, -1, 1, 2, 1]

    def it_draws_from_no_group_where_there_is_none(self) -> None:
        easy = [{"source": "popularity"}, {"source": "cold", "count": 2}]
        asked = Negatives.model_validate_json(json.dumps({"easy": easy, "hard": []}))
        known = items()
        clicked = CatalogueItems(known.ids, np.ones(6, np.int64), 1.0, known.since_us, DAY)
        _, cold = distributions(asked.distributions, clicked)
        assert cold.of_item is not None
        assert cold.of_item.tolist() == [-1] * 6
