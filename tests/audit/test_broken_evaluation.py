"""Rows of evaluation_samples that are wrong: the gates that notice it."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyspark.sql import Column
from pyspark.sql import functions as F
from winnow.sampler.kernels.evaluation import draw_evenly, seen_before
from winnow.tables import evaluation_rows, evaluation_samples
from winnow.tables.evaluation_items import EvaluationItems
from winnow.tables.evaluation_met import Met

from tests.audit.in_every_run import Mistakes
from tests.audit.one_table import OneTable, bench_of
from tests.audit.test_mutants import EVALUATION, failed
from tests.audit.workbench import Bench, Broken, stored

if TYPE_CHECKING:
    from winnow.engine.engine import Engine

pytestmark = pytest.mark.sail_only

TABLE = OneTable("evaluation_samples", "evaluation")
HOUR_US = 3_600_000_000
POSITIVES = (
    "pos_item_ids",
    "pos_shown_us",
    "pos_click_us",
    "pos_actions",
    "pos_of_request",
    "pos_in_catalogue",
    "pos_seen",
)

Patch = pytest.MonkeyPatch


def replaced(name: str, place: int, value: Column) -> Column:
    """Return a list with another element at a place, from 1."""
    return F.transform(name, lambda one, at: F.when(at == place - 1, value).otherwise(one))


def one_positive_is_lost(bench: Bench, patch: Patch) -> Broken:
    shorter = {n: F.slice(n, 2, 10_000) for n in POSITIVES}
    return TABLE.in_one(bench, "size(pos_item_ids) > 1", **shorter)


def later_ones_are_lost(bench: Bench, patch: Patch) -> Broken:
    return TABLE.by_config(bench, horizon_hours=0)


def positives_are_those_that_train(bench: Bench, patch: Patch) -> Broken:
    """Thinned and capped, as in training_samples."""
    pairs = bench.inputs(stored(bench.scratch, bench.groups, bench.kind), 1, bench.items).pairs
    kept = bench.tables["training_samples"].select("user_id", "request_id", "item_id").distinct()
    names = ["user_id", "request_id", "item_id"]
    return TABLE.made_again(bench, pairs=pairs.made(pairs.frame.join(kept, names, "left_semi")))


def the_past_is_true_as_well(bench: Bench, patch: Patch) -> Broken:
    """What the user clicked an hour before the request."""
    right = evaluation_rows.EvaluationRows._held_out

    def earlier(*given: Any) -> Any:
        requests = right(*given)
        return requests._replace(first_us=requests.first_us - HOUR_US)

    patch.setattr(evaluation_rows.EvaluationRows, "_held_out", earlier)
    return TABLE.made_again(bench)


def one_positive_is_of_before(bench: Bench, patch: Patch) -> Broken:
    before = F.unix_micros("request_ts") - 1
    return TABLE.in_one(bench, "true", pos_shown_us=replaced("pos_shown_us", 1, before))


def repeats_count(bench: Bench, patch: Patch) -> Broken:
    twice = {n: F.concat(n, F.slice(n, -1, 1)) for n in POSITIVES}
    return TABLE.in_one(bench, "true", **twice)


def seen_ones_pass_for_new(bench: Bench, patch: Patch) -> Broken:
    is_not = replaced("pos_seen", 1, F.lit(False))
    return TABLE.in_one(bench, "element_at(pos_seen, 1)", pos_seen=is_not)


def all_are_in_the_catalogue(bench: Bench, patch: Patch) -> Broken:
    turned = F.transform("pos_in_catalogue", lambda one: ~one)
    return TABLE.in_one(bench, "true", pos_in_catalogue=turned)


def requests_begin_with_what_was_clicked(bench: Bench, patch: Patch) -> Broken:
    first = F.timestamp_micros(F.array_min("pos_click_us"))
    return TABLE.with_columns(bench, request_ts=first)


def seen_is_what_is_shown_later(bench: Bench, patch: Patch) -> Broken:
    own = F.element_at("pos_item_ids", 1)
    seen = replaced("seen_item_ids", 1, own)
    where = "size(seen_item_ids) > 0 AND NOT element_at(pos_seen, 1)"
    return TABLE.in_one(bench, where, seen_item_ids=seen)


def seen_is_of_the_moment_as_well(bench: Bench, patch: Patch) -> Broken:
    right = seen_before

    def until(items: Any, at: Any, starts: Any, asked: Any, *more: Any) -> Any:
        return right(items, at, starts, asked + 1, *more)

    patch.setattr(evaluation_rows, "seen_before", until)
    return TABLE.made_again(bench)


def one_seen_item_is_lost(bench: Bench, patch: Patch) -> Broken:
    return TABLE.in_one(
        bench, "size(seen_item_ids) > 0", seen_item_ids=F.slice("seen_item_ids", 2, 10_000)
    )


def the_oldest_are_listed(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, seen_item_ids=F.reverse("seen_item_ids"))


def nothing_is_said_to_be_cut(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, seen_truncated=F.lit(False))


def a_positive_is_a_negative(bench: Bench, patch: Patch) -> Broken:
    own = F.element_at("pos_item_ids", 1)
    return TABLE.in_one(bench, "true", neg_item_ids=replaced("neg_item_ids", 1, own))


def a_seen_item_is_a_negative(bench: Bench, patch: Patch) -> Broken:
    seen = F.element_at("seen_item_ids", 1)
    negatives = replaced("neg_item_ids", 1, seen)
    return TABLE.in_one(bench, "size(seen_item_ids) > 0", neg_item_ids=negatives)


def nothing_is_forbidden(bench: Bench, patch: Patch) -> Broken:
    patch.setattr(Met, "alone", lambda met: np.empty(0, np.int64))
    return TABLE.made_again(bench)


def negatives_come_twice(bench: Bench, patch: Patch) -> Broken:
    first = F.element_at("neg_item_ids", 1)
    return TABLE.in_one(bench, "true", neg_item_ids=replaced("neg_item_ids", 2, first))


def negatives_are_in_order(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, neg_item_ids=F.array_sort("neg_item_ids"))


def negatives_are_of_another_seed(bench: Bench, patch: Patch) -> Broken:
    right = draw_evenly
    patch.setattr(
        evaluation_rows, "draw_evenly", lambda seed, *more: right(seed + np.uint64(1), *more)
    )
    return TABLE.made_again(bench)


def the_chance_is_of_the_catalogue(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(
        bench, neg_incl_prob=F.size("neg_item_ids") / F.col("catalogue_items")
    )


def n_is_of_the_whole_date(bench: Bench, patch: Patch) -> Broken:
    patch.setattr(
        EvaluationItems, "count", lambda items, at: np.full(len(at), len(items.keys), np.int64)
    )
    return TABLE.made_again(bench)


def all_of_the_catalogue_are_candidates(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, candidate_items=F.col("catalogue_items"))


def one_request_is_lost(bench: Bench, patch: Patch) -> Broken:
    return TABLE.without_one(bench)


def users_have_one_request_more(bench: Bench, patch: Patch) -> Broken:
    most = bench.config.evaluation.requests_per_user
    assert most is not None
    return TABLE.by_config(bench, requests_per_user=most + 1)


def nothing_is_said_of_the_cap(bench: Bench, patch: Patch) -> Broken:
    return TABLE.with_columns(bench, requests_truncated=F.lit(False))


def requests_left_out_are_not_counted(bench: Bench, patch: Patch) -> Broken:
    most = F.lit(bench.config.evaluation.requests_per_user).cast("bigint")
    return TABLE.with_columns(bench, user_requests=F.least("user_requests", most))


def users_that_train_are_there(bench: Bench, patch: Patch) -> Broken:
    def all_held_out(config: Any, day: Any) -> Column:
        return F.lit("valid")

    patch.setattr(evaluation_samples, "split", all_held_out)
    return TABLE.made_again(bench)


def a_date_that_trains_is_there(bench: Bench, patch: Patch) -> Broken:
    return TABLE.in_one(bench, "true", ds=F.date_sub("ds", 1))


REQUESTS_DIFFER, POSITIVES_DIFFER = "evaluation_requests_differ", "evaluation_positives_differ"
EARLY, SHOWN = "evaluation_positives_early", "evaluation_negatives_shown"
SEEN_LATE, SEEN_DIFFERS = "evaluation_seen_late", "evaluation_seen_differs"
SIZES, NEGATIVES = "evaluation_sizes_differ", "evaluation_negatives_differ"
TRAINED = "evaluation_trained"

MISTAKES: dict[Callable[[Bench, Patch], Broken], set[str]] = {
    one_positive_is_lost: {POSITIVES_DIFFER},
    later_ones_are_lost: {POSITIVES_DIFFER},
    positives_are_those_that_train: {POSITIVES_DIFFER, REQUESTS_DIFFER},
    the_past_is_true_as_well: {POSITIVES_DIFFER, EARLY},
    one_positive_is_of_before: {POSITIVES_DIFFER, EARLY},
    repeats_count: {POSITIVES_DIFFER},
    seen_ones_pass_for_new: {POSITIVES_DIFFER},
    all_are_in_the_catalogue: {POSITIVES_DIFFER},
    requests_begin_with_what_was_clicked: {POSITIVES_DIFFER},
    seen_is_what_is_shown_later: {SEEN_LATE, SEEN_DIFFERS},
    seen_is_of_the_moment_as_well: {SEEN_LATE, SEEN_DIFFERS},
    one_seen_item_is_lost: {SEEN_DIFFERS},
    the_oldest_are_listed: {SEEN_DIFFERS},
    nothing_is_said_to_be_cut: {SEEN_DIFFERS},
    a_positive_is_a_negative: {SHOWN, NEGATIVES},
    a_seen_item_is_a_negative: {SHOWN, NEGATIVES},
    nothing_is_forbidden: {SHOWN, NEGATIVES, SIZES, POSITIVES_DIFFER},
    negatives_come_twice: {NEGATIVES},
    negatives_are_in_order: {NEGATIVES},
    negatives_are_of_another_seed: {NEGATIVES},
    the_chance_is_of_the_catalogue: {NEGATIVES},
    n_is_of_the_whole_date: {SIZES},
    all_of_the_catalogue_are_candidates: {SIZES},
    one_request_is_lost: {REQUESTS_DIFFER},
    users_have_one_request_more: {REQUESTS_DIFFER},
    nothing_is_said_of_the_cap: {REQUESTS_DIFFER},
    requests_left_out_are_not_counted: {REQUESTS_DIFFER},
    users_that_train_are_there: {REQUESTS_DIFFER, TRAINED, POSITIVES_DIFFER},
    a_date_that_trains_is_there: {TRAINED},
}


@pytest.fixture(scope="module")
def bench(engine: "Engine", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    evaluation = {"negatives": 30, "seen_at_most": 20, "requests_per_user": 2}
    with bench_of(engine, tmp_path_factory.mktemp("evaluation"), evaluation=evaluation) as made:
        yield made


class DescribeMistakes:
    def it_passes_without_one(self, bench: Bench) -> None:
        assert failed(bench.audit()) == set()
        assert bench.tables[TABLE.name].count() > 25, "there must be something to break"

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
        found = failed(bench.audit(broken, EVALUATION)) & set(EVALUATION)
        assert found >= MISTAKES[mistake]
        assert found <= MISTAKES[mistake] | {SEEN_LATE, SEEN_DIFFERS, SIZES, NEGATIVES}
