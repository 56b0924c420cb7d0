"""The slow, obvious sampler: what the kernels must do, in plain Python, one positive at a time."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby

MASK = 2**64 - 1
KEEP, EASY, FILL, HARD, FEEDBACK, OTHERS = 1, 2, 3, 4, 74, 75


def mix64(x: int) -> int:
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def fold(state: int, value: int) -> int:
    step = 0x9E3779B97F4A7C15
    return mix64(((state + step) & MASK) ^ mix64((value + step) & MASK))


def owner_of(user: int, request: int) -> int:
    """The key of a request as one of its user's; it may be the key of another user."""
    return (user * 1_000_003 + request) % 2**64


def below(bits: int, n: int) -> int:
    return (bits * n) >> 64


@dataclass(frozen=True)
class Item:
    key: int
    weight: int


@dataclass(frozen=True)
class Pair:
    user: int
    request: int
    item: int
    impression_us: int
    click_us: int
    action: int
    tie: int


@dataclass(frozen=True)
class Ranked:
    user: int
    request: int
    item: int
    stage: int
    may_be_negative: bool
    score: float | None
    rank: int | None
    stage_size: int | None


@dataclass(frozen=True)
class Rejection:
    user: int
    item: int
    us: int


@dataclass(frozen=True)
class Shown:
    """A request of a user that showed something first at a time."""

    user: int
    request: int
    us: int


@dataclass(frozen=True)
class Band:
    """What goes into a pool of a stage: percentile, rank or score within both ends.

    ``absolute``: how much worse than the positive it must have scored. ``relative``: the share of
    the positive's score that it may have.
    """

    stage: int
    by: str
    low: float
    high: float
    pool: int
    absolute: float | None = None
    relative: float | None = None


@dataclass(frozen=True)
class Asked:
    """How many of a pool, how they are chosen, and the stream of hashes."""

    n: int
    selection: str
    stream: int
    temperature: float = 1.0


@dataclass(frozen=True)
class Case:
    """One partition: catalogue (by code), what is forbidden, pairs, ranking rows, and the mix.

    Without ``bands`` there is one pool, of the bands that ``takes`` tells. ``clicked`` is forbidden
    as well. ``feedback`` says how many of what a user ``rejected`` are asked for, ``others`` how
    many of what other requests of the user, of those that were ``shown``, could give.
    """

    items: list[Item]
    forbidden: list[tuple[int, int]]
    pairs: list[Pair]
    ranked: list[Ranked]
    hot: dict[int, float]
    takes: list[tuple[str, float, float]]
    n_easy: int
    n_hard: int
    fill: bool
    max_rejections: int
    selection: str = "random"
    higher_is_better: bool = True
    by_score: tuple[bool, ...] = (True, True, True)
    cut_by_absence: bool = False
    by_last_stage: bool = False
    sampled: bool = False
    logged_share: float = 1.0
    bands: tuple[Band, ...] = ()
    pools: tuple[Asked, ...] = ()
    clicked: tuple[tuple[int, int], ...] = ()
    rejected: tuple[Rejection, ...] = ()
    feedback: Asked | None = None
    shown: tuple[Shown, ...] = ()
    others: Asked | None = None  # of other requests of the user, shown within these ends
    others_before: int = 0
    others_after: int = -1
    weak_share: float = 1.0
    thinned: tuple[str, ...] = ()
    not_recalled: bool = False
    distinct: bool = False  # fills repeat no easy one either
    recalled: tuple[tuple[int, int, int], ...] = ()  # user, request, item; of rows without a stage
    seed: int = 0
    draw_seed: int = 0


@dataclass(frozen=True)
class Hard:
    """A hard candidate; rank and size are None where they are not known.

    ``place`` is 1 for the best of those that the log has of the stage; None: nothing orders it.
    """

    key: int
    stage: int
    place: int | None
    rank: int | None
    size: int | None
    score: float | None
    request: int | None = None  # where it is another one than the positive's


@dataclass
class Group:
    user: int
    request: int
    item: int
    impression_us: int
    click_us: int
    action: int
    keep_prob: float
    easy: list[tuple[int, float, int]] = field(default_factory=list)  # key, log_q, attempts
    n_fill: int = 0
    hard: list[Hard] = field(default_factory=list)
    chances: list[float | None] = field(default_factory=list)  # of each hard one; None: no chance
    lacking: dict[str, int] = field(default_factory=dict)
    shortfall: int = 0


def sample(case: Case) -> list[Group]:
    groups = []
    by_positive = lambda p: (p.user, p.request, p.item)  # noqa: E731
    for (user, request, item), same in groupby(sorted(case.pairs, key=by_positive), by_positive):
        pairs = sorted(same, key=lambda p: (p.impression_us, p.click_us, p.tie))
        action = max(p.action for p in pairs)
        keep_prob = case.hot.get(item, 1.0)
        strength = "weak" if action == -1 else "organic" if action < 0 else "strong"
        thinned = strength in ("strong", *case.thinned)
        if not thinned:
            keep_prob = 1.0
        row = fold(fold(fold(case.seed, user), request), item)
        if thinned and (fold(row, KEEP) >> 11) * 2.0**-53 >= keep_prob:
            continue
        if strength == "weak":
            keep_prob *= case.weak_share
        group = Group(
            user,
            request,
            item,
            pairs[0].impression_us,
            pairs[0].click_us,
            action,
            keep_prob,
        )
        forbidden = {i for u, i in (*case.forbidden, *case.clicked) if u == user}
        row = fold(fold(fold(case.draw_seed, user), request), item)
        _add_hard(group, case, forbidden, row)
        _add_rejected(group, case, row)
        _add_of_others(group, case, forbidden, row)
        _add_easy(group, case, forbidden, row)
        groups.append(group)
    return groups


def _best_first(stage: int, rows: list[Ranked], case: Case) -> list[Hard]:
    """The list of one stage: each item once, with its best score and rank, in the stage's order."""
    found = []
    for key in {r.item for r in rows}:
        own = [r for r in rows if r.item == key]
        scores = [r.score for r in own if r.score is not None]
        ranks = [r.rank for r in own if r.rank is not None]
        best = max(scores, default=None) if case.higher_is_better else min(scores, default=None)
        found.append(Hard(key, stage, None, min(ranks, default=None), None, best))
    by_score = case.by_score[stage]
    unknown = [c for c in found if (c.score if by_score else c.rank) is None]
    known = [c for c in found if c not in unknown]

    def order(c: Hard) -> tuple[float, ...]:
        rank = math.inf if c.rank is None else c.rank
        if not by_score:
            return (rank, c.key)
        assert c.score is not None
        return (-c.score if case.higher_is_better else c.score, rank, c.key)

    known = [replace(c, place=place) for place, c in enumerate(sorted(known, key=order), start=1)]
    return known + unknown


def _list_of(stage: int, rows: list[Ranked], case: Case) -> list[Hard]:
    """The list of one stage with rank and size: the places in it only where the list is whole."""
    listed = _best_first(stage, [r for r in rows if r.stage == stage], case)
    logged = max((r.stage_size or 0 for r in rows if r.stage == stage), default=0)
    reached = {r.item for r in rows if r.stage >= stage}
    size: int | None = len(listed)
    whole = True
    if logged:
        whole, size = len(listed) >= logged, max(len(listed), logged)
    elif case.sampled:
        whole, size = False, None
    elif case.by_last_stage:
        whole, size = len(listed) == len(reached), len(reached)
    if whole:
        return [replace(c, rank=c.place, size=size) for c in listed]
    if case.by_score[stage]:
        return [replace(c, rank=None, size=size) for c in listed]
    if size is not None:
        size = max([size, *(c.rank for c in listed if c.rank is not None)])
    return [replace(c, size=size) for c in listed]


def bands_of(case: Case) -> tuple[Band, ...]:
    if case.bands:
        return case.bands
    return tuple(
        # Of a cut stage the whole list is taken.
        Band(stage, "percentile", *((0.0, 1.0) if take == "cut" else (low, high)), 0)
        for stage, (take, low, high) in enumerate(case.takes)
        if take != "none"
    )


def pools_of(case: Case) -> tuple[Asked, ...]:
    return case.pools or (Asked(case.n_hard, case.selection, HARD),)


def _band_of(c: Hard, case: Case) -> Band | None:
    """The first band that a candidate lies in."""
    for band in bands_of(case):
        if band.stage != c.stage:
            continue
        value: float | None = {"rank": c.rank, "score": c.score}.get(band.by)
        if band.by == "percentile":
            if (band.low, band.high) == (0.0, 1.0):
                return band
            if c.rank is not None and c.size is not None:
                value = (c.rank - 1) / (c.size - 1) if c.size > 1 else 0.0
        if value is not None and band.low <= value <= band.high:
            return band
    return None


def _margin_of(c: Hard, band: Band, positive: float | None, case: Case) -> str:
    """Whether a candidate is ``worse`` than the positive by the margin, or ``near``.

    ``unknown`` where the positive has no score at the stage, or one that has no shares.
    """
    if band.absolute is None and band.relative is None:
        return "worse"
    if positive is None or (band.relative is not None and positive <= 0):
        return "unknown"
    if c.score is None:
        return "near"
    if band.absolute is not None:
        most = positive - band.absolute if case.higher_is_better else positive + band.absolute
        worse = c.score <= most if case.higher_is_better else c.score >= most
    else:
        share = band.relative or 0.0
        worse = c.score <= positive * share
        if not case.higher_is_better:
            worse = c.score * share >= positive
    return "worse" if worse else "near"


def _race(
    c: Hard, start: int, pool: list[Hard], temperature: float, case: Case
) -> tuple[float, ...]:
    """When a candidate comes in, in a race that each wins by the weight exp(score / T)."""
    sign = 1.0 if case.higher_is_better else -1.0
    best = max(sign * (one.score or 0.0) for one in pool)
    bits = fold(start, c.key)
    exponential = -math.log(((bits >> 12) + 0.5) * 2.0**-52)
    return (best - sign * (c.score or 0.0)) / temperature + math.log(exponential), bits


def _rows_of(user: int, request: int, case: Case) -> list[Ranked]:
    return [r for r in case.ranked if (r.user, r.request) == (user, request)]


def _taken_of(rows: list[Ranked], case: Case) -> list[tuple[Hard, Band]]:
    """What the stages of one request cut or put low, whatever is forbidden, and in which band."""
    found, known = [], {item.key for item in case.items}
    for stage, (take, _, _) in enumerate(case.takes):
        for c in _list_of(stage, rows, case):
            deepest = max(r.stage for r in rows if r.item == c.key)
            # An item outside the catalogue can never be a negative: only its count matters.
            if c.key in known and deepest != stage:
                continue
            of_stage = [r for r in rows if (r.item, r.stage) == (c.key, stage)]
            if take == "none" or not all(r.may_be_negative for r in of_stage):
                continue
            if take == "cut" and case.cut_by_absence and all(r.stage != stage + 1 for r in rows):
                continue
            if (band := _band_of(c, case)) is not None:
                found.append((c, band))
    return found


def _add_hard(group: Group, case: Case, forbidden: set[int], row: int) -> None:
    rows = _rows_of(group.user, group.request, case)
    known = {item.key for item in case.items}
    asked = pools_of(case)
    pools: list[list[Hard]] = [[] for _ in asked]
    n_before, n_after, n_unscored = ([0 for _ in asked] for _ in range(3))
    for c, band in _taken_of(rows, case):
        listed = _list_of(c.stage, rows, case)
        positive = next((one.score for one in listed if one.key == group.item), None)
        needed = {"random": 0, "score": c.score}.get(asked[band.pool].selection, c.place)
        if needed is None:
            continue
        n_before[band.pool] += 1
        if c.key in known and c.key not in forbidden:
            n_after[band.pool] += 1
            margin = _margin_of(c, band, positive, case)
            n_unscored[band.pool] += margin == "unknown"
            if margin == "worse":
                pools[band.pool].append(c)
    counts = n_before, n_after, n_unscored
    for one, pool, before, after, unscored in zip(asked, pools, *counts, strict=True):
        start = fold(row, one.stream)
        orders: dict[str, Callable[[Hard, int], tuple[float, ...]]] = {
            "random": lambda c, start: (fold(start, c.key),),
            "top": lambda c, _: (-c.stage, c.place or 0),
            "tail": lambda c, _: (c.stage, -(c.place or 0)),
            "score": partial(_race, pool=pool, temperature=one.temperature, case=case),
        }
        chosen = sorted(pool, key=lambda c: orders[one.selection](c, start))[: one.n]
        group.hard += [replace(c, place=None) for c in chosen]  # it serves the choice only
        chance = None
        if one.selection == "random" and chosen:
            chance = case.logged_share * (len(chosen) / len(pool))
        group.chances += [chance] * len(chosen)
        if missing := one.n - len(chosen):
            reason = "pool_too_small"
            if not rows:
                reason = "request_not_logged"
            elif before and not after:
                reason = "all_forbidden"
            elif unscored:
                reason = "positive_not_scored"
            group.lacking[reason] = group.lacking.get(reason, 0) + missing


def _add_rejected(group: Group, case: Case, row: int) -> None:
    """What the user rejected before the positive was shown; what they clicked as well is not it."""
    if case.feedback is None:
        return
    clicked = {i for u, i in case.clicked if u == group.user}
    known = {item.key for item in case.items}
    latest: dict[int, int] = {}
    for one in case.rejected:
        if one.user == group.user and one.us < group.impression_us:
            latest[one.item] = max(one.us, latest.get(one.item, one.us))
    pool = [key for key in latest if key in known and key not in clicked and key != group.item]
    start = fold(row, case.feedback.stream)
    if case.feedback.selection == "random":
        ordered = sorted(pool, key=lambda key: fold(start, key))
    else:
        ordered = sorted(pool, key=lambda key: (-latest[key], key))
    chosen = ordered[: case.feedback.n]
    group.hard += [Hard(key, len(case.takes), None, None, None, None) for key in chosen]
    chance = len(chosen) / len(pool) if chosen and case.feedback.selection == "random" else None
    group.chances += [chance] * len(chosen)
    if missing := case.feedback.n - len(chosen):
        reason = "pool_too_small"
        if not latest:
            reason = "nothing_rejected"
        elif not pool:
            reason = "all_forbidden"
        group.lacking[reason] = group.lacking.get(reason, 0) + missing


def _add_of_others(group: Group, case: Case, forbidden: set[int], row: int) -> None:
    """What other requests of the user cut or put low, and the positive's own did not rank.

    An item of several requests is one candidate: that of the request which was shown nearest.
    """
    if case.others is None:
        return
    first = group.impression_us - case.others_before
    last = group.impression_us + case.others_after
    requests = [
        one
        for one in case.shown
        if one.user == group.user and one.request != group.request and first <= one.us <= last
    ]
    requests = [one for one in requests if _rows_of(one.user, one.request, case)]
    requests.sort(key=lambda s: (abs(s.us - group.impression_us), owner_of(s.user, s.request)))
    own = {r.item for r in _rows_of(group.user, group.request, case)}
    known = {item.key for item in case.items}
    pool: dict[int, tuple[int, Hard]] = {}
    n_before = n_after = 0
    for one in requests:
        for c, _ in _taken_of(_rows_of(one.user, one.request, case), case):
            n_before += 1
            if c.key not in known or c.key in forbidden:
                continue
            n_after += 1
            if c.key not in own and c.key not in pool:
                away = abs(one.us - group.impression_us)
                pool[c.key] = (away, replace(c, request=one.request))
    start = fold(row, case.others.stream)
    nearest = case.others.selection == "nearest"
    ordered = sorted(pool.values(), key=lambda p: (p[0] if nearest else 0, fold(start, p[1].key)))
    chosen = ordered[: case.others.n]
    group.hard += [replace(c, place=None) for _, c in chosen]
    chance = None if nearest or not chosen else len(chosen) / len(pool)
    group.chances += [chance] * len(chosen)
    if missing := case.others.n - len(chosen):
        reason = "pool_too_small"
        if not requests:
            reason = "no_other_request"
        elif n_before and not n_after:
            reason = "all_forbidden"
        group.lacking[reason] = group.lacking.get(reason, 0) + missing


def n_hard_of(case: Case) -> int:
    """How many hard negatives a positive asks for."""
    of_users = [one.n for one in (case.feedback, case.others) if one is not None]
    return sum(one.n for one in pools_of(case)) + sum(of_users)


def at_point(items: list[tuple[int, int]], point: int) -> int:
    """The item at a point of the line: the lightest ones lie first, of one weight by their place.

    ``items``: (item, weight), in the order of their places.
    """
    for item, weight in sorted(items, key=lambda one: one[1]):
        if point < weight:
            return item
        point -= weight
    raise AssertionError("the weights do not add up")


def _add_easy(group: Group, case: Case, forbidden: set[int], row: int) -> None:
    total = sum(item.weight for item in case.items)
    asked = case.n_easy
    if case.not_recalled:
        of_log = [(r.user, r.request, r.item) for r in case.ranked] + list(case.recalled)
        recalled = {i for u, r, i in of_log if (u, r) == (group.user, group.request)}
        forbidden = forbidden | recalled
        if not recalled:
            asked = 0
            if case.n_easy:
                group.lacking["recall_unknown"] = case.n_easy
    allowed = [(c, i) for c, i in enumerate(case.items) if i.key not in forbidden]
    allowed_weight = sum(item.weight for _, item in allowed)
    every = [(c, item.weight) for c, item in enumerate(case.items)]
    n_easy = asked if allowed else 0
    group.n_fill = sum(group.lacking.values()) if allowed and case.fill else 0
    if case.distinct:
        n_easy = min(n_easy, len(allowed))
        # Of the draws that there are no items for nothing is said here, as of an empty catalogue.
        group.n_fill = min(asked - n_easy + group.n_fill, len(allowed) - n_easy) if case.fill else 0
    for draw in range(n_easy + group.n_fill):
        key = fold(fold(row, EASY if draw < n_easy else FILL), draw)
        drawn = None
        for attempt in range(case.max_rejections + 1):
            item = case.items[at_point(every, below(fold(key, attempt), total))]
            if item.key not in forbidden:
                drawn, attempts = item, attempt + 1
                break
        if drawn is None:
            attempts = case.max_rejections + 2
            point = below(fold(key, case.max_rejections + 1), allowed_weight)
            drawn = case.items[at_point([(c, item.weight) for c, item in allowed], point)]
        log_q = math.log(drawn.weight) - math.log(allowed_weight)
        group.easy.append((drawn.key, log_q, attempts))
        if case.distinct:
            forbidden = forbidden | {drawn.key}
            allowed = [(c, i) for c, i in allowed if i.key != drawn.key]
            allowed_weight -= drawn.weight
    group.shortfall = case.n_easy + n_hard_of(case) - len(group.easy) - len(group.hard)
