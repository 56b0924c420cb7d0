"""Events of users as rows of evaluation_samples: what a task does with all that it is given.

The rows that come in are of two kinds; what a kind has no use for is NULL.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.arrays.distinct import distinct
from winnow.arrays.grouping import starts_of_runs
from winnow.arrays.id_numbers import numbered, one_array
from winnow.arrays.lists import lists_of
from winnow.arrays.task_slots import TASK_SLOTS
from winnow.sampler.kernels.evaluation import draw_evenly, seen_before
from winnow.sampler.kernels.hashing import U, seed_state
from winnow.spark.shipped import shipped
from winnow.tables.evaluation_items import EvaluationItems, load_items
from winnow.tables.evaluation_met import NEVER, Met, met_of
from winnow.tables.group_lists import Int64s, positions_in

PAIR, MET = 0, 1
"""Kinds of rows: an impression of the date with a click of it; and what a user was shown or
clicked in the exclusion window, with the request only where that is an impression of the date."""


@dataclass(frozen=True)
class EvaluationRows:
    """How events become rows; small enough to travel with a task.

    Attributes:
        actions: The names of actions by their codes.
        items: The name of the shipped ``EvaluationItems``.
        seed: Of the config.
        negatives: How many are drawn. horizon_us: How long after a request what is shown counts.
        seen_at_most: How long a list of seen items is.
        per_user: How many requests a user has; None for all.
    """

    actions: tuple[str, ...]
    items: str
    seed: int
    negatives: int
    horizon_us: int
    seen_at_most: int
    per_user: int | None

    def of_batches(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give the rows of one partition's users, for ``mapInArrow``.

        Args:
            batches: All events of each user among them, in any order.
        """
        received = [batch for batch in batches if batch.num_rows]
        if not received:
            return
        with TASK_SLOTS:
            rows = self.rows(pa.Table.from_batches(received), load_items(shipped(self.items)))
        yield from rows.to_batches()

    def rows(self, events: pa.Table, items: EvaluationItems) -> pa.Table:
        """Return one row for each held-out request, ordered by user and request.

        Args:
            events: ``user_key``, ``request_id``, ``item_key``, ``item_id``, ``kind``, ``at_us``
                (NULL where nothing tells), and of pairs ``user_id``, ``request_key``,
                ``click_us``, ``action``, ``choice`` (bigint: the least of a user's are taken).
            items: The date's items.
        """
        events = events.combine_chunks()
        kind = events["kind"].to_numpy()
        user = distinct(events["user_key"].to_numpy())[1].astype(np.int64)
        request = numbered(events["request_id"])
        pairs = np.flatnonzero(kind == PAIR)
        item = distinct(events["item_key"].to_numpy())[1].astype(np.int64)
        at_us = pc.fill_null(events["at_us"], NEVER).to_numpy()
        click_us = pc.fill_null(events["click_us"], NEVER).to_numpy()
        order = np.lexsort(
            tuple(column[pairs] for column in (click_us, at_us, item, request, user))
        )
        first, action = _positives(events, pairs[order], user, request, item)
        requests = self._held_out(events, first, user, request, at_us)
        made = {
            name: events[name].take(pa.array(requests.row)) for name in ("user_id", "request_id")
        }
        made["request_us"] = pa.array(requests.first_us)
        made["user_requests"] = pa.array(requests.of_user)
        most = len(events) if self.per_user is None else self.per_user
        made["requests_truncated"] = pa.array(requests.of_user > most)
        met = met_of(np.flatnonzero(kind == MET), user, item, at_us)
        made |= self._truth(events, first, action, requests, (user, request, item, at_us), met)
        made |= self._seen(events, requests, met, int(item.max(initial=-1)) + 1)
        made |= self._negatives(events, requests, met, items)
        return pa.table(made).combine_chunks()

    def _held_out(
        self, events: pa.Table, first: Int64s, user: Int64s, request: Int64s, at_us: Int64s
    ) -> "_Requests":
        """Return the requests with a positive, less those that the cap of their user leaves out."""
        width = int(request.max(initial=0)) + 1
        keys, place = np.unique(user[first] * width + request[first], return_index=True)
        row = first[place]
        known = np.flatnonzero((request >= 0) & (at_us != NEVER))
        key = user[known] * width + request[known]
        at = np.minimum(np.searchsorted(keys, key), max(len(keys) - 1, 0))
        own = keys[at] == key if len(keys) else np.zeros(len(key), bool)
        first_us = np.full(len(keys), NEVER)
        np.minimum.at(first_us, at[own], at_us[known[own]])
        begins = np.flatnonzero(starts_of_runs(user[row]))
        lengths = np.diff(np.append(begins, len(row)))
        of_user = np.repeat(lengths, lengths)
        if self.per_user is not None:
            choice = pc.fill_null(events["choice"], 0).to_numpy()[row]
            order = np.lexsort((request[row], choice, user[row]))
            stays = np.sort(order[positions_in(lengths) < self.per_user])
            row, first_us, of_user = row[stays], first_us[stays], of_user[stays]
        return _Requests(row, user[row], request[row], first_us, of_user)

    def _truth(
        self,
        events: pa.Table,
        first: Int64s,
        action: NDArray[np.int8],
        requests: "_Requests",
        columns: tuple[Int64s, Int64s, Int64s, Int64s],
        met: "Met",
    ) -> dict[str, pa.Array]:
        """Return the ``pos_`` lists, and as codes whether items are in the catalogue (later)."""
        user, request, item, at_us = columns
        begin = np.searchsorted(user[first], requests.user)
        counts = np.searchsorted(user[first], requests.user, side="right") - begin
        of = np.repeat(np.arange(len(counts)), counts)
        place = np.repeat(begin, counts) + positions_in(counts)
        row, since = first[place], requests.first_us[of]
        own = request[row] == requests.request[of]
        later = (at_us[row] >= since) & (at_us[row] - since < self.horizon_us)
        true = np.flatnonzero(own | later)
        of, place, row, own = of[true], place[true], row[true], own[true]
        by_item = np.lexsort((request[row], at_us[row], ~own, item[row], of))
        once = by_item[starts_of_runs(of[by_item], item[row][by_item])]
        of, place, row, own = of[once], place[once], row[once], own[once]
        id_order = numbered(events["item_id"].take(pa.array(row)))
        order = np.lexsort((id_order, at_us[row], ~own, of))
        of, place, row, own = of[order], place[order], row[order], own[order]
        lengths = np.bincount(of, minlength=len(counts))
        true_rows = events.take(pa.array(row))
        seen = met.first_us(user[row], item[row]) < requests.first_us[of]
        items = load_items(shipped(self.items))
        code = items.codes(true_rows["item_key"].to_numpy())
        names = pa.array(self.actions, pa.string())
        columns_of = {
            "pos_item_ids": one_array(true_rows, "item_id"),
            "pos_shown_us": one_array(true_rows, "at_us"),
            "pos_click_us": one_array(true_rows, "click_us"),
            "pos_actions": names.take(pa.array(action[place])),
            "pos_of_request": pa.array(own),
            "pos_in_catalogue": pa.array(items.are_there(code, requests.first_us[of])),
            "pos_seen": pa.array(seen),
        }
        return {name: lists_of(values, lengths) for name, values in columns_of.items()}

    def _seen(
        self, events: pa.Table, requests: "_Requests", met: "Met", n_items: int
    ) -> dict[str, pa.Array]:
        id_order = numbered(events["item_id"].take(pa.array(met.rows)))
        order = np.lexsort((id_order, -met.at_us, met.user))
        # What nothing says when it was is never before.
        order = order[met.at_us[order] != NEVER]
        starts = _spans(met.user[order], requests.user)
        rows, lengths, cut = seen_before(
            met.item[order], met.at_us[order], starts, requests.first_us, n_items, self.seen_at_most
        )
        ids = one_array(events.take(pa.array(met.rows[order[rows]])), "item_id")
        return {"seen_item_ids": lists_of(ids, lengths), "seen_truncated": pa.array(cut)}

    def _negatives(
        self, events: pa.Table, requests: "_Requests", met: "Met", items: EvaluationItems
    ) -> dict[str, pa.Array]:
        once = met.alone()
        code = items.codes(events["item_key"].to_numpy()[met.rows[once]])
        row = pa.array(requests.row)
        asked = [
            np.array(events[name].take(row).to_numpy()).view(np.uint64)
            for name in ("user_key", "request_key")
        ]
        found, pools = draw_evenly(
            # What a compiled function gives is a number of Python, which may be taken for signed.
            U(seed_state(U(self.seed), U(0))),
            *asked,
            requests.first_us,
            code,
            _spans(met.user[once], requests.user),
            items.begins,
            items.ends,
            self.negatives,
        )
        lengths = (found >= 0).sum(axis=1)
        drawn = items.ids.take(pa.array(found[found >= 0]))
        with np.errstate(invalid="ignore", divide="ignore"):
            chance = lengths / pools
        return {
            "catalogue_items": pa.array(items.count(requests.first_us)),
            "neg_item_ids": lists_of(drawn, lengths),
            "candidate_items": pa.array(pools),
            "neg_incl_prob": pa.array(chance, mask=pools == 0),
        }


class _Requests(NamedTuple):
    """The held-out requests, r of them, by user and request; shape (r,) each.

    Attributes:
        row: Of the events, one pair of each. user, request: Their numbers.
        first_us: When its first impression was shown.
        of_user: How many its user has, those that a cap leaves out among them.
    """

    row: Int64s
    user: Int64s
    request: Int64s
    first_us: Int64s
    of_user: Int64s


def _positives(
    events: pa.Table, ordered: Int64s, user: Int64s, request: Int64s, item: Int64s
) -> tuple[Int64s, NDArray[np.int8]]:
    """Return the row of each positive's earliest pair, and the strongest action of all its pairs.

    Args:
        events: All of them. ordered: Rows of pairs by user, request, item, impression and click.
        user, request, item: Numbers by row.
    """
    starts = np.flatnonzero(starts_of_runs(user[ordered], request[ordered], item[ordered]))
    action = pc.fill_null(events["action"], 0).to_numpy()[ordered]
    strongest = np.maximum.reduceat(action, starts) if len(starts) else action
    return ordered[starts], strongest.astype(np.int8)


def _spans(users: Int64s, asking: Int64s) -> Int64s:
    """Return where the rows of users who ask begin and end, shape (r, 2); ``users`` ascend."""
    ends = [np.searchsorted(users, asking, side=side) for side in ("left", "right")]
    return np.ascontiguousarray(np.stack(ends, axis=1).astype(np.int64))
