"""The draw table holds exactly the weights, refuses ambiguous keys, and survives its file."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.config.tree import Config
from winnow.dates import CalendarDay
from winnow.errors import InputError
from winnow.sampler.built_catalogue import build_catalogue
from winnow.sampler.catalogue_file import Catalogue, load_catalogue, save_catalogue
from winnow.sampler.kernels.draw_groups import draw_groups
from winnow.sampler.weights import integer_weights

CONFIG = Config.model_validate_json(
    '{"logs": {"impressions": {"path": "i"}, "clicks": {"path": "c"}}, "negatives": {"hard": []},'
    ' "positives": {"downsampling": {"threshold_clicks": 4.0}}}'
)


DAY = CalendarDay(date(2026, 1, 10))


def items(*rows: tuple[int | str, int, int, bool]) -> pa.Table:
    """item_id, item_key, clicks, in_catalogue."""
    ids, keys, clicks, inside = zip(*rows, strict=True)
    return pa.table(
        {
            "item_id": pa.array(ids),
            "item_key": pa.array(keys, pa.int64()),
            "clicks": pa.array(clicks, pa.int64()),
            "in_catalogue": pa.array(inside, pa.bool_()),
            "eligible_from": pa.nulls(len(ids), pa.timestamp("us", "UTC")),
        }
    )


INTEGERS = items((30, 30, 0, True), (-7, -7, 16, True), (5, 5, 1, True), (99, 99, 64, False))
STRINGS = items(("b", -5, 0, True), ("é", 8, 16, True), ("a", 3, 1, True), ("gone", 2, 64, False))


class DescribeDrawGroups:
    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(parts=st.lists(st.lists(st.integers(0, 10**7), min_size=1, max_size=80), min_size=1))
    def it_gives_every_item_exactly_its_weight(self, parts: list[list[int]]) -> None:
        """On the line of a group each item is as long as its weight, the lightest ones first."""
        weights = [integer_weights(np.array(part, np.int64), 1.0, 0.75) for part in parts]
        groups = draw_groups([(None, own) for own in weights])
        for g, own in enumerate(weights):
            assert groups.weights_of(g).tolist() == own.tolist()
            assert groups.totals[g] == sum(own.tolist())
            line = groups.line[groups.line_begins[g] : groups.line_begins[g + 1]].tolist()
            line = line or list(range(len(own)))
            assert line == sorted(range(len(own)), key=lambda place: (own[place], place))
            a, b = groups.class_begins[g], groups.class_begins[g + 1]
            assert groups.weights[a:b].tolist() == sorted(set(own.tolist()))
            for number, weight in enumerate(groups.weights[a:b].tolist()):
                lighter = [w for w in own.tolist() if w < weight]
                assert groups.firsts[a:b][number] == len(lighter)
                assert groups.before[a:b][number] == sum(lighter)

    def it_holds_nothing_by_item_where_all_weigh_alike(self) -> None:
        groups = draw_groups([(None, np.full(7, 3)), (np.array([1, 4], np.int32), np.full(2, 9))])
        assert (len(groups.line), len(groups.class_of)) == (0, 0)
        assert groups.weights_of(1).tolist() == [9, 9]


class DescribeBuildCatalogue:
    @pytest.mark.parametrize("table", [INTEGERS, STRINGS], ids=["integers", "strings"])
    def it_sorts_items_and_leaves_out_what_is_not_eligible(self, table: pa.Table) -> None:
        made = build_catalogue(table, CONFIG, DAY)
        ids = made.ids.to_pylist()
        assert ids == sorted(ids)
        assert len(ids) == 3
        clicks = dict(zip(table["item_id"].to_pylist(), table["clicks"].to_pylist(), strict=True))
        assert made.clicks.tolist() == [clicks[item] for item in ids]

    def it_gives_the_same_table_whatever_the_order_of_its_rows(self) -> None:
        turned = INTEGERS.take([3, 1, 0, 2])
        assert_equal(build_catalogue(turned, CONFIG, DAY), build_catalogue(INTEGERS, CONFIG, DAY))

    def it_knows_the_popularity_of_items_outside(self) -> None:
        made = build_catalogue(INTEGERS, CONFIG, DAY)
        assert made.other_keys.tolist() == [99]
        assert made.other_clicks.tolist() == [64]

    def it_thins_positives_of_hot_items_inside_and_outside(self) -> None:
        made = build_catalogue(INTEGERS, CONFIG, DAY)
        keep = dict(zip(made.draws.hot_keys.tolist(), made.draws.hot_keep.tolist(), strict=True))
        # sqrt(4 / 16) and sqrt(4 / 64); the key of -7 as unsigned.
        assert keep == {2**64 - 7: 0.5, 99: 0.25}
        assert made.draws.hot_keys.tolist() == sorted(keep)

    def it_refuses_two_ids_with_one_key(self) -> None:
        rows = items(("x", 11, 0, True), ("y", 4, 0, True), ("z", 11, 2, False))
        with pytest.raises(InputError) as caught:
            build_catalogue(rows, CONFIG, DAY)
        assert "x and z" in str(caught.value)
        assert "two item ids have the same 64-bit key" in str(caught.value)

    def it_builds_an_empty_catalogue(self) -> None:
        made = build_catalogue(INTEGERS.slice(0, 0), CONFIG, DAY)
        assert (len(made.ids), made.total_weight) == (0, 0)


class DescribeTheFile:
    @pytest.mark.parametrize(
        "table", [INTEGERS, STRINGS, INTEGERS.slice(0, 0)], ids=["integers", "strings", "empty"]
    )
    def it_comes_back_as_it_was(self, table: pa.Table, tmp_path: Path) -> None:
        made = build_catalogue(table, CONFIG, DAY)
        save_catalogue(made, tmp_path / "c.arrow")
        assert_equal(load_catalogue(str(tmp_path / "c.arrow")), made)

    def it_is_mapped_once_per_process(self, tmp_path: Path) -> None:
        save_catalogue(build_catalogue(INTEGERS, CONFIG, DAY), tmp_path / "c.arrow")
        path = str(tmp_path / "c.arrow")
        assert load_catalogue(path) is load_catalogue(path)


def assert_equal(one: Catalogue, other: Catalogue) -> None:
    assert one.ids.equals(other.ids)
    names = ("clicks", "other_keys", "other_clicks", "first_groups", "by_item", "groups_by_item")
    for name in names:
        assert_same_array(getattr(one, name), getattr(other, name))
    for first, second in zip(one.draws[:-1], other.draws[:-1], strict=True):
        assert_same_array(first, second)
    for first, second in zip(one.draws.groups, other.draws.groups, strict=True):
        assert_same_array(first, second)


def assert_same_array(one: object, other: object) -> None:
    assert isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
    assert one.dtype == other.dtype
    assert np.array_equal(one, other)
