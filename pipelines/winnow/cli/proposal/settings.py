"""What the values of the found logs tell of the other settings: ids, actions, stages, the join."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from winnow.cli.proposal.columns import ACTIONS, Match, match_columns
from winnow.cli.proposal.roles import Role
from winnow.cli.proposal.times import date_of, whole_numbers
from winnow.config.tree import Ids

_LADDER = (
    ("recall", "retriev", "match"),
    ("coarse", "prerank", "pre_rank", "rough"),
    ("fine", "rank"),
    ("rerank", "re_rank", "mix"),
)
_REJECTED = "{source: negative_feedback, count: 2}"

_SELDOM = 0.02
"""A stage of fewer of the rows is taken for a broken value."""


@dataclass(frozen=True)
class Settings:
    """What is proposed besides the logs.

    Attributes:
        ids: The type of each id, and a value that was found.
        clicked: Where clicks are rows of the impressions: the column and value that say so.
        click_time: The column of such a click's own time.
        join: How clicks find their impressions.
        actions: The actions, where none of the usual ones was found.
        other_actions: Other actions that were found, with their rows.
        stages: The stages of the ranking log, in the order of the funnel.
        other_stages: Values of few rows that may be no stages.
        cut_known_by: How a cut is known.
        ranked: Whether there is a ranking log.
        rejected: Whether there is a log of what users rejected.
        day: A date of which there are impressions.
    """

    ids: Mapping[str, tuple[str, str]]
    clicked: tuple[str, str] | None
    click_time: Match | None
    join: str
    actions: tuple[str, ...]
    other_actions: Mapping[str, int]
    stages: tuple[str, ...]
    other_stages: tuple[str, ...]
    cut_known_by: str
    ranked: bool
    rejected: bool
    day: date | None

    def lines(self) -> Iterator[str]:
        """Give the lines of YAML."""
        if self.join != "request_item":
            yield f"attribution: {{join: {self.join}}}"
        if self.actions:
            yield "positives:"
            yield "  # Put them in order, from weak to strong."
            yield f"  actions: [{', '.join(self.actions)}]"
        if self.other_actions:
            found = ", ".join(f"{name} in {rows:,}" for name, rows in self.other_actions.items())
            yield f"# Actions that were found besides {', '.join(ACTIONS)}: {found} rows."
            yield "# These are rejected, unless positives.actions names them."
        if not self.ranked:
            yield "negatives: {hard: []}       # hard negatives come from a ranking log"
            if self.rejected:
                yield f"# or, of what users rejected: negatives: {{hard: [{_REJECTED}]}}"
            return
        yield "funnel:"
        yield f"  cut_known_by: {self.cut_known_by}"
        if self.stages:
            yield "  stages:       # in the order of the funnel, as far as names and rows tell"
            yield from (f"    - {{name: {stage}}}" for stage in self.stages)
        if self.other_stages:
            yield f"    # found in a few rows, and left out: {', '.join(self.other_stages)}"
        if self.stages:
            yield "negatives:"
            yield "  hard:"
            yield from (f"    - {taken}" for taken in _takes(self.stages))
        if self.rejected:
            yield "# Of what users rejected, for negatives.hard, where such negatives are wanted:"
            yield f"#   - {_REJECTED}"


def settings_of(roles: Mapping[str, Role]) -> Settings:
    """Return what the found logs tell of the other settings."""
    shown, clicks = roles.get("impressions"), roles.get("clicks")
    ranked = roles.get("ranking_log")
    actions = Counter(str(value) for value in _values(clicks, "action_type"))
    usual = set(actions) & set(ACTIONS)
    stages, other_stages = _stages(ranked)
    clicked, click_time = (None, None) if clicks else _clicked(shown)
    return Settings(
        ids={entity: _id_type(entity, roles) for entity in Ids.model_fields},
        clicked=clicked,
        click_time=click_time,
        join=_join(shown, clicks),
        actions=() if usual else tuple(name for name, _ in actions.most_common(12)),
        other_actions={n: rows for n, rows in actions.items() if usual and n not in ACTIONS},
        stages=stages,
        other_stages=other_stages,
        cut_known_by="passed" if _has(ranked, "passed") else "membership",
        ranked=ranked is not None,
        rejected="negative_feedback" in roles,
        day=_day(shown, clicks),
    )


def _id_type(entity: str, roles: Mapping[str, Role]) -> tuple[str, str]:
    """Return the type of an id in all logs, and a value; the default where no log has it."""
    default = str(Ids.model_fields[entity].default)
    values: list[Any] = []
    kinds = set()
    for role in roles.values():
        match = role.matches.columns.get(f"{entity}_id")
        if match is not None:
            values += role.log.sample.columns[match.column]
            kinds.add(role.log.sample.kinds.get(match.column, "text"))
    if not values:
        return default, ""
    # Text that a file declares as text may hold other values than digits further on.
    whole = whole_numbers(values) and kinds != {"string"}
    return "bigint" if whole else "string", str(values[0])[:40]


def _clicked(shown: Role | None) -> tuple[tuple[str, str] | None, Match | None]:
    if shown is None or shown.matches.label is None:
        return None, None
    label = shown.matches.label
    values = {str(value).lower() for value in shown.log.sample.columns[label]}
    mapped = {match.column for match in shown.matches.columns.values()}
    own = match_columns(("click_ts",), shown.log.sample).columns.get("click_ts")
    time = own if own is not None and own.column not in mapped and own.score >= 1 else None
    return (label, "true" if values & {"true", "false"} else "1"), time


def _join(shown: Role | None, clicks: Role | None) -> str:
    if clicks is None or shown is None:
        return "request_item"
    if _has(shown, "impression_id") and _has(clicks, "impression_id"):
        return "impression_id"
    return "request_item" if _has(clicks, "request_id") else "last_impression"


def _stages(ranked: Role | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = Counter(str(value) for value in _values(ranked, "stage"))
    least = _SELDOM * rows.total()
    names = [name for name, count in rows.most_common(8) if count >= least]
    steps = {name: _step(name) for name in names}
    if all(step is not None for step in steps.values()):
        names.sort(key=lambda name: steps[name] or 0)
    return tuple(names), tuple(name for name in rows if name not in names)[:8]


def _step(name: str) -> int | None:
    low = name.lower()
    found = [step for step, words in enumerate(_LADDER) if any(word in low for word in words)]
    # Of rank and rerank, or prerank, the longer word counts.
    return next((step for step in (3, 1, 0, 2) if step in found), None)


def _takes(stages: Sequence[str]) -> Iterator[str]:
    for place, name in enumerate(stages):
        last = place == len(stages) - 1
        if last or _step(name) != 0:
            yield f"{{source: {'low' if last else 'cut'}, stage: {name}}}"


def _day(shown: Role | None, clicks: Role | None) -> date | None:
    if shown is None:
        return None
    if shown.log.dates:
        later = bool(clicks and clicks.log.dates) and len(shown.log.dates) > 1
        return shown.log.dates[-2 if later else -1]
    match = shown.matches.columns.get("impression_ts")
    values = _values(shown, "impression_ts")
    if match is None or match.time is None or not values:
        return None
    return date_of(match.time, sorted(values, key=str)[len(values) // 2])


def _has(role: Role | None, column: str) -> bool:
    return role is not None and column in role.matches.columns


def _values(role: Role | None, column: str) -> list[Any]:
    match = role.matches.columns.get(column) if role else None
    return list(role.log.sample.columns[match.column]) if role and match else []
