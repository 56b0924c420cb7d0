"""Clicks and positives of users as rows of user_sequences: what a task does with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.grouping import starts_of_runs
from winnow.arrays.id_numbers import numbered, one_array
from winnow.arrays.lists import lists_of
from winnow.arrays.task_slots import TASK_SLOTS
from winnow.tables.group_lists import Int64s
from winnow.tables.rows_before import n_before

CLICK, TARGET, LEFT_OUT = 0, 1, 2
"""Kinds of rows: a click; a kept positive, with ``at_us`` its click and ``shown_us`` its
impression; how many clicks an earlier state of the user left out, ``n_left_out``."""

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class SequenceRows:
    """How clicks and positives become sequences; small enough to travel with a task.

    Attributes:
        actions: The names of actions by their codes.
        history_length: How many clicks from before the date a sequence has at most.
        start_us: The first microsecond of the date.
    """

    actions: tuple[str, ...]
    history_length: int
    start_us: int

    def of_batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the sequences of one partition's users, for ``mapInArrow``.

        Args:
            batches: ``user_id``, ``kind``, ``item_id``, ``at_us``, ``action`` (a code),
                ``shown_us``, ``n_left_out``; what a kind has no use for is NULL. All rows of each
                user are among them, in any order.
        """
        received = [batch for batch in batches if batch.num_rows]
        if received:
            with TASK_SLOTS:
                rows = self.rows(pa.Table.from_batches(received))
            yield from rows.to_batches()

    def rows(self, events: pa.Table) -> pa.Table:
        """Return one row for each user, by user: ``user_id`` and the ``seq_`` columns."""
        user, kind = numbered(events["user_id"]), events["kind"].to_numpy()
        firsts = np.unique(user, return_index=True)[1]
        n_users = len(firsts)
        n_left_out = np.zeros(n_users, np.int64)
        earlier = np.flatnonzero(kind == LEFT_OUT)
        np.add.at(n_left_out, user[earlier], events["n_left_out"].take(pa.array(earlier)))
        known = np.flatnonzero(kind != LEFT_OUT)
        there = events.take(pa.array(known)).combine_chunks()
        one = self._elements(there, user[known], kind[known])
        old = np.bincount(one.user[one.at_us < self.start_us], minlength=n_users)
        too_many = np.maximum(old - self.history_length, 0)
        n_all = np.bincount(one.user, minlength=n_users)
        place = np.arange(len(one.user)) - (np.cumsum(n_all) - n_all)[one.user]
        kept = place >= too_many[one.user]
        of_user, at_us, shown_us = one.user[kept], one.at_us[kept], one.shown_us[kept]
        lengths = n_all - too_many
        begins = (np.cumsum(lengths) - lengths)[of_user]
        is_target = shown_us != _NEVER
        before_shown = np.zeros(len(of_user), np.int32)
        asking = of_user[is_target]
        n = n_before(of_user, at_us, asking, shown_us[is_target])
        before_shown[is_target] = n - begins[is_target]
        item_id, action = (
            one_array(there, name).take(pa.array(one.row[kept])) for name in ("item_id", "action")
        )
        runs = starts_of_runs(of_user, at_us)
        first = np.maximum.accumulate(np.where(runs, np.arange(len(of_user)), 0))
        lists = {
            "seq_item_ids": item_id,
            "seq_actions": pa.array(self.actions, pa.string()).take(action),
            "seq_us": pa.array(at_us),
            "seq_is_target": pa.array(is_target),
            "seq_n_before": pa.array((first - begins).astype(np.int32)),
            "seq_n_before_shown": pa.array(before_shown, mask=~is_target),
        }
        return pa.table(
            {
                "user_id": one_array(events, "user_id").take(pa.array(firsts)),
                **{name: lists_of(values, lengths) for name, values in lists.items()},
                "seq_left_out": pa.array((too_many + n_left_out).astype(np.int32)),
            }
        )

    @staticmethod
    def _elements(there: pa.Table, user: Int64s, kind: NDArray[np.int8]) -> "_Elements":
        """Return clicks, equal ones once, and the positives that none of them is."""
        at_us, item = there["at_us"].to_numpy(), numbered(there["item_id"])
        action = there["action"].to_numpy()
        is_target = kind == TARGET
        shown = np.full(len(user), _NEVER)
        of_targets = np.flatnonzero(is_target)
        shown[of_targets] = there["shown_us"].take(pa.array(of_targets)).to_numpy()
        order = np.lexsort((action, is_target, item, at_us, user))
        user, at_us, item, action, is_target, shown = (
            column[order] for column in (user, at_us, item, action, is_target, shown)
        )
        # One item of a user at one time: first its clicks, then its positives.
        starts = starts_of_runs(user, at_us, item)
        begins = np.flatnonzero(starts)
        shown_first = np.full(len(user), _NEVER)
        if len(begins):
            shown_first[begins] = np.minimum.reduceat(shown, begins)
        alone = starts_of_runs(user, at_us, item, action, is_target)
        kept = np.where(is_target, starts, alone)
        return _Elements(order[kept], user[kept], at_us[kept], shown_first[kept])


class _Elements(NamedTuple):
    """Elements of sequences, n of them, by user and time.

    Attributes:
        row: The row of each one. user: Whose it is, ascending. at_us: When, ascending of a user.
        shown_us: When it was shown, the earliest time where several times; where it is no target,
            the largest number.
    """

    row: Int64s
    user: Int64s
    at_us: Int64s
    shown_us: Int64s
