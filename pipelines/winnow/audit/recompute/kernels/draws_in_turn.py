"""What is known of a positive's draws, in their order, as the audit goes through them."""

import numpy as np

from winnow.arrays.compiled import inlined
from winnow.audit.recompute.kernels.group_slots import slot_of


@inlined
def with_recalled(recalled, q, marks, mark, was_shown, was_clicked, u, forbidden, n):  # type: ignore[no-untyped-def]
    """Put what was recalled for a request behind the n forbidden items; return how many they are.

    All of it is marked in ``marks``, also what is forbidden anyway.
    """
    item, rows, starts = recalled
    for x in rows[starts[q] : starts[q + 1]]:
        i = item[x]
        if marks[i] != mark:
            marks[i] = mark
            if was_shown[i] != u and was_clicked[i] != u:
                forbidden[n] = i
                n += 1
    return n


@inlined
def unlike_mixture(  # type: ignore[no-untyped-def]
    draws, rows, begin, end, slots, group, left, was_recalled, mark, most_off
):
    """Count the draws of one positive whose mixture is not ln(Σ n_s p_s / Σ n_s)."""
    given, n, wrong = np.zeros(slots.n_sources), 0, 0
    for x in rows[begin:end]:
        if draws.source[x] >= 0:
            given[draws.source[x]] += 1
            n += 1
    for x in rows[begin:end]:
        if np.isnan(draws.mixture[x]) or draws.source[x] < 0:
            continue
        expected, i = 0.0, draws.item[x]
        for s in range(slots.n_sources):
            if slots.not_recalled[s] > 0 and was_recalled[i] == mark:
                continue
            if given[s] > 0 and group[s] >= 0:
                slot = slot_of(slots, group[s], i)
                if slot >= 0 and left[s] > 0:
                    expected += given[s] * slots.weights[slot] / left[s]
        known = np.log(expected / n) if expected > 0 else -np.inf
        wrong += not abs(known - draws.mixture[x]) <= most_off
    return wrong


@inlined
def is_out(i, was_shown, was_clicked, u, apart, was_recalled, mark):  # type: ignore[no-untyped-def]
    """Return whether an item is forbidden, or was recalled where that matters (``apart``)."""
    return was_shown[i] == u or was_clicked[i] == u or (apart and was_recalled[i] == mark)


@inlined
def drawn_before(  # type: ignore[no-untyped-def]
    draws, rows, slots, s, g, was_drawn, run, out, run_slot, run_from
):
    """Mark what a positive has of a source already, and of the one that it repeats none of.

    ``out`` are the arguments of ``is_out`` behind the item.

    Returns:
        How many items these are, and how much they weigh; what is forbidden anyway is neither.
    """
    n, weighs, behind = 0, 0.0, slots.behind[s]
    for x in rows:
        of, i = draws.source[x], draws.item[x]
        if (of == s or (of == behind and behind >= 0)) and was_drawn[i] != run:
            was_drawn[i] = run
            slot = slot_of(slots, g, i) if g >= 0 else np.int64(-1)
            if slot >= 0 and not is_out(i, *out):
                weighs += slots.weights[slot]
                run_slot[n], run_from[n] = slot, 0.0
                n += 1
    return n, weighs


@inlined
def end_run(run_slot, run_from, n_run, expected, spent):  # type: ignore[no-untyped-def]
    """Of what was drawn once nothing was expected of the draws behind it."""
    for k in range(n_run):
        spent[run_slot[k]] += expected - run_from[k]
