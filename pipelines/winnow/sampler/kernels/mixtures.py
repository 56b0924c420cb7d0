"""Mixtures: how likely a drawn item is under all draws of its positive together."""

import numpy as np

from winnow.arrays.compiled import inlined
from winnow.sampler.kernels.draw_groups import class_at, place_of
from winnow.sampler.kernels.logarithm import natural_log, rounded


@inlined
def mix(groups, not_recalled, room, drawn, begin, end, recalled):  # type: ignore[no-untyped-def]
    """Put ln(Σ n_s p_s(i) / Σ n_s) of the draws begin:end of one positive into ``drawn.mixture``.

    n_s is how many each source gave, p_s(i) how likely one draw of it gives the item, given what is
    forbidden to it.

    Args:
        groups: What is drawn from. not_recalled: bool, shape (s,), as in ``Sources``.
        room: Of each source its group, the weight that it leaves, and n_s.
        drawn: All draws; receives it. begin, end: Which draws.
        recalled: Where ``room.marks[code] == recalled``, some sources must not give the item.
    """
    given, of_user, codes = room.given, room.of_user, drawn.code
    alone, first = np.int64(-1), np.int64(0)
    for s in range(len(given)):
        if given[s] > 0:
            if alone == -1:
                alone, first = of_user[s], np.int64(s)
            elif alone != of_user[s] or not_recalled[s] != not_recalled[first]:
                alone = np.int64(-2)
    for x in range(begin, end):
        if alone != -2:
            drawn.mixture[x] = drawn.log_q[x]
            continue
        expected = 0.0
        for s in range(len(given)):
            if given[s] > 0 and not (not_recalled[s] and room.marks[codes[x]] == recalled):
                g = of_user[s]
                of_group = groups.codes[groups.code_begins[g] : groups.code_begins[g + 1]]
                place = place_of(of_group, codes[x])
                if place >= 0:
                    class_of = groups.class_of[groups.line_begins[g] : groups.line_begins[g + 1]]
                    number = class_at(class_of, place)
                    weight = groups.weights[groups.class_begins[g] + number]
                    expected += given[s] * (weight / room.allowed[s])
        drawn.mixture[x] = min(0.0, rounded(natural_log(expected / (end - begin))))
