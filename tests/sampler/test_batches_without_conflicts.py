"""Batches without conflicts, beside a slow loop over sets."""

from collections.abc import Mapping
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from winnow.sampler.batch_file import batches_of
from winnow.sampler.conflict_free import ForbiddenPairs, conflict_free_batches
from winnow.sampler.kernels.conflict_free import OPEN

Row = tuple[int, int]


def by_hand(rows: list[tuple[str, Row]], forbidden: Mapping[int, set[int]], size: int) -> list[int]:
    """Put (split, (user, item)) in order into the first open batch without a conflict."""
    found, opened, before = [], list[tuple[int, list[Row]]](), ""
    n = 0
    for split, (user, item) in rows:
        if split != before:
            opened, before = [], split
        for number, members in opened:  # noqa: B007
            met = any(i in forbidden[user] or item in forbidden[u] for u, i in members)
            if not met:
                break
        else:
            if len(opened) == OPEN:
                found.append(-1)
                continue
            number, members = n, []
            opened.append((number, members))
            n += 1
        members.append((user, item))
        found.append(number)
        if len(members) == size:
            opened.remove((number, members))
    return found


def some_rows(seed: int, n: int, n_users: int, n_items: int) -> tuple[pa.Table, ForbiddenPairs]:
    random = Random(seed)
    of_splits = sorted(random.choice((0, 0, 0, 1, 2)) for _ in range(n))
    keys = [random.randrange(-(2**63), 2**63) for _ in range(n)]
    user = [random.randrange(n_users) for _ in range(n)]
    item = [random.randrange(n_items) for _ in range(n)]
    pairs = {*zip(user, item, strict=True)}
    pairs |= {(random.randrange(n_users), random.randrange(n_items)) for _ in range(2 * n)}
    known = {*item}
    listed = sorted((u, i) for u, i in pairs if i in known and u in {*user})
    random.shuffle(listed)
    table = pa.table(
        {
            "split": pa.array([("train", "valid", "test")[one] for one in of_splits]),
            "shuffle_key": pa.array(keys, pa.int64()),
            "user_key": pa.array(user, pa.int64()),
            "item_key": pa.array(item, pa.int64()),
        }
    )
    users, items = (np.array(one, np.int64) for one in zip(*listed, strict=True))
    return table, ForbiddenPairs(users, items)


class DescribeBatchesWithoutConflicts:
    @pytest.mark.parametrize(
        ("seed", "n", "n_users", "n_items", "size", "leaves_out"),
        [
            (1, 1, 1, 1, 8, False),
            (2, 400, 200, 100, 8, False),
            (3, 600, 90, 300, 4, False),
            # So many conflicts that 64 batches are open, and none takes a row.
            (4, 900, 40, 12, 16, True),
            (5, 300, 150, 4, 3, True),
        ],
    )
    def it_is_what_a_loop_over_sets_makes_in_any_order_of_rows(
        self, seed: int, n: int, n_users: int, n_items: int, size: int, *, leaves_out: bool
    ) -> None:
        rows, pairs = some_rows(seed, n, n_users, n_items)
        found = conflict_free_batches(rows, pairs, size)
        order = sorted(
            range(n),
            key=lambda row: (
                ("train", "valid", "test").index(rows["split"][row].as_py()),
                rows["shuffle_key"][row].as_py(),
            ),
        )
        forbidden: dict[int, set[int]] = {user: set() for user in range(n_users)}
        for user, item in zip(pairs.user.tolist(), pairs.item.tolist(), strict=True):
            forbidden[user].add(item)
        told = rows.to_pylist()
        given = [(told[r]["split"], (told[r]["user_key"], told[r]["item_key"])) for r in order]
        assert found[order].tolist() == by_hand(given, forbidden, size)
        assert bool((found < 0).any()) == leaves_out
        shuffled = np.random.default_rng(seed).permutation(n)
        others = ForbiddenPairs(pairs.user[::-1], pairs.item[::-1])
        again = conflict_free_batches(rows.take(pa.array(shuffled)), others, size)
        assert again.tolist() == found[shuffled].tolist()

    def it_gives_rows_that_are_left_out_no_position(self) -> None:
        rows, pairs = some_rows(4, 900, 40, 12)
        assigned = conflict_free_batches(rows, pairs, 16)
        batches = batches_of(rows, 16, assigned)
        kept = int((assigned >= 0).sum())
        assert len(batches.row_keys) == kept == batches.begins[-1] == batches.split_begins[-1]
        assert batches.item_rows.sum() == kept
        assert np.diff(batches.begins).tolist() == np.bincount(assigned[assigned >= 0]).tolist()
        for key, user, position in zip(
            batches.row_keys, batches.row_users, batches.row_positions, strict=True
        ):
            of_row = np.flatnonzero(rows["shuffle_key"].to_numpy() == key)
            (batch,) = assigned[of_row]
            assert batches.begins[batch] <= position < batches.begins[batch + 1]
            assert rows["user_key"].to_numpy()[of_row] == user
