"""Batches, chances and masks that are wrong: the gates that notice it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.audit.recompute.batches import misplaced_rows
from winnow.sampler import batches as staged_batches
from winnow.sampler import in_batch_columns
from winnow.sampler.batch_file import batches_of
from winnow.sampler.kernels.batches import (
    Batches,
    conflicting_items,
    positions_of,
    shares_of_items,
)

from tests.audit.broken_builds import Mistake, each_of, gates_that_stop, without_first
from tests.e2e.test_in_batch import SIZE, in_batches


def a_conflict_is_lost(patch: pytest.MonkeyPatch) -> None:
    def fewer(*given: Any) -> Any:
        slots, lengths, shares = conflicting_items(*given)
        return *without_first(slots, lengths), shares

    patch.setattr(in_batch_columns, "conflicting_items", fewer)


def nothing_is_masked(patch: pytest.MonkeyPatch) -> None:
    def of_none(items: Any, rows: Any, starts: Any, *others: Any) -> Any:
        return conflicting_items(items, rows, np.zeros_like(starts), *others)

    patch.setattr(in_batch_columns, "conflicting_items", of_none)


def another_slot_is_masked(patch: pytest.MonkeyPatch) -> None:
    def shifted(*given: Any) -> Any:
        slots, lengths, shares = conflicting_items(*given)
        return (slots + 1) % SIZE, lengths, shares

    patch.setattr(in_batch_columns, "conflicting_items", shifted)


def masks_are_in_another_order(patch: pytest.MonkeyPatch) -> None:
    def backwards(*given: Any) -> Any:
        slots, lengths, shares = conflicting_items(*given)
        ends = np.cumsum(lengths)
        own = [slots[end - n : end][::-1] for n, end in zip(lengths, ends, strict=True)]
        return np.concatenate(own), lengths, shares

    patch.setattr(in_batch_columns, "conflicting_items", backwards)


def items_are_named_by_their_own_slot(patch: pytest.MonkeyPatch) -> None:
    def own_slots(items: Any, positions: Any, batches: Batches) -> Any:
        batch = np.searchsorted(batches.begins, positions, side="right") - 1
        return (positions - batches.begins[batch]).astype(np.int32)

    patch.setattr(in_batch_columns, "slots_of_items", own_slots)


def slots_are_shifted(patch: pytest.MonkeyPatch) -> None:
    def shifted(keys: Any, users: Any, batches: Batches) -> Any:
        positions = positions_of(keys, users, batches)
        return np.where(positions < 0, -1, (positions + 1) % len(batches.row_keys))

    patch.setattr(in_batch_columns, "positions_of", shifted)


def batches_are_in_another_order(patch: pytest.MonkeyPatch) -> None:
    def by_user(rows: pa.Table, size: int) -> Batches:
        place = rows.column_names.index("shuffle_key")
        found = batches_of(rows.set_column(place, "shuffle_key", rows["user_key"]), size)
        # The rows are found by the right keys, and stand where the wrong ones put them.
        right = batches_of(rows, size)
        other = {user: n for n, user in enumerate(found.row_users.tolist())}
        order = np.argsort([other[user] for user in right.row_users.tolist()], kind="stable")
        positions = np.empty(len(order), np.int64)
        positions[order] = found.row_positions
        return found._replace(
            row_keys=right.row_keys, row_users=right.row_users, row_positions=positions
        )

    patch.setattr(staged_batches, "batches_of", by_user)


def chances_are_of_all_splits(patch: pytest.MonkeyPatch) -> None:
    def of_all(items: Any, positions: Any, batches: Batches, size: int) -> Any:
        n = batches.split_begins[-1]
        of_split = batches.item_rows.reshape(-1, len(batches.split_begins) - 1)
        of_split = np.column_stack([of_split.sum(axis=1), np.zeros_like(of_split[:, 1:])])
        whole = batches._replace(
            split_begins=np.array([0, n, n, n]), item_rows=np.ascontiguousarray(of_split).ravel()
        )
        return shares_of_items(items, positions, whole, size)

    patch.setattr(in_batch_columns, "shares_of_items", of_all)


def presence_is_as_if_rows_could_come_twice(patch: pytest.MonkeyPatch) -> None:
    def with_replacement(*given: Any) -> Any:
        log_q, expected, _ = shares_of_items(*given)
        return log_q, expected, 1 - (1 - np.exp(log_q)) ** SIZE

    patch.setattr(in_batch_columns, "shares_of_items", with_replacement)


MISTAKES: dict[Mistake, set[str]] = {
    a_conflict_is_lost: {"batch_conflicts_missing"},
    nothing_is_masked: {"batch_conflicts_missing", "in_batch_forbidden_differs"},
    another_slot_is_masked: {"batch_conflicts_missing", "batch_conflicts_unfounded"},
    masks_are_in_another_order: {"batch_conflicts_unfounded"},
    items_are_named_by_their_own_slot: {"batch_item_slots_differ"},
    slots_are_shifted: {"batches_differ", "batch_conflicts_missing", "batch_conflicts_unfounded"},
    batches_are_in_another_order: {"batches_differ"},
    chances_are_of_all_splits: {"in_batch_chances_differ"},
    presence_is_as_if_rows_could_come_twice: {"in_batch_chances_differ"},
}


SEEN_BY_OTHERS = (
    another_slot_is_masked,
    masks_are_in_another_order,
    batches_are_in_another_order,
    presence_is_as_if_rows_could_come_twice,
)


@pytest.mark.sail_only
class DescribeMistakes:
    @each_of(MISTAKES, SEEN_BY_OTHERS)
    def it_does_not_pass(
        self, mistake: Mistake, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wanted = MISTAKES[mistake]
        found = gates_that_stop(mistake, wanted, in_batches, spark, tmp_path, monkeypatch)
        assert found >= wanted


class DescribeRowsOfADateThatIsAGap:
    @pytest.mark.parametrize(
        ("split", "batches", "slots", "wrong"),
        [
            ("gap", [1, 0, 0], [0, 0, 1], 0),
            ("gap", [0, 0, 1], [0, 1, 0], 3),
            ("of nothing", [1, 0, 0], [0, 0, 1], 3),
        ],
    )
    def it_has_places_that_are_judged(
        self, split: str, batches: list[int], slots: list[int], wrong: int
    ) -> None:
        """They are cut into batches as well, though nobody trains on them."""
        rows = pa.table(
            {
                "split": pa.array([split] * 3),
                "shuffle_key": [3, 1, 2],
                "batch_id": pa.array(batches, pa.int64()),
                "slot": pa.array(slots, pa.int32()),
                "batch_rows": pa.array([1 if batch else 2 for batch in batches], pa.int32()),
            }
        )
        assert misplaced_rows(rows, 2) == wrong
