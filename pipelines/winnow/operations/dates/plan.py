"""What a backfill will do with each date, and why, before anything of it is done."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

from winnow.config.tree import STATE_TABLES, Config
from winnow.operations.dates.stale import DateState

Which = Literal["needed", "missing", "stale", "mature", "all"]
WHICH: tuple[Which, ...] = get_args(Which)
Action = Literal["build", "keep", "wait", "fail"]


@dataclass(frozen=True)
class PlannedDate:
    """One date of a backfill.

    Attributes:
        state: How it stands.
        action: ``build``; ``keep``: nothing is to be done; ``wait``: it cannot be complete yet;
            ``fail``: its logs are not there.
        why: Why, as a sentence; empty where it is right as it is.
        after: The date before, where that is built too and this one goes on from its state.
        if_changed: Whether it is built only if that changes what it goes on from.
    """

    state: DateState
    action: Action
    why: str
    after: date | None = None
    if_changed: bool = False

    @property
    def ds(self) -> date:
        """The date."""
        return self.state.ds

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        after = None if self.after is None else self.after.isoformat()
        return self.state.as_record() | {"action": self.action, "why": self.why, "after": after}


def carries_state(config: Config) -> bool:
    """Return whether dates go on from a state of the date before, so that they have an order."""
    return any(table in STATE_TABLES for table in config.tables_written)


def plan_dates(
    states: Sequence[DateState],
    which: Which = "needed",
    *,
    carries: bool = False,
    immature: bool = False,
    allow_empty: bool = False,
) -> tuple[PlannedDate, ...]:
    """Decide what becomes of each date.

    Args:
        states: The dates, in order.
        which: ``needed``: those that are missing or stale; ``missing``: never one that is released;
            ``stale``: none but those that are released and stale; ``mature``: none but those that
            were released as immature and are complete now; ``all``: those that are right, too.
        carries: Whether each date goes on from the one before.
        immature: Whether dates that wait are built all the same.
        allow_empty: Whether dates without logs are built all the same.
    """
    return tuple(_planned(states, which, carries, immature, allow_empty))


def _planned(
    states: Sequence[DateState], which: Which, carries: bool, immature: bool, allow_empty: bool
) -> Iterator[PlannedDate]:
    built: set[date] = set()
    for state in states:
        before = state.ds - timedelta(1)
        after = before if carries and before in built else None
        action, why = _action(state, which, immature, allow_empty)
        follows = after is not None and state.release_id is not None
        may_follow = action == "keep" or (action == "wait" and immature)
        if_changed = may_follow and follows and which in ("needed", "stale")
        if if_changed:
            action, why = "build", f"goes on from {after}, if that changes"
        if action == "build":
            built.add(state.ds)
        yield PlannedDate(state, action, why, after if action == "build" else None, if_changed)


def _action(
    state: DateState, which: Which, immature: bool, allow_empty: bool
) -> tuple[Action, str]:
    released = state.release_id is not None or state.because_of("damaged")
    chosen = {
        "needed": True,
        "missing": not released,
        "stale": released,
        "mature": state.because_of("immature"),
        "all": True,
    }[which]
    if not chosen:
        return "keep", state.text
    if state.to_build:
        return "build", state.text
    if state.state == "waiting" and (which == "all" or not released or state.reasons):
        # One that is released as immature is made anew only for a reason, or once it is complete.
        return ("build" if immature else "wait"), state.text
    if state.state == "no logs":
        return ("build" if allow_empty else "fail"), state.text
    if which == "all" and state.state == "current":
        return "build", "all dates are asked for"
    return ("wait" if state.state == "waiting" else "keep"), state.text
