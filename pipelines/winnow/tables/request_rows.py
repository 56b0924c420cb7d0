"""Events of users as rows of request_samples: what a task does with all that it is given of a user.

The rows that come in are of four kinds; what a kind has no use for is NULL.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.grouping import starts_of_runs
from winnow.arrays.id_numbers import numbered, one_array
from winnow.arrays.lists import lists_of
from winnow.arrays.sorting import order_of
from winnow.arrays.task_slots import TASK_SLOTS
from winnow.sampler.group_columns import chosen_lists_of, drawn_lists_of
from winnow.tables.group_lists import GroupLists, Int64s, positions_in
from winnow.tables.listwise import negative_lists
from winnow.tables.rows_before import n_before
from winnow.tables.sources import StageSources

POSITIVE, PAGE, SHOWN, CLICK, LEFT_OUT = 0, 1, 2, 3, 4
"""Kinds of rows: a kept positive, with ``at_us`` its impression; an impression of a request with
one, as ranking_samples has it; a readable impression of such a request that cannot be on its page;
a click of a user with such a request; how many clicks an earlier state of such a user left out,
``n_left_out``. ``at_us`` is when it was shown or clicked."""

_NO_PLACE = 2**40
"""Behind every position: where none is known."""


@dataclass(frozen=True)
class RequestRows:
    """How events become rows; small enough to travel with a task.

    Attributes:
        columns: The columns that are made, in order: ``user_id``, ``request_id``, ``request_us``
            (bigint), and the lists of the contract.
        actions: The names of actions by their codes.
        values: Of each list of a page's values, its column and that of the events.
        of_positives: Of each list of the positives, its column and that of the events.
        stages: The stages of hard negatives.
        distinct: The codes of the sources that repeat no item of a positive.
        mixture: Whether draws tell how likely they are of all sources together.
        history_length: How many clicks a history has at most.
    """

    columns: tuple[str, ...]
    actions: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    of_positives: tuple[tuple[str, str], ...]
    stages: StageSources
    distinct: tuple[int, ...]
    mixture: bool
    history_length: int

    def of_batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the rows of one partition's users, for ``mapInArrow``.

        Args:
            batches: All events of each user among them, in any order.
        """
        received = [batch for batch in batches if batch.num_rows]
        if not received:
            return
        with TASK_SLOTS:
            rows = self.rows(pa.Table.from_batches(received))
        yield from rows.to_batches()

    def rows(self, events: pa.Table) -> pa.Table:
        """Return one row for each request that has a positive, ordered by user and request."""
        user, kind = numbered(events["user_id"]), events["kind"].to_numpy()
        of_requests = np.flatnonzero(kind < CLICK)
        there = events.take(pa.array(of_requests))
        requests = _requests(there, user[of_requests], kind[of_requests])
        clicks = np.flatnonzero(kind == CLICK)
        n_left_out = np.zeros(int(user.max(initial=0)) + 1, np.int64)
        if "n_left_out" in events.column_names:
            earlier = np.flatnonzero(kind == LEFT_OUT)
            np.add.at(
                n_left_out, user[earlier], one_array(events, "n_left_out").take(pa.array(earlier))
            )
        positives = self._positives(there, requests)
        made = {
            **{n: positives[n].take(pa.array(requests.firsts)) for n in ("user_id", "request_id")},
            "request_us": pa.array(requests.first_us),
            **self._history(events.take(pa.array(clicks)), user[clicks], requests, n_left_out),
            **self._page(there, requests),
            **self._of_positives(positives, requests),
        }
        return pa.table({name: made[name] for name in self.columns}).combine_chunks()

    def _positives(self, there: pa.Table, requests: "_Requests") -> pa.Table:
        """Return the positives by request, in the order of item ids."""
        places = np.flatnonzero(requests.kind == POSITIVE)
        some = there.take(pa.array(places))
        order = [numbered(some["item_id"]), requests.number[places]]
        if "repeat_idx" in some.column_names:
            order.insert(0, some["repeat_idx"].to_numpy())
        return some.take(pa.array(np.lexsort(order))).combine_chunks()

    def _of_positives(self, positives: pa.Table, requests: "_Requests") -> dict[str, pa.Array]:
        lengths = requests.n_positives
        made = {name: lists_of(one_array(positives, of), lengths) for name, of in self.of_positives}
        made["pos_actions"] = lists_of(self._named(one_array(positives, "action")), lengths)
        easy = GroupLists(positives, drawn_lists_of(mixture=self.mixture))
        hard = GroupLists(positives, chosen_lists_of(None))
        n_negatives = easy.lengths + hard.lengths
        made["pos_n_negatives"] = lists_of(pa.array(n_negatives.astype(np.int32)), lengths)
        ends = np.cumsum(n_negatives)[np.cumsum(lengths) - 1]
        of_request = np.diff(ends, prepend=0)
        lists = negative_lists(easy, hard, self.stages, self.distinct)
        return made | {n: lists_of(one.flatten(), of_request) for n, one in lists.items()}

    def _page(self, there: pa.Table, requests: "_Requests") -> dict[str, pa.Array]:
        places = np.flatnonzero((requests.kind == PAGE) & (requests.number >= 0))
        page, number = there.take(pa.array(places)), requests.number[places]
        position = pc.fill_null(page["position"].cast(pa.int64()), _NO_PLACE).to_numpy()
        action = pc.fill_null(page["action"], -1).to_numpy()
        # What differs at one place is ordered by all that it is: no order of rows shows.
        values = [pc.fill_null(page[of], -np.inf).to_numpy() for _, of in self.values]
        item, at_us = numbered(page["item_id"]), page["at_us"].to_numpy()
        order = _by_place(number, position, (*values, action, item, at_us))
        page = page.take(pa.array(order)).combine_chunks()
        lengths = np.bincount(number, minlength=len(requests.first_us))
        lists = {
            "page_item_ids": one_array(page, "item_id"),
            "page_positions": one_array(page, "position"),
            "page_us": one_array(page, "at_us"),
            "page_actions": self._named(one_array(page, "action")),
            **{name: one_array(page, of) for name, of in self.values},
        }
        return {name: lists_of(one, lengths) for name, one in lists.items()}

    def _history(
        self, clicks: pa.Table, user: Int64s, requests: "_Requests", n_left_out: Int64s
    ) -> dict[str, pa.Array]:
        """Return the clicks before each request: equal ones, as logged twice, count once.

        ``n_left_out`` are those of each user that an earlier state left out.
        """
        at_us, action = clicks["at_us"].to_numpy(), clicks["action"].to_numpy()
        item = numbered(clicks["item_id"])
        order = np.lexsort((action, item, at_us, user))
        columns = [column[order] for column in (user, at_us, item, action)]
        alone = starts_of_runs(*columns)
        order, (user, at_us) = order[alone], (column[alone] for column in columns[:2])
        ends = n_before(user, at_us, requests.user, requests.first_us)
        n_all = ends - np.searchsorted(user, requests.user)
        lengths = np.minimum(n_all, self.history_length)
        taken = np.repeat(ends - lengths, lengths) + positions_in(lengths)
        known = clicks.take(pa.array(order[taken])).combine_chunks()
        return {
            "hist_item_ids": lists_of(one_array(known, "item_id"), lengths),
            "hist_actions": lists_of(self._named(one_array(known, "action")), lengths),
            "hist_us": lists_of(one_array(known, "at_us"), lengths),
            "hist_left_out": pa.array(
                (n_all - lengths + n_left_out[requests.user]).astype(np.int32)
            ),
        }

    def _named(self, codes: pa.Array) -> pa.Array:
        return pa.array(self.actions, pa.string()).take(codes)


class _Requests(NamedTuple):
    """The requests that have a positive, n of them, and which one rows are of.

    Attributes:
        user: Each one's user, ascending, shape (n,).
        first_us: When its first impression was shown, shape (n,).
        n_positives: How many positives it has, shape (n,).
        firsts: The place of its first one among all of them, by request, shape (n,).
        kind: The kind of each row, shape (m,).
        number: The request of each row, -1 where it has no positive, shape (m,).
    """

    user: Int64s
    first_us: Int64s
    n_positives: Int64s
    firsts: Int64s
    kind: NDArray[np.int8]
    number: Int64s


def _requests(there: pa.Table, user: Int64s, kind: NDArray[np.int8]) -> _Requests:
    request = numbered(there["request_id"])
    width = int(request.max(initial=0)) + 1
    key = user * width + request
    keys, n_positives = np.unique(key[kind == POSITIVE], return_counts=True)
    place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    number = np.where(keys[place] == key, place, -1)
    first_us = np.full(len(keys), np.iinfo(np.int64).max)
    known = number >= 0
    np.minimum.at(first_us, number[known], there["at_us"].to_numpy()[known])
    firsts = np.cumsum(n_positives) - n_positives
    return _Requests(keys // width, first_us, n_positives, firsts, kind, number)


def _by_place(number: Int64s, position: Int64s, others: Sequence[NDArray[np.generic]]) -> Int64s:
    """Return the order of rows by request and position, and by the others where these are equal.

    Args:
        number: The request of each row, shape (m,). position: From 0 to ``_NO_PLACE``, (m,).
        others: What decides after them, the last one first.
    """
    if len(position) and position.min() >= 0 and position.max() < 2**20:
        key = number * 2**20 + position
        order = order_of(key)
        if starts_of_runs(key[order]).all():
            return order
    return np.lexsort((*others, position, number))
