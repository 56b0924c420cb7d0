"""Batches with conflicts, or that leave out whom they need not: the gates that notice it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.sampler import batches, in_batch_columns
from winnow.sampler.batch_order import in_order_of_keys
from winnow.sampler.conflict_free import ForbiddenPairs, conflict_free_batches
from winnow.sampler.kernels.batches import Batches, positions_of, shares_of_items

from tests.audit.broken_builds import Mistake, each_of, gates_that_stop
from tests.e2e.test_conflict_free_batches import conflict_free


def only_own_items_are_forbidden(patch: pytest.MonkeyPatch) -> None:
    def of_positives(positives: Any, *_: Any) -> ForbiddenPairs:
        return ForbiddenPairs(*(positives[n].to_numpy() for n in ("user_key", "item_key")))

    patch.setattr(batches, "forbidden_pairs", of_positives)


def batches_are_cut_as_they_come(patch: pytest.MonkeyPatch) -> None:
    def cut(positives: Any, pairs: Any, size: int) -> Any:
        order, split = in_order_of_keys(positives)
        assigned, before = np.empty(len(order), np.int64), 0
        for of_split in np.unique(split):
            own = order[split[order] == of_split]
            assigned[own] = before + np.arange(len(own)) // size
            before = int(assigned[own].max()) + 1
        return assigned

    patch.setattr(batches, "conflict_free_batches", cut)


def the_last_row_is_left_out(patch: pytest.MonkeyPatch) -> None:
    def without_last(positives: Any, *given: Any) -> Any:
        assigned = conflict_free_batches(positives, *given)
        sizes = np.bincount(assigned)
        order, _ = in_order_of_keys(positives)
        (last, *_) = (row for row in order[::-1] if sizes[assigned[row]] > 1)
        assigned[last] = -1
        return assigned

    patch.setattr(batches, "conflict_free_batches", without_last)


def rows_are_put_in_the_order_of_users(patch: pytest.MonkeyPatch) -> None:
    def by_user(positives: Any, *given: Any) -> Any:
        place = positives.column_names.index("shuffle_key")
        other = positives.set_column(place, "shuffle_key", positives["user_key"])
        return conflict_free_batches(other, *given)

    patch.setattr(batches, "conflict_free_batches", by_user)


def slots_are_shifted(patch: pytest.MonkeyPatch) -> None:
    def shifted(keys: Any, users: Any, known: Batches) -> Any:
        positions = positions_of(keys, users, known)
        return np.where(positions < 0, -1, (positions + 1) % len(known.row_keys))

    patch.setattr(in_batch_columns, "positions_of", shifted)


def rates_are_as_if_rows_stood_anywhere(patch: pytest.MonkeyPatch) -> None:
    def as_usual(items: Any, positions: Any, known: Batches) -> Any:
        log_q, _, presence = shares_of_items(items, positions, known, 5)
        return log_q, presence

    patch.setattr(in_batch_columns, "shares_of_batches", as_usual)


MISTAKES: dict[Mistake, set[str]] = {
    only_own_items_are_forbidden: {"batch_conflicts", "conflict_free_differs"},
    batches_are_cut_as_they_come: {"batch_conflicts", "conflict_free_differs"},
    the_last_row_is_left_out: {"conflict_free_differs"},
    rows_are_put_in_the_order_of_users: {"conflict_free_differs"},
    slots_are_shifted: {"batches_differ"},
    rates_are_as_if_rows_stood_anywhere: {"in_batch_chances_differ"},
}

SEEN_BY_OTHERS = (batches_are_cut_as_they_come, rows_are_put_in_the_order_of_users)


@pytest.mark.sail_only
class DescribeMistakes:
    @each_of(MISTAKES, SEEN_BY_OTHERS)
    def it_does_not_pass(
        self, mistake: Mistake, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = MISTAKES[mistake]
        found = gates_that_stop(mistake, wanted, conflict_free, spark, tmp_path, monkeypatch)
        assert found >= wanted
