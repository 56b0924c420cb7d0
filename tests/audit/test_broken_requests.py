"""Rows of request_samples that are wrong: the gates that notice it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pyspark.sql import functions as F
from winnow.tables import request_rows
from winnow.tables.rows_before import n_before

from tests.audit.in_every_run import Mistakes
from tests.audit.memory import Memory
from tests.audit.one_table import OneTable, bench_of
from tests.audit.test_mutants import REQUESTS, failed
from tests.audit.workbench import Bench, Broken

if TYPE_CHECKING:
    from winnow.engine.engine import Engine

pytestmark = pytest.mark.sail_only

TABLE = OneTable("request_samples", "requests")
HISTORY = ("hist_item_ids", "hist_actions", "hist_us")
PAGE = ("page_item_ids", "page_positions", "page_us", "page_actions", "page_dwell_ms")
HOUR_US = 3_600_000_000

Patch = pytest.MonkeyPatch


def histories_know_the_next_hour(bench: Bench, patch: Patch) -> Broken:
    right = n_before
    patch.setattr(request_rows, "n_before", lambda u, t, a, until: right(u, t, a, until + HOUR_US))
    return TABLE.made_again(bench)


def one_click_is_of_the_moment_of_the_request(bench: Bench, patch: Patch) -> Broken:
    last = F.unix_micros("request_ts")
    later = F.concat(F.slice("hist_us", 1, F.size("hist_us") - 1), F.array(last))
    return TABLE.in_one(bench, "size(hist_us) > 1", hist_us=later)


def one_click_is_lost(bench: Bench, patch: Patch) -> Broken:
    shorter = {n: F.slice(n, 1, F.size(n) - 1) for n in HISTORY}
    return TABLE.in_one(bench, "size(hist_us) > 1", **shorter)


def one_click_is_of_another_item(bench: Bench, patch: Patch) -> Broken:
    other = F.concat(F.slice("hist_item_ids", 2, 10_000), F.slice("hist_item_ids", 1, 1))
    return TABLE.in_one(bench, "size(array_distinct(hist_item_ids)) > 1", hist_item_ids=other)


def histories_are_of_the_next_user(bench: Bench, patch: Patch) -> Broken:
    return TABLE.of_the_next(bench, HISTORY)


def histories_are_turned_over(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, **{name: F.reverse(name) for name in HISTORY})


def the_cap_keeps_one_less(bench: Bench, patch: Patch) -> Broken:
    return TABLE.by_config(bench, history_length=4)


def histories_are_of_one_date_less(bench: Bench, patch: Patch) -> Broken:
    return TABLE.by_config(bench, history_days=1, history_length=5)


def nothing_is_said_to_be_left_out(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, hist_left_out=F.lit(0))


def what_is_logged_twice_counts_twice(bench: Bench, patch: Patch) -> Broken:
    patch.setattr(request_rows, "starts_of_runs", lambda *columns: np.ones(len(columns[0]), bool))
    return TABLE.made_again(bench)


def requests_begin_with_what_was_clicked(bench: Bench, patch: Patch) -> Broken:
    first = F.array_min("pos_click_us")
    return TABLE.with_columns(bench, request_ts=F.timestamp_micros(first))


def pages_are_of_another_request(bench: Bench, patch: Patch) -> Broken:
    return TABLE.of_the_next(bench, PAGE)


def pages_are_in_the_order_of_times(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, **{name: F.reverse(name) for name in PAGE})


def one_item_of_a_page_is_lost(bench: Bench, patch: Patch) -> Broken:
    shorter = {n: F.slice(n, 1, F.size(n) - 1) for n in PAGE}
    return TABLE.in_one(bench, "size(page_us) > 1", **shorter)


def places_count_from_0(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(
        bench, page_positions=F.transform("page_positions", lambda one: one - 1)
    )


def nothing_on_a_page_was_clicked(bench: Bench, patch: Patch) -> Broken:
    none = F.transform("page_actions", lambda _: F.lit(None).cast("string"))
    return TABLE.in_one(bench, "size(page_us) > 1", page_actions=none)


def values_of_a_page_change_places(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, page_dwell_ms=F.reverse("page_dwell_ms"))


def what_is_shown_is_a_negative(bench: Bench, patch: Patch) -> Broken:
    shown = F.concat(F.slice("page_item_ids", 1, 1), F.slice("neg_item_ids", 2, 10_000))
    return TABLE.in_one(bench, "size(neg_item_ids) > 1", neg_item_ids=shown)


def negatives_are_of_the_next_positive(bench: Bench, patch: Patch) -> Broken:
    n = F.element_at("pos_n_negatives", 1)
    turned = F.concat(F.slice("neg_item_ids", n + 1, 10_000), F.slice("neg_item_ids", 1, n))
    return TABLE.in_one(bench, "size(pos_item_ids) > 1", neg_item_ids=turned)


def keep_probs_are_forgotten(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(
        bench, pos_keep_prob=F.transform("pos_keep_prob", lambda _: F.lit(1.0))
    )


def negatives_are_counted_by_another(bench: Bench, patch: Patch) -> Broken:
    some = F.transform("pos_n_negatives", lambda n, i: F.when(i == 0, n - 1).otherwise(n))
    return TABLE.in_one(bench, "size(pos_item_ids) > 1", pos_n_negatives=some)


def one_request_is_lost(bench: Bench, patch: Patch) -> Broken:
    return TABLE.without_one(bench)


MISTAKES: dict[Callable[[Bench, Patch], Broken], set[str]] = {
    histories_know_the_next_hour: {"request_history_late", "request_history_differs"},
    one_click_is_of_the_moment_of_the_request: {
        "request_history_late",
        "request_history_differs",
    },
    one_click_is_lost: {"request_history_differs"},
    one_click_is_of_another_item: {"request_history_differs"},
    histories_are_of_the_next_user: {"request_history_late", "request_history_differs"},
    histories_are_turned_over: {"request_history_differs"},
    the_cap_keeps_one_less: {"request_history_differs"},
    histories_are_of_one_date_less: {"request_history_differs"},
    nothing_is_said_to_be_left_out: {"request_history_differs"},
    what_is_logged_twice_counts_twice: {"request_history_differs"},
    requests_begin_with_what_was_clicked: {"request_history_differs"},
    pages_are_of_another_request: {"request_page_differs"},
    pages_are_in_the_order_of_times: {"request_page_differs"},
    one_item_of_a_page_is_lost: {"request_page_differs"},
    places_count_from_0: {"request_page_differs"},
    nothing_on_a_page_was_clicked: {"request_page_differs"},
    values_of_a_page_change_places: {"request_page_differs"},
    what_is_shown_is_a_negative: {"request_negatives_shown", "request_parts_differ"},
    negatives_are_of_the_next_positive: {"request_parts_differ"},
    keep_probs_are_forgotten: {"request_parts_differ"},
    negatives_are_counted_by_another: {"request_parts_differ"},
    one_request_is_lost: {"request_rows_differ", "request_parts_differ"},
}


@pytest.fixture(scope="module")
def bench(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench_of(
        engine, tmp_path_factory.mktemp("requests"), requests={"history_length": 5}
    ) as made:
        yield made


class DescribeMistakes:
    def it_passes_without_one(self, bench: Bench) -> None:
        assert failed(bench.audit()) == set()

    def it_passes_where_some_requests_stand_for_all(self, bench: Bench) -> None:
        limits = replace(bench.scratch.limits, compared_positives=100)
        many = replace(bench, scratch=replace(bench.scratch, limits=limits), memory=Memory())
        record = many.audit(of=REQUESTS)
        assert failed(record) == set()
        (page,) = (gate for gate in record.gates if gate.name == "request_page_differs")
        assert "looked at 1 in" in str(page)

    @pytest.mark.parametrize(
        "mistake", Mistakes().of(MISTAKES.items()), ids=lambda one: one.__name__
    )
    def it_does_not_pass(
        self,
        mistake: Callable[[Bench, Patch], Broken],
        bench: Bench,
        monkeypatch: Patch,
    ) -> None:
        broken = mistake(bench, monkeypatch)
        monkeypatch.undo()
        found = failed(bench.audit(broken, REQUESTS)) & set(REQUESTS)
        assert found == MISTAKES[mistake] or found >= MISTAKES[mistake] == {"request_page_differs"}
