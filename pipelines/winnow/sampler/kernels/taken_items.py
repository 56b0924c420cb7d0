"""Items that a draw must not give: what of a group they weigh, and where they stand in it."""

import numpy as np

from winnow.arrays.compiled import inlined
from winnow.sampler.kernels.draw_groups import class_at, line_of, place_of


@inlined
def weight_of(one, codes, marks, mark):  # type: ignore[no-untyped-def]
    """Return what those codes that have the mark weigh in a group, and how many they are."""
    weight, n = np.int64(0), np.int64(0)
    for code in codes:
        if marks[code] == mark:
            place = place_of(one.codes, code)
            if place >= 0:
                weight += one.weights[class_at(one.class_of, place)]
                n += 1
    return weight, n


@inlined
def add_places(of_group, line, class_of, firsts, codes, marks, mark, places, n):  # type: ignore[no-untyped-def]
    """Put where those codes that have the mark are on a group's line behind n such places."""
    for code in codes:
        if marks[code] == mark:
            place = place_of(of_group, code)
            if place >= 0:
                places[n] = line_of(line, class_of, firsts, place)
                n += 1
    return n


@inlined
def take(of_group, code, marks, mark, taken, before, n):  # type: ignore[no-untyped-def]
    """Mark an item that was drawn, to be drawn no more; return its place in the group.

    Args:
        of_group: The group's codes. marks, mark: Set at the item.
        code: The item. taken, before: Receive its code and the mark that it had, at n.
    """
    taken[n], before[n] = code, marks[code]
    marks[code] = mark
    return place_of(of_group, code)


@inlined
def give_back(marks, taken, before, n):  # type: ignore[no-untyped-def]
    """Undo n calls of ``take``."""
    for x in range(n - 1, -1, -1):
        marks[taken[x]] = before[x]


@inlined
def sort_places(places, n):  # type: ignore[no-untyped-def]
    """Sort the first n places: Shell's sort with Knuth's gaps, as there are some hundreds."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for x in range(gap, n):
            own, at = places[x], x
            while at >= gap and places[at - gap] > own:
                places[at] = places[at - gap]
                at -= gap
            places[at] = own
        gap //= 3
