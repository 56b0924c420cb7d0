"""Draws of several sources from groups of the catalogue, beside a slow sampler of plain loops."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.sampler.kernels.draw_groups import DrawGroups, draw_groups
from winnow.sampler.kernels.draw_sources import Sources
from winnow.sampler.kernels.drawn_negatives import draw_negatives
from winnow.sampler.kernels.forbidden import Forbidden, Recalled
from winnow.sampler.kernels.mix import (
    CATALOGUE_EXHAUSTED,
    GROUP_EXHAUSTED,
    GROUP_UNKNOWN,
    REASONS,
    RECALL_UNKNOWN,
)
from winnow.sampler.kernels.owners import Owners
from winnow.sampler.kernels.sampling_spec import SamplingSpec

from tests.sampler.reference import at_point, below, fold

N_ITEMS = 9


class Request(NamedTuple):
    n_positives: int
    logged: bool
    codes: list[int]


@dataclass(frozen=True)
class Case:
    """Groups by code (None: all items) with weights, sources, and positives of some users.

    Attributes:
        groups: Weights by code; a group of all items has every code.
        asked, streams: Of each source. group_of: Of each source, the group by positive.
        positives: Of each user, the hashes of the positives. forbidden: Of each user, codes.
        lacking: Chosen negatives that each positive lacks.
        apart: Of each source, whether it must not give what was recalled.
        recalled: Of each user, the requests of the positives, in their order.
        distinct: Of each source, whether it repeats no item of a positive.
        behind: Of each source, another one before it whose items it repeats none of, or -1.
        fills: Whether the last source fills. rejections: As in the config.
    """

    groups: list[dict[int, int]]
    asked: list[int]
    streams: list[int]
    group_of: list[list[int]]
    positives: list[list[int]]
    forbidden: list[list[int]]
    lacking: list[int]
    fills: bool
    rejections: int
    apart: list[bool]
    recalled: list[list[Request]]
    distinct: list[bool]
    behind: list[int]


_WEIGHT = st.integers(1, 30)
_GROUP = st.one_of(
    st.lists(_WEIGHT, min_size=N_ITEMS, max_size=N_ITEMS).map(lambda w: dict(enumerate(w))),
    st.dictionaries(st.integers(0, N_ITEMS - 1), _WEIGHT, min_size=1, max_size=4),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    groups = draw(st.lists(_GROUP, min_size=1, max_size=5))
    n_sources = draw(st.integers(1, 3))
    of_user = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=3)
    positives = draw(st.lists(of_user, min_size=1, max_size=3))
    n = sum(map(len, positives))
    code = st.integers(0, N_ITEMS - 1)
    group_of = [
        draw(st.lists(st.integers(-1, len(groups) - 1), min_size=n, max_size=n))
        for _ in range(n_sources)
    ]
    apart = draw(st.lists(st.booleans(), min_size=n_sources, max_size=n_sources))
    fills = draw(st.booleans())
    distinct, behind = [False] * n_sources, [-1] * n_sources
    if draw(st.booleans()):
        distinct = draw(st.lists(st.booleans(), min_size=n_sources, max_size=n_sources))
    if fills and n_sources > 1 and draw(st.booleans()):
        # Fills draw as the first source does.
        group_of[-1], apart[-1], distinct[-1] = group_of[0], apart[0], distinct[0]
        behind[-1] = 0 if distinct[0] else -1
    return Case(
        groups=groups,
        asked=draw(st.lists(st.integers(0, 4), min_size=n_sources, max_size=n_sources)),
        streams=[100 + s for s in range(n_sources)],
        group_of=group_of,
        positives=positives,
        forbidden=[draw(st.lists(code, unique=True, max_size=N_ITEMS)) for _ in positives],
        lacking=draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)),
        fills=fills,
        rejections=draw(st.sampled_from([0, 2, 16])),
        apart=apart,
        recalled=[draw(requests(len(hashes))) for hashes in positives],
        distinct=distinct,
        behind=behind,
    )


@st.composite
def requests(draw: st.DrawFn, n_positives: int) -> list[Request]:
    found: list[Request] = []
    code = st.integers(0, N_ITEMS - 1)
    while n_positives:
        n = draw(st.integers(1, n_positives))
        logged = draw(st.booleans())
        codes = draw(st.lists(code, unique=True, max_size=N_ITEMS)) if logged else []
        found.append(Request(n, logged, codes))
        n_positives -= n
    return found


def arrays_of(case: Case) -> DrawGroups:
    return draw_groups(
        [
            (
                None if len(group) == N_ITEMS else np.array(sorted(group), np.int32),
                np.array([group[code] for code in sorted(group)], np.int64),
            )
            for group in case.groups
        ]
    )


@dataclass
class Found:
    """What one positive got: (source, code, q, log_q, mixture, attempts) of each draw."""

    draws: list[tuple[int, int, float, float, float, int]]
    n_easy: int
    n_fill: int
    missing: list[int]


def by_kernel(case: Case) -> list[Found]:
    hashes = [h for of_user in case.positives for h in of_user]
    missing = np.zeros((len(hashes), len(REASONS)), np.int32)
    missing[:, 0] = case.lacking
    sources = Sources(
        np.array(case.asked, np.int32),
        np.arange(len(case.asked), dtype=np.int8),
        np.array(case.streams, np.uint64),
        np.array(case.apart, np.bool_),
        np.array(case.distinct, np.bool_),
        np.array(case.behind, np.int32),
    )
    requests = [one for of_user in case.recalled for one in of_user]
    owners = Owners(
        users=np.arange(len(case.positives)).astype(np.uint64),
        requests=np.arange(len(requests)).astype(np.uint64),
        positives_of_user=np.cumsum([0, *map(len, case.positives)]),
        positives_of_request=np.cumsum([0, *(one.n_positives for one in requests)]),
        requests_of_user=np.cumsum([0, *map(len, case.recalled)]),
    )
    spec = SamplingSpec(
        case.fills, not any(case.distinct), case.rejections, True, False, False, False
    )
    n_easy, n_fill, shortfall, drawn = draw_negatives(
        np.array(hashes, np.uint64),
        owners,
        Forbidden(
            np.array([c for of_user in case.forbidden for c in of_user], np.int32),
            np.cumsum([0, *map(len, case.forbidden)]),
        ),
        Recalled(
            np.array([c for one in requests for c in one.codes], np.int32),
            np.cumsum([0, *(len(one.codes) for one in requests)]),
            np.array([one.logged for one in requests], np.bool_),
        ),
        N_ITEMS,
        arrays_of(case),
        sources,
        np.array(case.group_of, np.int32),
        missing,
        spec,
    )
    found, at = [], 0
    for p in range(len(hashes)):
        n = n_easy[p] + n_fill[p]
        columns = [column if len(column) else np.zeros(at + n) for column in drawn]
        rows = zip(*(column[at : at + n].tolist() for column in columns), strict=True)
        found.append(Found(list(rows), int(n_easy[p]), int(n_fill[p]), missing[p].tolist()))
        assert shortfall[p] == missing[p].sum() - n_fill[p]
        at += n
    assert at == len(drawn.code)
    return found


def by_loops(case: Case) -> list[Found]:
    found, p = list[Found](), 0
    for hashes, of_user, own in zip(case.positives, case.forbidden, case.recalled, strict=True):
        of_positives = [one for one in own for _ in range(one.n_positives)]
        for positive, request in zip(hashes, of_positives, strict=True):
            forbidden = [set(of_user) | set(request.codes if apart else ()) for apart in case.apart]
            missing = [case.lacking[p], *([0] * (len(REASONS) - 1))]
            draws: list[tuple[int, int, float, float, int]] = []
            given_by, n_easy, n_fill = [0] * len(case.asked), 0, 0
            for s, asked in enumerate(case.asked):
                fills = case.fills and s == len(case.asked) - 1
                n, g = sum(missing) if fills else asked, case.group_of[s][p]
                if case.apart[s] and not fills and not request.logged:
                    missing[RECALL_UNKNOWN] += n
                    continue
                group = case.groups[g] if g >= 0 else {}
                allowed = {c: w for c, w in group.items() if c not in forbidden[s]}
                if not allowed:
                    whole = len(group) == N_ITEMS
                    reason = CATALOGUE_EXHAUSTED if whole else GROUP_EXHAUSTED
                    missing[GROUP_UNKNOWN if g < 0 else reason] += 0 if fills else n
                    continue
                if case.distinct[s]:
                    gone = [c for of, c, *_ in draws if of == case.behind[s]]
                    allowed = {c: w for c, w in allowed.items() if c not in gone}
                    short = max(0, n - len(allowed))
                    n -= short
                    reason = CATALOGUE_EXHAUSTED if len(group) == N_ITEMS else GROUP_EXHAUSTED
                    missing[reason] += 0 if fills else short
                given_by[s] = n
                stream = fold(positive, case.streams[s])
                for number in range(n_easy if fills else 0, (n_easy if fills else 0) + n):
                    code, tried = drawn_code(group, allowed, fold(stream, number), case.rejections)
                    q, log_q = (
                        group[code] / sum(group.values()),
                        math.log(group[code] / sum(allowed.values())),
                    )
                    draws.append((s, code, q, log_q, tried))
                    if case.distinct[s]:
                        del allowed[code]
                n_fill, n_easy = (n, n_easy) if fills else (n_fill, n_easy + n)
            mixed = [
                (
                    s,
                    code,
                    q,
                    log_q,
                    # There is none together with distinct draws.
                    0.0 if any(case.distinct) else mixture(case, p, code, given_by, forbidden),
                    tried,
                )
                for s, code, q, log_q, tried in draws
            ]
            found.append(Found(mixed, n_easy, n_fill, missing))
            p += 1
    return found


def drawn_code(
    group: dict[int, int], allowed: dict[int, int], key: int, most: int
) -> tuple[int, int]:
    total = sum(group.values())
    for attempt in range(most + 1):
        code = at_point(sorted(group.items()), below(fold(key, attempt), total))
        if code in allowed:
            return code, attempt + 1
    point = below(fold(key, most + 1), sum(allowed.values()))
    return at_point(sorted(allowed.items()), point), most + 2


def mixture(case: Case, p: int, code: int, given_by: list[int], forbidden: list[set[int]]) -> float:
    """ln(Σ n_s p_s(i) / Σ n_s), in fractions."""
    expected = Fraction(0)
    for s, n in enumerate(given_by):
        if n:
            group = case.groups[case.group_of[s][p]]
            allowed = {c: w for c, w in group.items() if c not in forbidden[s]}
            expected += n * Fraction(allowed.get(code, 0), sum(allowed.values()))
    return math.log(expected / sum(given_by))


class DescribeDrawsOfSeveralSources:
    @settings(deadline=None, max_examples=200, derandomize=True)
    @given(case=cases())
    def it_draws_what_plain_loops_draw(self, case: Case) -> None:
        for made, wanted in zip(by_kernel(case), by_loops(case), strict=True):
            assert [(d[0], d[1], d[5]) for d in made.draws] == [
                (d[0], d[1], d[5]) for d in wanted.draws
            ]
            for place in (2, 3, 4):
                values = [d[place] for d in wanted.draws]
                assert [d[place] for d in made.draws] == pytest.approx(values, abs=1.1e-9)
            assert (made.n_easy, made.n_fill) == (wanted.n_easy, wanted.n_fill)
            assert made.missing == wanted.missing

    @settings(deadline=None, max_examples=100, derandomize=True)
    @given(case=cases())
    def it_draws_the_same_of_a_source_whatever_others_there_are(self, case: Case) -> None:
        alone = by_kernel(
            Case(
                case.groups, case.asked[:1], case.streams[:1], case.group_of[:1], case.positives,
                case.forbidden, [0] * len(case.lacking), fills=False, rejections=case.rejections,
                apart=case.apart[:1], recalled=case.recalled, distinct=case.distinct[:1],
                behind=[-1],
            )
        )  # fmt: skip
        if case.fills and len(case.asked) == 1:
            return
        for one, other in zip(alone, by_kernel(case), strict=True):
            of_first = [(d[1], d[2], d[3], d[5]) for d in other.draws if d[0] == 0]
            assert of_first == [(d[1], d[2], d[3], d[5]) for d in one.draws]
