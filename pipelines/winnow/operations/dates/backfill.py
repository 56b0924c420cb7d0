"""Many dates in one command: built by a plan, each on its own, one engine for all of a process."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from winnow.building.build import build
from winnow.building.request import BuildRequest
from winnow.errors import ConflictError, InputError, Problem
from winnow.operations.dates.outcomes import Backfill, DateOutcome
from winnow.operations.dates.plan import PlannedDate
from winnow.operations.dates.stale import Judge
from winnow.release.releases import read_releases
from winnow.storage.object_path import place_of

WAITS_SECONDS = (1.0, 4.0, 15.0)
"""How long a date waits each time before it is built again, after another run released it."""


class Workers(Protocol):
    """Who builds dates: this process, one after the other, or several processes."""

    @property
    def n(self) -> int:
        """How many dates are built at a time."""

    def start(self, day: date) -> None:
        """Begin to build a date; there are never more than ``n`` at work."""

    def finished(self) -> DateOutcome:
        """Wait until one of the dates at work has ended, and return how."""


@dataclass
class OneEngine:
    """Builds one date after the other, on an engine that runs.

    Attributes:
        request: What is asked for; its date is replaced by each date.
        n: One.
    """

    request: BuildRequest
    n: int = field(default=1, init=False)
    _waiting: list[date] = field(default_factory=list, init=False)

    def start(self, day: date) -> None:
        """Note a date; it is built when its end is asked for."""
        self._waiting.append(day)

    def finished(self) -> DateOutcome:
        """Build the date and return how that ended."""
        day = self._waiting.pop()
        progress = self.request.progress.of(day.isoformat(), "date")
        return build_date(replace(self.request, day=day, progress=progress))


def build_date(request: BuildRequest, waits: Sequence[float] = WAITS_SECONDS) -> DateOutcome:
    """Build one date and return how that ended; a conflict is tried again, a few times.

    Args:
        request: The build.
        waits: Seconds to wait before each further try.
    """
    begin = time.monotonic()
    for wait in (*waits, None):
        try:
            made = build(request)
            return DateOutcome(
                request.day,
                "released" if made.published else "unchanged",
                made.release_id,
                made.tables.get("training_samples"),
                time.monotonic() - begin,
                warnings=made.warnings,
            )
        except ConflictError as error:
            if wait is None:
                return DateOutcome.failure(request.day, error, time.monotonic() - begin)
            request.progress.say(f"{request.day} {error}; again in {wait:g} s")
            time.sleep(wait)
        except Exception as error:
            return DateOutcome.failure(request.day, error, time.monotonic() - begin)
    raise AssertionError("unreachable")


def run_plan(
    plan: Sequence[PlannedDate],
    workers: Workers,
    judge: Judge,
    tell: Callable[[DateOutcome, int, int], None] = lambda *_: None,
) -> Backfill:
    """Build what a plan says.

    A date that fails stops no other, but for those that go on from it: they are skipped. One that
    is to be built only if that changes it is judged again when its turn comes.

    Args:
        plan: The dates, in order.
        workers: Who builds them.
        judge: What the plan was made by.
        tell: Told of each date that ended, the how manyth it is, and of how many.
    """
    begin = time.monotonic()
    ended = {one.ds: _not_built(one) for one in plan if one.action != "build"}
    todo = {one.ds: one for one in plan if one.action == "build"}
    n_all, at_work = len(todo), set[date]()

    def end(outcome: DateOutcome) -> None:
        ended[outcome.ds] = outcome
        tell(outcome, n_all - len(todo) - len(at_work), n_all)

    while todo or at_work:
        for day in [one.ds for one in todo.values() if one.after is None or one.after in ended]:
            if len(at_work) == workers.n:
                break
            one = todo.pop(day)
            outcome = _without_build(one, ended, judge)
            if outcome is None:
                at_work.add(day)
                workers.start(day)
            else:
                end(outcome)
        if at_work:
            outcome = workers.finished()
            at_work.discard(outcome.ds)
            end(outcome)
    return Backfill(tuple(ended[one.ds] for one in plan), time.monotonic() - begin)


def _not_built(one: PlannedDate) -> DateOutcome:
    release = one.state.release_id
    if one.action == "fail":
        step = "Wait for the logs, or accept it: --allow-empty."
        return DateOutcome.failure(one.ds, InputError(Problem("logs", one.why, next_step=step)))
    return DateOutcome(one.ds, "waits" if one.action == "wait" else "kept", release, why=one.why)


def _without_build(
    one: PlannedDate, ended: dict[date, DateOutcome], judge: Judge
) -> DateOutcome | None:
    """Return how a date ends that need not or cannot be built after all; None where it can."""
    if one.after is not None and not ended[one.after].is_right:
        why = f"it goes on from {one.after}, which was not built"
        return DateOutcome(one.ds, "skipped", one.state.release_id, why=why)
    if one.if_changed:
        now = judge.state(one.ds, read_releases(place_of(judge.config.warehouse)))
        if not now.to_build and not now.reasons:
            return DateOutcome(one.ds, "kept", now.release_id, why=f"{one.after} did not change")
    return None
