"""Which of the found files is which log: by the columns that they have, and by their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from winnow.cli.proposal.columns import Matches, match_columns
from winnow.cli.proposal.found_logs import FoundLog
from winnow.contracts.tables import table_contract

PROPOSED = ("impressions", "clicks", "ranking_log", "negative_feedback", "items")
"""The logs that are looked for; of users nothing is used that the config does not name."""

_NAMED = {
    "impressions": "impression exposure shown show expos display view feed random bts",
    "clicks": "click action event engagement interaction conversion behav purchase",
    "ranking_log": "rank recall candidate funnel stage scor retriev cascade",
    "negative_feedback": "hide hidden dislike reject refus complain negative not_interested",
    "items": "item catalog product sku article goods movie content",
}
_NEEDED = {
    "impressions": ("item_id", "impression_ts"),
    "clicks": ("item_id", "user_id", "click_ts"),
    "ranking_log": ("item_id", "request_id", "stage"),
    "negative_feedback": ("item_id", "user_id", "feedback_ts"),
    "items": ("item_id",),
}
_MOST = 12
"""Of so many found logs, every way to give them their roles is looked at."""


@dataclass(frozen=True)
class Role:
    """One log of the config: the files, and what their columns mean.

    Attributes:
        log: The files.
        matches: Contract column to what it is made of.
        others: Paths of other files that could be this log too.
    """

    log: FoundLog
    matches: Matches
    others: tuple[str, ...] = ()


def assign_roles(found: Sequence[FoundLog]) -> dict[str, Role]:
    """Return which of the found files is which log; a log that nothing fits is left out."""
    known = {
        (name, place): match_columns(table_contract(name).names, log.sample)
        for name in PROPOSED
        for place, log in enumerate(found)
    }
    scores = {key: _score(key[0], found[key[1]], matches) for key, matches in known.items()}
    fitting = {
        name: sorted(
            (place for place in range(len(found)) if scores[name, place] > 0),
            key=lambda place: (-scores[name, place], found[place].path),
        )[:_MOST]
        for name in PROPOSED
    }
    best: tuple[float, tuple[int | None, ...]] = (-1.0, ())
    for chosen in product(*([None, *fitting[name]] for name in PROPOSED)):
        places = [place for place in chosen if place is not None]
        if len(set(places)) < len(places):
            continue
        named = zip(PROPOSED, chosen, strict=True)
        total = sum(scores[name, place] for name, place in named if place is not None)
        best = max(best, (total, chosen), key=lambda one: one[0])
    roles = {}
    taken = {place for place in best[1] if place is not None}
    for name, place in zip(PROPOSED, best[1], strict=True):
        if place is not None:
            others = tuple(found[one].path for one in fitting[name] if one not in taken)
            roles[name] = Role(found[place], known[name, place], others)
    return roles


def _score(name: str, log: FoundLog, matches: Matches) -> float:
    """Return how well files fit a log; 0 where they cannot be it."""
    there = set(matches.columns)
    if name == "impressions" and matches.label is not None:
        there |= {"user_id"}  # what the user is may have to be put together
    if not there.issuperset(_NEEDED[name]):
        return 0.0
    if name == "impressions" and "user_id" not in there:
        return 0.0
    if name != "ranking_log" and _is_ranking_log(log):
        return 0.0
    words = log.path.lower().rpartition("/")[2]
    hint = 3.0 if any(word in words for word in _NAMED[name].split()) else 0.0
    sure = sum(matches.columns[column].score for column in there & set(matches.columns))
    if name == "impressions":
        return sure + hint + ("position" in there) + 2 * (matches.label is not None)
    if name == "clicks":
        return sure + hint + ("action_type" in there) - ("position" in log.sample.columns)
    if name == "negative_feedback":
        # Its columns are those of clicks: only the name tells them apart.
        return sure + hint if hint else 0.0
    if name == "items":
        about_users = any("user" in column.lower() for column in log.sample.columns)
        times = "click_ts" in match_columns(table_contract("clicks").names, log.sample).columns
        return 0.0 if about_users or (times and not hint) else sure + hint
    return sure + hint


def _is_ranking_log(log: FoundLog) -> bool:
    found = match_columns(table_contract("ranking_log").names, log.sample).columns
    return "stage" in found and ("score" in found or "rank" in found)
