"""Sample groups: each kept positive with its negatives, how likely they were, what fell short."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.arrays.compiled import compiled
from pipelines.sampling.events import Events, find_slot, group_by_user
from pipelines.sampling.forbidden import mark_forbidden
from pipelines.sampling.hashing import EASY_STREAM, FILL_STREAM, U, fold
from pipelines.sampling.logarithm import natural_log
from pipelines.sampling.mix import hard_reason, mixed
from pipelines.sampling.popularity import (
    DrawTable,
    draw_allowed,
    draw_complement,
    log_prob,
)
from pipelines.sampling.positives import Kept
from pipelines.sampling.ranking_lists import new_lists
from pipelines.sampling.requests import candidates_by_request, number_requests
from pipelines.sampling.selection import choose_candidates
from pipelines.sampling.stages import Ladder, fill_pool, new_pool


class Wanted(NamedTuple):
    """What is asked for per positive.

    Attributes:
        n_easy, n_hard: Negatives of each kind. fill: Whether easy ones stand in for hard ones.
        max_rejections: Rejected draws before the exact complement is drawn from.
        selection: How hard candidates are chosen, see ``selection``.
        higher_is_better: Whether a higher logged value is a better one.
        cut_by_absence: Whether a cut is known by the item's absence from the next stage.
    """

    n_easy: int
    n_hard: int
    fill: bool
    max_rejections: int
    selection: int
    higher_is_better: bool
    cut_by_absence: bool


class Groups(NamedTuple):
    """The sample groups of one partition, one per kept positive, in the order of ``Kept``.

    Per group, shape (p,): n_easy, n_fill, n_hard, shortfall, hard_missing, n_pool (int32);
    hard_reason (int8, see ``mix.REASONS``; meaningful where hard_missing > 0); positive_code
    (int32, -1 outside the catalogue).

    Per easy draw, fills behind the easy ones of their group: easy_code (int32), easy_log_q
    (float64), easy_attempts (int32). Per hard negative: hard_code, hard_rank, hard_size (int32),
    hard_stage (int8), hard_value (float64). Groups lie one behind the other.
    """

    n_easy: NDArray[np.int32]
    n_fill: NDArray[np.int32]
    n_hard: NDArray[np.int32]
    shortfall: NDArray[np.int32]
    hard_missing: NDArray[np.int32]
    n_pool: NDArray[np.int32]
    hard_reason: NDArray[np.int8]
    positive_code: NDArray[np.int32]
    easy_code: NDArray[np.int32]
    easy_log_q: NDArray[np.float64]
    easy_attempts: NDArray[np.int32]
    hard_code: NDArray[np.int32]
    hard_rank: NDArray[np.int32]
    hard_size: NDArray[np.int32]
    hard_stage: NDArray[np.int8]
    hard_value: NDArray[np.float64]


def sample_groups(
    events: Events, kept: Kept, table: DrawTable, ladder: Ladder, wanted: Wanted
) -> Groups:
    """Return the sample groups of one partition's kept positives.

    The result depends on the rows of ``events`` and ``kept`` only, not on their order or on which
    other users share the partition.
    """
    first = np.flatnonzero(np.diff(kept.user, prepend=kept.user[:1] - U(1)) != 0)
    users = kept.user[first]
    of_user = np.append(first, len(kept.user))
    rows, starts = group_by_user(events.user, events.kind, users)
    return Groups(*_sample(events, kept, of_user, rows, starts, table, ladder, wanted))


@compiled
def _sample(events, kept, of_user, rows, row_starts, table, ladder, wanted):  # type: ignore[no-untyped-def]
    n_positives, n_users, n_items = len(kept.user), len(of_user) - 1, len(table.keys)
    k = wanted.n_easy + wanted.n_hard
    n_easy, n_fill, n_hard, shortfall, hard_missing, pool_size = (
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
        np.zeros(n_positives, np.int32),
    )
    reason = np.zeros(n_positives, np.int8)
    positive_code = np.empty(n_positives, np.int32)
    easy_code = np.empty(n_positives * k, np.int32)
    easy_log_q = np.empty(n_positives * k, np.float64)
    easy_attempts = np.empty(n_positives * k, np.int32)
    hard_code = np.empty(n_positives * wanted.n_hard, np.int32)
    hard_rank = np.empty(n_positives * wanted.n_hard, np.int32)
    hard_size = np.empty(n_positives * wanted.n_hard, np.int32)
    hard_stage = np.empty(n_positives * wanted.n_hard, np.int8)
    hard_value = np.empty(n_positives * wanted.n_hard, np.float64)
    easy_at, hard_at = 0, 0

    widest, most = 0, 0
    for u in range(n_users):
        widest = max(widest, row_starts[u + 1] - row_starts[u])
        most = max(most, of_user[u + 1] - of_user[u])
    forbidden = np.empty(widest, np.int32)
    by_request = np.empty(widest, np.int64)
    pool, lists = new_pool(widest), new_lists(widest)
    list_starts = np.empty(len(ladder.take) + 1, np.int64)
    request_of = np.empty(most, np.int64)
    requests = np.empty(most, np.uint64)
    starts = np.empty(most + 1, np.int64)
    chosen, order_by = np.empty(wanted.n_hard, np.int64), np.empty(wanted.n_hard, np.uint64)
    marks, seen = np.zeros(n_items, np.int32), np.zeros(n_items, np.int32)
    total = table.before[-1] + table.weights[-1] if n_items > 0 else 0
    seen_mark = 0
    own, other, log_weight = table.own, table.other, table.log_weight

    for u in range(n_users):
        mark = u + 1
        first, last = row_starts[u], row_starts[u + 1]
        n_forbidden, weight = mark_forbidden(
            events, rows, first, last, table, marks, mark, forbidden
        )
        forbidden_sorted = False
        allowed = total - weight
        log_allowed = natural_log(float(allowed)) if allowed > 0 else 0.0
        n_requests = number_requests(kept, of_user[u], of_user[u + 1], request_of)
        for p in range(of_user[u], of_user[u + 1]):
            requests[request_of[p - of_user[u]]] = kept.request[p]
        candidates_by_request(events, rows, first, last, requests, n_requests, starts, by_request)

        request, n_pool, n_before = -1, 0, 0
        for p in range(of_user[u], of_user[u + 1]):
            if request != request_of[p - of_user[u]]:
                request = request_of[p - of_user[u]]
                seen_mark += 1
                n_pool, n_before = fill_pool(
                    events,
                    by_request[starts[request] :],
                    starts[request + 1] - starts[request],
                    wanted.higher_is_better,
                    wanted.cut_by_absence,
                    ladder,
                    table,
                    marks,
                    mark,
                    seen,
                    seen_mark,
                    lists,
                    list_starts,
                    pool,
                )
            n_hard[p] = choose_candidates(
                wanted.selection,
                wanted.n_hard,
                pool,
                n_pool,
                table.keys,
                kept.hash[p],
                chosen,
                order_by,
            )
            for x in range(n_hard[p]):
                hard_code[hard_at] = pool.code[chosen[x]]
                hard_rank[hard_at] = pool.rank[chosen[x]]
                hard_size[hard_at] = pool.size[chosen[x]]
                hard_stage[hard_at] = pool.stage[chosen[x]]
                hard_value[hard_at] = pool.value[chosen[x]]
                hard_at += 1
            pool_size[p] = n_pool
            hard_missing[p] = wanted.n_hard - n_hard[p]
            reason[p] = hard_reason(starts[request + 1] - starts[request], n_before, n_pool)
            n_easy[p], n_fill[p], shortfall[p] = mixed(
                wanted.n_easy, wanted.n_hard, n_hard[p], wanted.fill, allowed > 0
            )
            positive_code[p] = table.slots[find_slot(table.slots, table.keys, kept.item[p])]
            for draw in range(n_easy[p] + n_fill[p]):
                # A fill draws from a stream of its own, so that one missing hard negative more or
                # less changes no easy negative.
                stream = EASY_STREAM if draw < n_easy[p] else FILL_STREAM
                key = fold(fold(kept.hash[p], stream), U(draw))
                code, attempts = draw_allowed(
                    own, other, total, marks, mark, key, wanted.max_rejections
                )
                if code < 0:
                    if not forbidden_sorted:
                        forbidden[:n_forbidden].sort()
                        forbidden_sorted = True
                    attempts += 1
                    code = draw_complement(
                        table, allowed, forbidden, n_forbidden, key, wanted.max_rejections
                    )
                easy_code[easy_at] = code
                easy_log_q[easy_at] = log_prob(log_weight[code], log_allowed)
                easy_attempts[easy_at] = attempts
                easy_at += 1
    return (
        n_easy,
        n_fill,
        n_hard,
        shortfall,
        hard_missing,
        pool_size,
        reason,
        positive_code,
        easy_code[:easy_at],
        easy_log_q[:easy_at],
        easy_attempts[:easy_at],
        hard_code[:hard_at],
        hard_rank[:hard_at],
        hard_size[:hard_at],
        hard_stage[:hard_at],
        hard_value[:hard_at],
    )
