"""Clicks and earlier states of users as rows of history_state: what a task does with them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.grouping import starts_of_runs
from winnow.arrays.id_numbers import numbered, one_array
from winnow.arrays.lists import lists_of
from winnow.arrays.task_slots import TASK_SLOTS
from winnow.tables.group_lists import Int64s

STATE = ("item_ids", "actions", "us", "left_out_day_us", "left_out_counts")
"""The lists of a state: NULL in the row of a click."""


@dataclass(frozen=True)
class HistoryRows:
    """How clicks and states become states; small enough to travel with a task.

    Attributes:
        actions: The names of actions by their codes.
        history_length: How many clicks a state has at most.
        day_starts: The first microsecond of each date that clicks may be of, ascending: what is
            earlier has expired.
    """

    actions: tuple[str, ...]
    history_length: int
    day_starts: tuple[int, ...]

    def of_partition(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the states of one partition's users, for ``mapInArrow``.

        Args:
            batches: ``user_id``; of a click ``item_id``, ``at_us``, ``action`` (its code); of an
                earlier state ``STATE``; what a row is not of is NULL. All rows of each user are
                among them, in any order.
        """
        received = [batch for batch in batches if batch.num_rows]
        if received:
            with TASK_SLOTS:
                rows = self.rows(pa.Table.from_batches(received))
            yield from rows.to_batches()

    def of_each(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the states of users each of whom has one row, an earlier state, for ``mapInArrow``.

        Batch by batch: there may be far more of them than a task can hold.
        """
        for batch in batches:
            yield from self.of_partition([batch])

    def rows(self, events: pa.Table) -> pa.Table:
        """Return the state of each user that has a click left, by user: ``user_id``, ``STATE``."""
        user, is_state = numbered(events["user_id"]), events["us"].is_valid().to_numpy()
        clicks, states = np.flatnonzero(~is_state), np.flatnonzero(is_state)
        known = self._clicks(events, user, clicks, states)
        n_users = int(user.max(initial=-1)) + 1
        n_all = np.bincount(known.user, minlength=n_users)
        lengths = np.minimum(n_all, self.history_length)
        ends = np.cumsum(n_all)
        place = np.arange(len(known.user)) - (ends - n_all)[known.user]
        kept = place >= (n_all - lengths)[known.user]
        left = self._left_out(events.take(pa.array(states)), user[states], known, ~kept)
        n_left = np.bincount(left.user, minlength=n_users)
        there = np.flatnonzero((n_all > 0) | (n_left > 0))
        firsts = np.unique(user, return_index=True)[1]
        taken = pa.array(np.flatnonzero(kept))
        return pa.table(
            {
                "user_id": events["user_id"].combine_chunks().take(pa.array(firsts[there])),
                "item_ids": lists_of(known.item_id.take(taken), lengths[there]),
                "actions": lists_of(self._names().take(known.action.take(taken)), lengths[there]),
                "us": lists_of(pa.array(known.at_us[kept]), lengths[there]),
                "left_out_day_us": lists_of(
                    pa.array(np.array(self.day_starts, np.int64)[left.day]), n_left[there]
                ),
                "left_out_counts": lists_of(pa.array(left.clicks.astype(np.int32)), n_left[there]),
            }
        )

    def _clicks(self, events: pa.Table, user: Int64s, clicks: Int64s, states: Int64s) -> "_Clicks":
        """Return what has not expired, by user and time; equal clicks, as logged twice, once."""
        log, before = events.take(pa.array(clicks)), events.take(pa.array(states))
        lists = {name: one_array(before, name) for name in ("item_ids", "actions", "us")}
        lengths = pc.list_value_length(lists["us"]).to_numpy()
        codes = pc.index_in(lists["actions"].flatten(), value_set=self._names())
        item_id = pa.concat_arrays([one_array(log, "item_id"), lists["item_ids"].flatten()])
        action = pa.concat_arrays([one_array(log, "action").cast(pa.int32()), codes])
        at_us = np.concatenate([log["at_us"].to_numpy(), lists["us"].flatten().to_numpy()])
        of_user = np.concatenate([user[clicks], np.repeat(user[states], lengths)])
        code, item = action.to_numpy(), numbered(item_id)
        order = np.lexsort((code, item, at_us, of_user))
        order = order[at_us[order] >= self.day_starts[0]]
        order = order[starts_of_runs(*(column[order] for column in (of_user, at_us, item, code)))]
        some = pa.array(order)
        return _Clicks(of_user[order], at_us[order], item_id.take(some), action.take(some))

    def _left_out(
        self, states: pa.Table, user: Int64s, known: "_Clicks", dropped: NDArray[np.bool_]
    ) -> "_LeftOut":
        """Return what states left out on dates that have not expired, and what is so now."""
        days, counts = (one_array(states, name) for name in STATE[3:])
        lengths = pc.list_value_length(days).to_numpy()
        day_us = np.concatenate([days.flatten().to_numpy(), known.at_us[dropped]])
        of_user = np.concatenate([np.repeat(user, lengths), known.user[dropped]])
        count = np.concatenate(
            [counts.flatten().to_numpy().astype(np.int64), np.ones(int(dropped.sum()), np.int64)]
        )
        day = np.searchsorted(self.day_starts, day_us, side="right") - 1
        there = day >= 0
        keys, which = np.unique(
            of_user[there] * len(self.day_starts) + day[there], return_inverse=True
        )
        total = np.zeros(len(keys), np.int64)
        np.add.at(total, which, count[there])
        return _LeftOut(keys // len(self.day_starts), keys % len(self.day_starts), total)

    def _names(self) -> pa.Array:
        return pa.array(self.actions, pa.string())


class _Clicks(NamedTuple):
    """Clicks, n of them: the user of each, ascending, shape (n,), its time, item and action."""

    user: Int64s
    at_us: Int64s
    item_id: pa.Array
    action: pa.Array


class _LeftOut(NamedTuple):
    """Dates with clicks that were too many: whose, which date by its number, how many; (n,)."""

    user: Int64s
    day: Int64s
    clicks: Int64s
