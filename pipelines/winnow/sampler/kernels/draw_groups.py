"""Groups of the catalogue to draw from by integer weights, each as a few classes of equal weight.

The items of a group lie one behind the other on a line, each as long as its weight: those of the
least weight first, and of one weight in the order of their codes. A draw is a point of that line.
Weights come from counts, so there are hundreds of them where there are a hundred million items: a
search among the classes, which stay in the cache, finds the class, and a division the item in it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.arrays.compiled import compiled, inlined
from winnow.arrays.distinct import distinct
from winnow.arrays.grouping import rows_by_group
from winnow.sampler.kernels.hashing import U, below, fold
from winnow.sampler.kernels.logarithm import natural_log, rounded


class DrawGroups(NamedTuple):
    """Groups of items, one behind the other: group g has the elements begins[g]:begins[g + 1].

    Attributes:
        begins: int64, shape (groups + 1,): an item's place in its group is counted from there.
        code_begins: int64, shape (groups + 1,): the codes of group g, ascending, are
            codes[code_begins[g]:code_begins[g + 1]]. None where the group is the whole catalogue:
            there an item's code is its place.
        codes: int32.
        totals: int64, shape (groups,): the sum of the weights of each.
        class_begins: int64, shape (groups + 1,): the classes of group g, the least weight first.
        weights: int64, of an item of the class, at least 1; totals stay below 2^52.
        log_weights: float64, ln of the weight.
        firsts: int64, how many items of the group are in lighter classes.
        before: int64, the sum of their weights.
        line_begins: int64, shape (groups + 1,): where group g begins in the next two. It is in
            neither where it has one class: its places are the line, and all have that class.
        line: int32, the places of the group in the order of the line.
        class_of: int32, the number of the class of each place, from 0 in each group.
    """

    begins: NDArray[np.int64]
    code_begins: NDArray[np.int64]
    codes: NDArray[np.int32]
    totals: NDArray[np.int64]
    class_begins: NDArray[np.int64]
    weights: NDArray[np.int64]
    log_weights: NDArray[np.float64]
    firsts: NDArray[np.int64]
    before: NDArray[np.int64]
    line_begins: NDArray[np.int64]
    line: NDArray[np.int32]
    class_of: NDArray[np.int32]

    def weights_of(self, group: int) -> NDArray[np.int64]:
        """Return the weights of a group by place, shape (n,)."""
        weights = self.weights[self.class_begins[group] : self.class_begins[group + 1]]
        class_of = self.class_of[self.line_begins[group] : self.line_begins[group + 1]]
        if len(class_of):
            return weights[class_of]
        return np.repeat(weights, np.diff(self.begins)[group])

    def weights_at(self, group: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the weights of some places of a group, shape (k,)."""
        weights = self.weights[self.class_begins[group] : self.class_begins[group + 1]]
        class_of = self.class_of[self.line_begins[group] : self.line_begins[group + 1]]
        if len(class_of):
            return weights[class_of[places]]
        return np.repeat(weights[:1], len(places))


Group = tuple[NDArray[np.int32] | None, NDArray[np.int64]]
"""The codes of a group, ascending, None for the whole catalogue; and their weights."""


def draw_groups(groups: Sequence[Group]) -> DrawGroups:
    """Return groups with all that follows from their weights.

    Args:
        groups: One at least.
    """
    classes, sizes, lines, class_of = [], [], [], []
    for _, weights in groups:
        own, number = distinct(weights)
        classes.append(own)
        sizes.append(np.bincount(number, minlength=len(own)))
        several = len(own) > 1
        lines.append(rows_by_group(number, len(own))[0].astype(np.int32) if several else _NONE)
        class_of.append(number if several else _NONE)
    masses = [own * n for own, n in zip(classes, sizes, strict=True)]
    weights = np.concatenate(classes)
    return DrawGroups(
        begins=_begins([weights for _, weights in groups]),
        code_begins=_begins([_NONE if codes is None else codes for codes, _ in groups]),
        codes=np.concatenate([_NONE if codes is None else codes for codes, _ in groups]),
        totals=np.array([mass.sum() for mass in masses], np.int64),
        class_begins=_begins(classes),
        weights=weights,
        log_weights=log_weights(weights),
        firsts=np.concatenate([np.cumsum(n) - n for n in sizes]),
        before=np.concatenate([np.cumsum(mass) - mass for mass in masses]),
        line_begins=_begins(lines),
        line=np.concatenate(lines),
        class_of=np.concatenate(class_of),
    )


_NONE = np.empty(0, np.int32)


def _begins(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.int64]:
    return np.cumsum([0, *map(len, parts)])


@compiled
def log_weights(weights):  # type: ignore[no-untyped-def]
    """Return ln W of each integer weight, float64, shape (k,)."""
    logs = np.empty(len(weights))
    for i in range(len(weights)):
        logs[i] = natural_log(float(weights[i]))
    return logs


@inlined
def place_of(codes, code):  # type: ignore[no-untyped-def]
    """Return the place of a catalogue code in a group, -1 where it is not in it.

    ``codes`` are the group's, ascending; without any the group is the whole catalogue.
    """
    if len(codes) == 0:
        return np.int64(code)
    at = first_at_least(codes, 0, len(codes), code)
    return at if at < len(codes) and codes[at] == code else np.int64(-1)


@inlined
def class_at(class_of, place):  # type: ignore[no-untyped-def]
    """Return the class of a place of a group."""
    return np.int64(class_of[place]) if len(class_of) > 0 else np.int64(0)


@inlined
def first_at_least(ascending, low, high, value):  # type: ignore[no-untyped-def]
    """Return the first place from low to high of a number that is at least the value, else high.

    As ``np.searchsorted``, which Numba compiles for ten times as long.
    """
    while low < high:
        middle = (low + high) >> 1
        if ascending[middle] < value:
            low = middle + 1
        else:
            high = middle
    return np.int64(low)


@inlined
def last_at_most(ascending, value):  # type: ignore[no-untyped-def]
    """Return the last place of a number that is at most the value; the first one always is."""
    low, high = 0, len(ascending)
    while high - low > 1:
        middle = (low + high) >> 1
        if ascending[middle] <= value:
            low = middle
        else:
            high = middle
    return np.int64(low)


@inlined
def draw_allowed(  # type: ignore[no-untyped-def]
    codes, line, weights, before, firsts, total, marks, mark, other_mark, key, max_rejections
):
    """Draw an item of a group; return its code and class with the attempts made, or -1, -1, tried.

    Attempt a uses the hash of (key, a) and nothing else. Where ``marks[code]`` is one of the two
    marks, the item is forbidden.
    Takes the arrays of the group that it needs: to pass on all of them costs more than a draw.
    """
    for attempt in range(max_rejections + 1):
        point = np.int64(below(fold(key, U(attempt)), U(total)))
        number = last_at_most(before, point)
        at = firsts[number] + (point - before[number]) // weights[number]
        place = np.int64(line[at]) if len(line) > 0 else at
        code = np.int64(codes[place]) if len(codes) > 0 else place
        if marks[code] != mark and marks[code] != other_mark:
            return code, number, attempt + 1
    return np.int64(-1), np.int64(-1), max_rejections + 1


@inlined
def draw_complement(  # type: ignore[no-untyped-def]
    codes, line, weights, before, firsts, allowed_weight, taken, key, max_rejections
):
    """Draw an item of a group without the forbidden ones: a point of what is left of the line.

    ``taken`` says where on the line the forbidden ones are, in order; ``allowed_weight`` >= 1 is
    the weight of all others. Takes O(forbidden · log classes). Returns its code and class.
    """
    point = np.int64(below(fold(key, U(max_rejections + 1)), U(allowed_weight)))
    for x in range(len(taken)):
        number = last_at_most(firsts, taken[x])
        if before[number] + (taken[x] - firsts[number]) * weights[number] > point:
            break
        point += weights[number]
    number = last_at_most(before, point)
    at = firsts[number] + (point - before[number]) // weights[number]
    place = np.int64(line[at]) if len(line) > 0 else at
    return np.int64(codes[place]) if len(codes) > 0 else place, number


@inlined
def line_of(line, class_of, firsts, place):  # type: ignore[no-untyped-def]
    """Return where on the line a place of a group is."""
    if len(line) == 0:
        return np.int64(place)
    number = class_of[place]
    first = firsts[number]
    end = firsts[number + 1] if number + 1 < len(firsts) else len(line)
    return first_at_least(line, first, end, place)


@inlined
def log_prob(log_weight, log_allowed_weight):  # type: ignore[no-untyped-def]
    """Return ln(W / allowed weight): how likely one draw gives an item, to 1e-9; at most 0."""
    return min(0.0, rounded(log_weight - log_allowed_weight))


@compiled
def unconditional_log_prob(log_weights, class_of, codes, total):  # type: ignore[no-untyped-def]
    """Return ln(W / sum of W) of each code, to 1e-9, float64; 0 for codes below 0; shape (n,).

    ``log_weights`` and ``class_of`` are those of a group of the whole catalogue.
    """
    logs = np.zeros(len(codes))
    log_total = natural_log(float(total)) if total > 0 else 0.0
    for i in range(len(codes)):
        if codes[i] >= 0:
            logs[i] = log_prob(log_weights[class_at(class_of, codes[i])], log_total)
    return logs
