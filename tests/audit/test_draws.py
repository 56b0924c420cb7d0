"""The kernel that compares negatives with forbidden sets, beside loops that anyone can read."""

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.audit.recompute.drawable import (
    ANY,
    KNOWN_NOT_RECALLED,
    NONE_THAT_IS_RECALLED,
    Drawable,
    SourceGroups,
    Weighed,
    only,
)
from winnow.audit.recompute.draws import (
    MOST_OFF,
    DrawFigures,
    Negatives,
    examine,
    log_q_edges,
    places_of,
)
from winnow.audit.recompute.expected_draws import expected_draws
from winnow.audit.recompute.negative_lists import negatives_in

Event = tuple[int, int]
Draw = tuple[int, int, int, float]
"""User, item, source, log_q (NaN where NULL)."""

USERS, SOURCES = 4, 2
_USER, _ITEM = st.integers(0, USERS - 1), st.integers(-3, 9)
_EVENTS = st.lists(st.tuples(_USER, _ITEM), max_size=12)
_LOG_Q = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 0.5]),
    st.floats(-6.0, 0.0, allow_nan=False),
    st.just(1.0),
)
"""1 stands for the right one, which depends on the case."""
_DRAWS = st.lists(st.tuples(_USER, _ITEM, st.integers(0, 3), _LOG_Q), max_size=20)
_WEIGHTS = st.dictionaries(st.integers(-2, 8), st.integers(1, 50), max_size=8)


def forbidden(user: int, *logs: list[Event]) -> set[int]:
    return {item for log in logs for of, item in log if of == user}


def left_over(weights: dict[int, int], taken: set[int]) -> int:
    return sum(weight for item, weight in weights.items() if item not in taken)


def with_right_log_q(
    draws: list[Draw], weights: dict[int, int], shown: list[Event], clicked: list[Event]
) -> list[Draw]:
    def right(draw: Draw) -> Draw:
        user, item, source, log_q = draw
        left = left_over(weights, forbidden(user, shown, clicked))
        if log_q != 1.0 or item not in weights or left == 0:
            return draw
        return user, item, source, math.log(weights[item] / left)

    return [right(draw) for draw in draws]


def arrays(events: list[Event]) -> tuple[Any, Any]:
    return np.array([e[0] for e in events], np.int32), np.array([e[1] for e in events], np.int64)


def examined(
    weights: dict[int, int], shown: list[Event], clicked: list[Event], draws: list[Draw]
) -> DrawFigures:
    return examine(USERS, arrays(shown), arrays(clicked), negatives(draws), weighed(weights))


def weighed(weights: dict[int, int]) -> Drawable:
    """Popularity, and fills that are drawn alike."""
    keys = sorted(weights)
    items = Weighed(np.array(keys, np.int64), np.array([weights[k] for k in keys], np.int64))
    return only(items, ("popularity", 0), ("easy_fill", 1))


def negatives(draws: list[Draw]) -> Negatives:
    return Negatives(
        np.array([d[0] for d in draws], np.int32),
        np.array([d[1] for d in draws], np.int64),
        np.array([d[2] for d in draws], np.int8),
        np.array([d[3] for d in draws], np.float64),
        positive=np.zeros(len(draws), np.int64),
        row=np.arange(len(draws)),
        mixture=np.empty(0),
    )


def slow_counts(
    weights: dict[int, int], shown: list[Event], clicked: list[Event], draws: list[Draw]
) -> dict[str, int]:
    found = Counter[str]()
    for user, item, source, log_q in draws:
        found["shown"] += (user, item) in shown
        found["clicked"] += (user, item) in clicked
        found["ineligible"] += item not in weights
        if source >= SOURCES:
            found["invalid"] += not math.isnan(log_q)
            continue
        if not (math.isfinite(log_q) and log_q <= 0):
            found["invalid"] += 1
            continue
        if item in weights:
            left = left_over(weights, forbidden(user, shown, clicked))
            exact = math.log(weights[item] / left) if left else math.inf
            found["differing"] += not abs(exact - log_q) <= MOST_OFF
    return dict(found)


def slow_expected(
    weights: dict[int, int], shown: list[Event], clicked: list[Event], draws: list[Draw]
) -> np.ndarray:
    """Every draw adds each allowed item's chance to have been drawn."""
    items = sorted(weights)
    expected = np.zeros((SOURCES, len(items)))
    for user, _, source, _ in draws:
        taken = forbidden(user, shown, clicked)
        left = left_over(weights, taken)
        if source < SOURCES and left > 0:
            for place, item in enumerate(items):
                if item not in taken:
                    expected[source, place] += weights[item] / left
    return expected


class DescribeExamine:
    @settings(deadline=None)  # the first call compiles
    @given(_WEIGHTS, _EVENTS, _EVENTS, _DRAWS)
    def it_counts_as_plain_loops_do(
        self,
        weights: dict[int, int],
        shown: list[Event],
        clicked: list[Event],
        draws: list[Draw],
    ) -> None:
        draws = with_right_log_q(draws, weights, shown, clicked)
        found = examined(weights, shown, clicked, draws)
        wanted = slow_counts(weights, shown, clicked, draws)
        for name in ("shown", "clicked", "ineligible", "invalid", "differing"):
            assert getattr(found, name) == wanted.get(name, 0), name
        items = sorted(weights)
        for source in range(SOURCES):
            drawn = Counter(item for _, item, of, _ in draws if of == source)
            of_source = weighed(weights).of_source(found.drawn)[source]
            assert of_source.tolist() == [drawn[item] for item in items]
        fine = [d for d in draws if d[2] < SOURCES and math.isfinite(d[3]) and d[3] <= 0]
        assert found.log_q.sum() == len(fine)

    @settings(deadline=None)  # the first call compiles
    @given(_WEIGHTS, _EVENTS, _EVENTS, _DRAWS)
    def it_expects_what_every_single_draw_adds(
        self,
        weights: dict[int, int],
        shown: list[Event],
        clicked: list[Event],
        draws: list[Draw],
    ) -> None:
        found = examined(weights, shown, clicked, draws)
        drawable = weighed(weights)
        expected = np.stack(
            drawable.of_source(expected_draws(drawable, found.total, found.blocked))
        )
        assert expected == pytest.approx(slow_expected(weights, shown, clicked, draws), abs=1e-6)

    @settings(deadline=None)  # the first call compiles
    @given(_WEIGHTS, _EVENTS, _EVENTS, _DRAWS, st.sets(_USER))
    def it_adds_up_over_parts_of_the_users(
        self,
        weights: dict[int, int],
        shown: list[Event],
        clicked: list[Event],
        draws: list[Draw],
        some: set[int],
    ) -> None:
        whole = vars(examined(weights, shown, clicked, draws))
        parts = [
            vars(
                examined(
                    weights,
                    [e for e in shown if (e[0] in some) == inside],
                    [e for e in clicked if (e[0] in some) == inside],
                    [d for d in draws if (d[0] in some) == inside],
                )
            )
            for inside in (True, False)
        ]
        for name, value in whole.items():
            assert parts[0][name] + parts[1][name] == pytest.approx(value), name

    def it_takes_a_right_log_q_for_right(self) -> None:
        """The reference shares this line with the kernel, so here it stands in numbers."""
        draws = [(0, 1, 0, math.log(2 / 5)), (1, 1, 0, math.log(2 / 9)), (0, 1, 1, math.log(2 / 9))]
        found = examined({1: 2, 2: 3, 3: 4}, [(0, 3)], [], draws)
        assert found.differing == 1
        assert found.total.tolist() == pytest.approx([9 / 5 + 1, 9 / 5])

    def it_has_a_bin_for_every_log_q(self) -> None:
        items = weighed({1: 1, 2: 10**6})
        edges = log_q_edges(items)
        assert len(edges) == 41
        assert edges[0] <= math.log(1 / (10**6 + 1)) < edges[-1] == 0.0
        assert len(log_q_edges(weighed({}))) == 41


REQUESTS = 3
"""Of each user: request r of user u has the place REQUESTS · u + r."""
_REQUEST = st.integers(0, REQUESTS - 1)
_OF_REQUESTS = st.lists(st.tuples(_USER, _REQUEST, _ITEM), max_size=12)
_ASKED = st.lists(st.tuples(_USER, _REQUEST, _ITEM, st.integers(0, 3), _LOG_Q), max_size=20)
_GIVEN = (KNOWN_NOT_RECALLED, NONE_THAT_IS_RECALLED, ANY)
"""Of three sources with the codes 0, 1 and 2, what each may give."""


class DescribeExamineOfWhatWasRecalled:
    @settings(deadline=None)  # the first call compiles
    @given(_WEIGHTS, _EVENTS, _OF_REQUESTS, _ASKED)
    def it_counts_and_expects_as_plain_loops_do(
        self,
        weights: dict[int, int],
        shown: list[Event],
        recalled: list[tuple[int, int, int]],
        asked: list[tuple[int, int, int, int, float]],
    ) -> None:
        asked.sort(key=lambda draw: draw[:2])
        keys = sorted(weights)
        everything = (
            np.arange(len(keys), dtype=np.int32),
            np.array([weights[key] for key in keys], np.int64),
        )
        sources = [
            SourceGroups(str(code), code, [everything] if keys else [], not_recalled=given_)
            for code, given_ in enumerate(_GIVEN)
        ]
        drawable = Drawable.of(np.array(keys, np.int64), sources)
        wrong = differing = mixing = 0
        expected = np.zeros((len(_GIVEN), len(keys)))
        log_q, mixture = [], []
        for user, request, item, source, told in asked:
            of_request = {i for u, r, i in recalled if (u, r) == (user, request)}
            taken = {
                s: forbidden(user, shown) | (of_request if given_ != ANY else set())
                for s, given_ in enumerate(_GIVEN)
            }
            left = {s: left_over(weights, of) for s, of in taken.items()}
            known = source < len(_GIVEN) and item in weights
            right = math.log(weights[item] / left[source]) if known and left[source] else 0.0
            log_q.append(right if told == 1.0 else told)
            # Every row is alone here: its mixture is that of its own source.
            mixture.append(min(right, 0.0))
            if source >= len(_GIVEN):
                continue
            unknown = _GIVEN[source] == KNOWN_NOT_RECALLED and not of_request
            wrong += unknown or (_GIVEN[source] != ANY and item in of_request)
            if known and math.isfinite(log_q[-1]) and log_q[-1] <= 0:
                gone = left[source] == 0
                differing += gone or not abs(right - log_q[-1]) <= MOST_OFF
            if known:
                gone = left[source] == 0 or (_GIVEN[source] != ANY and item in of_request)
                mixing += gone or right > MOST_OFF
            for place, one in enumerate(keys):
                if one not in taken[source] and left[source]:
                    expected[source, place] += weights[one] / left[source]
        draws = [(u, item, source, 0.0) for u, _, item, source, _ in asked]
        found = examine(
            USERS,
            arrays(shown),
            arrays([]),
            replace(
                negatives(draws),
                log_q=np.array(log_q, np.float64),
                mixture=np.array(mixture, np.float64),
                request=np.array([REQUESTS * u + r for u, r, *_ in asked], np.int32),
            ),
            drawable,
            arrays([(REQUESTS * u + r, item) for u, r, item in recalled]),
        )
        assert (found.recalled, found.differing, found.mixing) == (wrong, differing, mixing)
        made = drawable.of_source(expected_draws(drawable, found.total, found.blocked))
        for source in range(len(_GIVEN)):
            assert made[source] == pytest.approx(expected[source], abs=1e-6)


_SEQUENCES = st.lists(
    st.tuples(_USER, st.lists(st.tuples(_ITEM, st.integers(0, 3), st.booleans()), max_size=8)),
    max_size=5,
)
"""Of each positive its user, and item, source and whether log_q is right of each negative."""
_DISTINCT, _BEHIND = (True, True, False), (-1, 0, -1)
"""Of three sources with the codes 0, 1 and 2: the second one fills what the first one lacks."""


class DescribeExamineOfDistinctDraws:
    @settings(deadline=None)  # the first call compiles
    @given(_WEIGHTS, _EVENTS, _SEQUENCES)
    def it_counts_and_expects_as_plain_loops_do(
        self,
        weights: dict[int, int],
        shown: list[Event],
        positives: list[tuple[int, list[tuple[int, int, bool]]]],
    ) -> None:
        keys = sorted(weights)
        everything = (
            np.arange(len(keys), dtype=np.int32),
            np.array([weights[key] for key in keys], np.int64),
        )
        sources = [
            SourceGroups(
                str(code),
                code,
                [everything] if keys else [],
                distinct=_DISTINCT[code],
                behind=_BEHIND[code],
            )
            for code in range(3)
        ]
        drawable = Drawable.of(np.array(keys, np.int64), sources)
        repeated = differing = 0
        expected, draws = np.zeros((3, len(keys))), list[tuple[int, int, int, float, int]]()
        for row, (user, of_positive) in enumerate(positives):
            for place, (item, source, right) in enumerate(of_positive):
                before = of_positive[:place]
                taken = forbidden(user, shown)
                if source < 3 and _DISTINCT[source]:
                    had = {i for i, of, _ in before if of in (source, _BEHIND[source])}
                    repeated += item in had
                    taken = taken | had
                left = left_over(weights, taken)
                log_q = -0.25
                if right and item in weights and left:
                    log_q = min(0.0, math.log(weights[item] / left))
                draws.append((user, item, source, log_q, row))
                if source >= 3:
                    continue
                if item in weights:
                    exact = math.log(weights[item] / left) if left else math.inf
                    differing += not abs(exact - log_q) <= MOST_OFF
                for at, one in enumerate(keys):
                    if one not in taken and left:
                        expected[source, at] += weights[one] / left
        found = examine(
            USERS,
            arrays(shown),
            arrays([]),
            replace(
                negatives([draw[:4] for draw in draws]),
                row=np.array([draw[4] for draw in draws], np.int64),
            ),
            drawable,
        )
        assert (found.repeated, found.differing) == (repeated, differing)
        made = drawable.of_source(
            expected_draws(drawable, found.total, found.blocked + found.spent)
        )
        for source in range(3):
            assert made[source] == pytest.approx(expected[source], abs=1e-6)


ENDS = st.sampled_from([-(2**63), -(2**63) + 1, 2**63 - 2, 2**63 - 1])


class DescribePlacesOf:
    @given(
        keys=st.lists(st.integers(-40, 40) | ENDS, unique=True).map(sorted),
        items=st.lists(st.integers(-45, 45) | ENDS),
        first=st.sampled_from([0, -(2**63) + 40, 2**63 - 41]),
    )
    @settings(max_examples=300)
    def it_finds_each_item_whatever_the_ids_are_like(
        self, keys: list[int], items: list[int], first: int
    ) -> None:
        # Close together or spread over all numbers, in the middle of them or at either end.
        if keys and max(map(abs, keys)) <= 40:
            keys = [key + first for key in keys]
            items = [item + first if abs(item) <= 40 else item for item in items]
        places = places_of(np.array(items, np.int64), np.array(keys, np.int64))
        assert places.tolist() == [keys.index(i) if i in keys else -1 for i in items]


class DescribeNegativesOfLists:
    def rows(self, *lists: tuple[object, object, object]) -> pa.Table:
        names = ("neg_keys", "neg_source", "neg_log_q")
        kinds = (pa.list_(pa.int64()), pa.list_(pa.int8()), pa.list_(pa.float64()))
        columns = list(zip(*lists, strict=True))
        table = pa.table({n: pa.array(c, k) for n, c, k in zip(names, columns, kinds, strict=True)})
        return table.append_column("item_key", pa.array([1] * len(lists), pa.int64()))

    def it_keeps_the_user_of_every_negative(self) -> None:
        rows = self.rows(([1, 2], [0, 2], [-1.0, None]), ([], [], []), ([3], [1], [-2.0]))
        found = negatives_in(rows, np.array([5, 6, 7], np.int32), None)
        assert found.user.tolist() == [5, 5, 7]
        assert found.item.tolist() == [1, 2, 3]
        assert found.source.tolist() == [0, 2, 1]
        assert np.isnan(found.log_q).tolist() == [False, True, False]

    def it_does_not_let_a_short_list_shift_those_behind_it(self) -> None:
        rows = self.rows(([1, 2], [0], [-1.0, -2.0]), ([3], [1, 1], None), ([4], [0], [-4.0]))
        found = negatives_in(rows, np.array([0, 1, 2], np.int32), None)
        assert found.item.tolist() == [1, 2, 3, 4]
        assert found.source.tolist() == [0, -1, 1, 0]
        assert found.log_q[[0, 1, 3]].tolist() == [-1.0, -2.0, -4.0]
        assert np.isnan(found.log_q[2])

    def it_takes_a_missing_id_for_one_that_no_catalogue_has(self) -> None:
        rows = self.rows(([1, None], [0, None], [-1.0, -1.0]), (None, None, None))
        found = negatives_in(rows, np.array([0, 1], np.int32), None)
        figures = examine(2, arrays([]), arrays([]), found, weighed({1: 1}))
        assert (figures.ineligible, len(found.item)) == (1, 2)
