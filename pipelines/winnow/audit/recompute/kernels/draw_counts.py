"""User by user: what was forbidden, what was left to draw from, and what was drawn."""

import numpy as np

from winnow.arrays.compiled import compiled
from winnow.arrays.grouping import rows_by_group
from winnow.audit.recompute.kernels.draw_rows import DrawCounts, Draws, Ints
from winnow.audit.recompute.kernels.draws_in_turn import (
    drawn_before,
    end_run,
    is_out,
    unlike_mixture,
    with_recalled,
)
from winnow.audit.recompute.kernels.group_slots import Slots, expect, left_of, slot_of


def count_draws(
    users: int,
    shown: tuple[Ints, Ints],
    clicked: tuple[Ints, Ints],
    recalled: tuple[Ints, Ints],
    draws: Draws,
    slots: Slots,
    width: int,
    most_off: float,
) -> DrawCounts:
    """Count what ``draws.examine`` wants to know of the users of a partition.

    Args:
        users: How many users there are.
        shown, clicked: User and item of impressions and clicks, duplicates allowed.
        recalled: Request and item of the ranking log, duplicates allowed.
        draws: The negatives. slots: What they are drawn from.
        width: Above all numbers of items.
        most_off: By how much a log_q may differ from the probability.
    """
    requests = int(max(recalled[0].max(initial=-1), draws.request.max(initial=-1))) + 1
    return DrawCounts(
        *_count(users, *shown, *clicked, *recalled, requests, draws, slots, width, most_off)
    )


@compiled
def _count(  # type: ignore[no-untyped-def]
    users,
    shown_user,
    shown_item,
    clicked_user,
    clicked_item,
    recalled_request,
    recalled_item,
    requests,
    draws,
    slots,
    width,
    most_off,
):
    shown_rows, shown_starts = rows_by_group(shown_user, users)
    clicked_rows, clicked_starts = rows_by_group(clicked_user, users)
    recalled_rows, recalled_starts = rows_by_group(recalled_request, requests)
    recalled, told = (recalled_item, recalled_rows, recalled_starts), len(draws.request) > 0
    rows, starts = rows_by_group(draws.user, users)
    n_groups, n_sources = len(slots.totals), slots.n_sources
    # The last user that was shown, or clicked, the item; the last mark of a request that has it.
    was_shown, was_clicked = np.full(width, -1, np.int32), np.full(width, -1, np.int32)
    was_recalled, mark = np.full(width if told else 0, -1, np.int32), np.int64(0)
    forbidden = np.empty(width, np.int32)
    n_shown, n_clicked, outside, differing, mixing, n_recalled = 0, 0, 0, 0, 0, 0
    total, drawn = np.zeros(n_groups), np.zeros(len(slots.items))
    blocked, mixed = np.zeros(len(slots.items)), len(draws.mixture) > 0
    spent = np.zeros(len(slots.items))
    # Of the user, or of the request where that matters: the group that each source drew from last,
    # how often, and what is allowed of it.
    group, so_far = np.empty(n_sources, np.int64), np.zeros(n_sources)
    left, log_left = np.zeros(n_sources), np.zeros(n_sources)
    # Of one source of a positive, where no item comes twice: what has been drawn, by its mark, with
    # what had been expected of all items by then, and how much it weighs.
    of_run = width if (slots.distinct > 0).any() else 0
    was_drawn, run, n_repeated = np.full(of_run, -1, np.int32), np.int32(0), 0
    run_slot, run_from = np.empty(of_run, np.int64), np.empty(of_run)
    for u in range(users):
        n = 0
        for x in shown_rows[shown_starts[u] : shown_starts[u + 1]]:
            i = shown_item[x]
            if was_shown[i] != u:
                was_shown[i] = u
                forbidden[n] = i
                n += 1
        for x in clicked_rows[clicked_starts[u] : clicked_starts[u + 1]]:
            i = clicked_item[x]
            if was_clicked[i] != u:
                was_clicked[i] = u
                if was_shown[i] != u:
                    forbidden[n] = i
                    n += 1
        group[:] = -1
        so_far[:] = 0
        # Behind the n forbidden items lie those that were recalled for the request besides.
        request, n_all, begin = np.int64(-1), n, starts[u]
        running, n_run, weighs, expected = np.int64(-1), 0, 0.0, 0.0
        for at in range(starts[u], starts[u + 1]):
            x = rows[at]
            i, s, g = draws.item[x], draws.source[x], draws.group[x]
            n_shown += was_shown[i] == u and not draws.may_be_shown[x]
            n_clicked += was_clicked[i] == u
            if told and draws.request[x] != request:
                for k in range(n_sources):
                    if slots.not_recalled[k] > 0:
                        expect(
                            slots, group[k], so_far[k], left[k], forbidden, n_all, total, blocked
                        )
                        group[k], so_far[k] = -1, 0
                request, mark = np.int64(draws.request[x]), mark + 1
                n_all = with_recalled(
                    recalled, request, was_recalled, mark, was_shown, was_clicked, u, forbidden, n
                )
            if running >= 0 and s != running:
                end_run(run_slot, run_from, n_run, expected, spent)
                running = np.int64(-1)
            if s >= 0:
                apart = told and slots.not_recalled[s] > 0
                if apart:
                    known = recalled_starts[request + 1] > recalled_starts[request]
                    wrong = slots.not_recalled[s] == 1 and not known
                    n_recalled += wrong or was_recalled[i] == mark
                if g != group[s]:
                    n_of = n_all if apart else n
                    expect(slots, group[s], so_far[s], left[s], forbidden, n_of, total, blocked)
                    group[s], so_far[s] = g, 0
                    if g >= 0:
                        left[s] = left_of(slots, g, forbidden, n_of)
                        log_left[s] = np.log(left[s]) if left[s] > 0 else -np.inf
                slot = slot_of(slots, g, i) if g >= 0 else np.int64(-1)
                log_rest = log_left[s]
                if slots.distinct[s] > 0:
                    out = was_shown, was_clicked, u, apart, was_recalled, mark
                    if s != running:
                        running, run, expected = s, run + 1, 0.0
                        n_run, weighs = drawn_before(
                            draws,
                            rows[begin:at],
                            slots,
                            s,
                            g,
                            was_drawn,
                            run,
                            out,
                            run_slot,
                            run_from,
                        )
                    rest = left[s] - weighs
                    log_rest = np.log(rest) if rest > 0 else -np.inf
                    if rest > 0:
                        # As many draws as this one is worth while nothing is drawn yet.
                        so_far[s] += left[s] / rest
                        expected += slots.totals[g] / rest
                    if was_drawn[i] == run:
                        n_repeated += 1
                    elif slot >= 0 and not is_out(i, *out):
                        weighs += slots.weights[slot]
                        run_slot[n_run], run_from[n_run] = slot, expected
                        n_run += 1
                    was_drawn[i] = run
                else:
                    so_far[s] += 1
                if slot >= 0:
                    drawn[slot] += 1
                    if not np.isnan(draws.log_q[x]):
                        # Nothing left to draw from makes the difference infinite.
                        log_p = np.log(slots.weights[slot]) - log_rest
                        differing += not abs(log_p - draws.log_q[x]) <= most_off
                else:
                    outside += i < slots.n_items
            if at + 1 == starts[u + 1] or draws.row[rows[at + 1]] != draws.row[x]:
                if mixed:
                    mixing += unlike_mixture(
                        draws, rows, begin, at + 1, slots, group, left, was_recalled, mark, most_off
                    )
                begin = at + 1
                if running >= 0:
                    end_run(run_slot, run_from, n_run, expected, spent)
                    running = np.int64(-1)
        for s in range(n_sources):
            n_of = n_all if told and slots.not_recalled[s] > 0 else n
            expect(slots, group[s], so_far[s], left[s], forbidden, n_of, total, blocked)
    return (
        n_shown,
        n_clicked,
        outside,
        differing,
        mixing,
        n_recalled,
        n_repeated,
        total,
        drawn,
        blocked,
        spent,
    )
