"""Rows of evaluation_samples made once more, request by request, by plain and slow Python."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.eligible import periods_of_date, recomputed_eligible
from winnow.audit.recompute.evaluation_rows import (
    TABLE,
    first_asked,
    items_met,
    pairs_held_out,
)
from winnow.audit.recompute.hashes import followed_by, hashes_of
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.user_caps import of_some_users
from winnow.contracts.rows import OWN_ID
from winnow.events.keys import key_of

_STREAM = 1004
"""What tells the draws for a request from all other random numbers."""

_HOUR_US = 3_600_000_000
_TRIES = 8
_PER_ROW = 8
"""As many compared positives cost about what a request costs here."""


@dataclass
class EvaluationFigures:
    """Rows that are not as the logs say, of one in so many users.

    Attributes:
        one_in: Of how many users one is looked at.
        positives, seen, sizes, negatives: Rows whose positives (or time), seen items, N and M, or
            negatives differ.
    """

    one_in: int
    positives: int = 0
    seen: int = 0
    sizes: int = 0
    negatives: int = 0


@once
def evaluation_figures(evidence: Evidence) -> EvaluationFigures:
    """Make the rows of some users again, and count those that differ."""
    config, limits = evidence.config, evidence.scratch.limits
    n_clicks = evidence.counts["clicks"].read
    one_in = one_in_so_many(_PER_ROW * max(n_clicks, evidence.n_positives), limits)
    found = EvaluationFigures(one_in)
    staged = of_some_users(evidence.staged[TABLE], one_in).withColumns(
        {
            "asked_us": F.unix_micros("request_ts"),
            "user_key": key_of("user_id", config.ids.user),
            "request_key": key_of("request_id", config.ids.request),
            "neg_keys": F.transform("neg_item_ids", lambda one: key_of(one, config.ids.item)),
        }
    )
    rows = staged.drop("ds", "request_ts", "split").toArrow().to_pylist()
    if not rows:
        return found
    first = of_some_users(first_asked(evidence), one_in).toArrow().to_pylist()
    asked_us = {(one["user_id"], one["request_id"]): one["first_us"] for one in first}
    users = _users(evidence, one_in)
    items = _items(evidence)
    for row in rows:
        now = asked_us[row["user_id"], row["request_id"]]
        user = users.get(row["user_id"])
        if now is None or user is None:
            found.positives += 1
            continue
        found.positives += not (
            row["asked_us"] == now and _true_of(row, now, user, items, evidence)
        )
        found.seen += not _seen_of(row, now, user, config.evaluation.seen_at_most)
        n_there, own = items.count(now), items.places(list(user.met))
        pool = n_there - int(items.are_there(own, now).sum())
        found.sizes += (row["catalogue_items"], row["candidate_items"]) != (n_there, pool)
        found.negatives += not _drawn_of(row, now, pool, own, items, evidence)
    return found


@dataclass
class _User:
    """What a user was shown and clicked.

    Attributes:
        positives: By (request, item): when it was shown and clicked first, and the strongest
            action's code.
        met: By item its times, the earliest first; keys as in ``_Items``.
        keys: Of the items.
    """

    positives: dict[tuple[Any, Any], tuple[int, int, int]] = field(default_factory=dict)
    met: dict[int, list[int]] = field(default_factory=dict)
    ids: dict[int, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Items:
    """The catalogue: keys, ascending, and from when to when each item is there, shape (N,)."""

    keys: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def places(self, keys: list[int]) -> NDArray[np.int64]:
        """Return the places of those keys that are in the catalogue."""
        wanted = np.array(keys, np.int64)
        at = np.searchsorted(self.keys, wanted)
        inside = at < len(self.keys)
        inside[inside] = self.keys[at[inside]] == wanted[inside]
        return at[inside]

    def are_there(self, places: NDArray[np.int64], now: int) -> NDArray[np.bool_]:
        """Return whether the items of places are there at a moment."""
        found: NDArray[np.bool_] = (self.begins[places] <= now) & (now < self.ends[places])
        return found

    def has(self, key: int, now: int) -> bool:
        """Return whether an item is there at a moment."""
        return bool(self.are_there(self.places([key]), now).any())

    @cached_property
    def _times(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return np.sort(self.begins), np.sort(np.maximum(self.begins, self.ends))

    def count(self, now: int) -> int:
        """Return how many items are there at a moment: those that began, less those that ended."""
        began, ended = (int(np.searchsorted(one, now, side="right")) for one in self._times)
        return began - ended


def _users(evidence: Evidence, one_in: int) -> Mapping[Any, _User]:
    users: dict[Any, _User] = {}
    pairs = of_some_users(pairs_held_out(evidence), one_in).toArrow().to_pylist()
    for pair in sorted(pairs, key=lambda one: (one["shown_us"], one["clicked_us"])):
        own = users.setdefault(pair["user_id"], _User()).positives
        of = pair["request_id"], pair["item_id"]
        shown, clicked, action = own.get(of, (pair["shown_us"], pair["clicked_us"], -1))
        own[of] = shown, clicked, max(action, pair["action"])
    key = key_of("item_id", evidence.config.ids.item).alias("key")
    met = of_some_users(items_met(evidence), one_in).select("*", key)
    for one in met.toArrow().to_pylist():
        if one["user_id"] in users:
            users[one["user_id"]].met[one["key"]] = one["times"]
            users[one["user_id"]].ids[one["key"]] = one["item_id"]
    return users


def _items(evidence: Evidence) -> _Items:
    """Return the catalogue as the items log has it: of several periods the last one to begin."""
    logs, config, day = evidence.logs, evidence.config, evidence.day
    key = key_of("item_id", config.ids.item).alias("key")
    if "items" in logs:
        own = F.col(OWN_ID) if logs["items"].aliases is not None else F.lit(True)
        begins = F.coalesce("begins", F.lit(-(2**62))).alias("begins")
        ends = F.coalesce(F.unix_micros("valid_to"), F.lit(2**62)).alias("ends")
        last = F.max(F.struct(own.alias("own"), begins, ends)).alias("last")
        grouped = periods_of_date(logs["items"], day).groupBy("item_id").agg(last)
        rows = grouped.select(key, "last.begins", "last.ends")
    else:
        always = [F.lit(value).alias(n) for n, value in (("begins", -(2**62)), ("ends", 2**62))]
        rows = recomputed_eligible(logs, config, day).select(key, *always)
    table: pa.Table = evidence.scratch.fetched(rows, "audited-evaluation-items")
    order = np.argsort(table["key"].to_numpy())
    return _Items(*(table[name].to_numpy()[order] for name in ("key", "begins", "ends")))


def _true_of(row: dict[str, Any], now: int, user: _User, items: _Items, evidence: Evidence) -> bool:
    """Return whether a row has all that is true of it, and says of each what is so."""
    asked = evidence.config.evaluation.horizon_hours
    reach = now + (48 if asked is None else asked) * _HOUR_US
    best: dict[Any, tuple[Any, ...]] = {}
    for (request, item), (shown, clicked, action) in user.positives.items():
        own = request == row["request_id"]
        if own or now <= shown < reach:
            entry = (not own, shown, item, request, clicked, action)
            best[item] = min(best.get(item, entry), entry)
    key_of_id = {item: key for key, item in user.ids.items()}
    names = evidence.config.positives.actions
    wanted = []
    for other, shown, item, _, clicked, action in sorted(best.values(), key=lambda one: one[:3]):
        key = key_of_id[item]
        times = user.met[key]
        seen = bool(times) and times[0] < now
        wanted.append((item, shown, clicked, names[action], not other, items.has(key, now), seen))
    told = ("item_ids", "shown_us", "click_us", "actions", "of_request", "in_catalogue", "seen")
    return list(zip(*(row[f"pos_{name}"] for name in told), strict=True)) == wanted


def _seen_of(row: dict[str, Any], now: int, user: _User, at_most: int) -> bool:
    """Return whether a row lists the latest items that were met before it."""
    last = {}
    for key, times in user.met.items():
        before = [us for us in times if us < now]
        if before:
            last[user.ids[key]] = before[-1]
    ordered = sorted(last, key=lambda item: (-last[item], item))
    wanted = (ordered[:at_most], len(ordered) > at_most)
    return (row["seen_item_ids"], row["seen_truncated"]) == wanted


def _drawn_of(
    row: dict[str, Any],
    now: int,
    pool: int,
    own: NDArray[np.int64],
    items: _Items,
    evidence: Evidence,
) -> bool:
    """Return whether a row's negatives are those that its hashes draw, with their chance.

    Args:
        row: What is stated. now: When the request began. pool: How many items may be drawn.
        own: Places of the items that the user met. items: The catalogue. evidence: The config.
    """
    n, n_items = min(evidence.config.evaluation.negatives, pool), len(items.keys)
    chance = n / pool if pool else None
    if row["neg_incl_prob"] != chance or len(row["neg_keys"]) != n:
        return False
    keys = [np.array([row[name]], np.int64).view(np.uint64) for name in ("user_key", "request_key")]
    stream = np.array([_STREAM], np.uint64)
    state = followed_by(hashes_of(evidence.config.seed, *keys, stream), _STREAM)
    met = set(own.tolist())

    def allowed(number: int, n_places: int) -> int:
        # The upper half of 128 bits: Python's integers have as many as it takes.
        return int(followed_by(state, number)[0]) * n_places >> 64

    def candidates(numbers: NDArray[np.uint64]) -> list[int]:
        bits = followed_by(np.repeat(state, len(numbers)), numbers)
        places = np.array([int(one) * n_items >> 64 for one in bits], np.int64)
        there = items.are_there(places, now)
        return [place for place in places[there].tolist() if place not in met]

    drawn: list[int] = []
    for first, last in ((0, 2 * n), (2 * n, _TRIES * n)):
        if len(drawn) < n:
            more = candidates(np.arange(first, last, dtype=np.uint64))
            drawn = list(dict.fromkeys([*drawn, *more]))[:n]
    if len(drawn) < n:
        gone, number = {*drawn, *met}, _TRIES * n
        all_there = np.flatnonzero(items.are_there(np.arange(n_items), now)).tolist()
        rest = [place for place in all_there if place not in gone]
        while len(drawn) < n:
            place = allowed(number, len(rest))
            drawn.append(rest[place])
            rest[place] = rest[-1]
            rest.pop()
            number += 1
    stated = np.array(row["neg_keys"], np.int64)
    return bool(np.array_equal(items.keys[np.array(drawn, np.int64)], stated))
