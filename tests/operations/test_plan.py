"""What a backfill does with each date, and in which order, without any build."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from winnow.errors import ConflictError, GateError, InputError, Problem, WinnowError
from winnow.operations.dates.backfill import run_plan
from winnow.operations.dates.outcomes import Backfill, DateOutcome
from winnow.operations.dates.plan import PlannedDate, Which, plan_dates
from winnow.operations.dates.reasons import Reason
from winnow.operations.dates.stale import DateState, State

DATES = [date(2026, 1, 1) + timedelta(number) for number in range(6)]
IMMATURE = Reason("immature", "what it waited for is there")


def state(number: int, state: State, *reasons: Reason, released: bool = False) -> DateState:
    is_there = released or state in ("current", "stale")
    return DateState(DATES[number], state, f"r{number}" if is_there else None, reasons)


OF_EACH = [
    state(0, "current"),
    state(1, "stale", Reason("inputs", "a file is new")),
    state(2, "missing", Reason("missing", "not released")),
    state(3, "waiting"),
    state(4, "stale", IMMATURE),
    state(5, "no logs"),
]


def actions(plan: Sequence[PlannedDate]) -> list[str]:
    return [one.action for one in plan]


@dataclass
class Recorded:
    """Workers that build nothing: they note in which order dates begin, and fail as they are told.

    Of those at work the one that began last ends first.
    """

    n: int = 1
    fails: dict[date, Exception] = field(default_factory=dict)
    begun: list[date] = field(default_factory=list)
    at_work: list[date] = field(default_factory=list)
    most: int = 0

    def start(self, day: date) -> None:
        self.begun.append(day)
        self.at_work.append(day)
        self.most = max(self.most, len(self.at_work))

    def finished(self) -> DateOutcome:
        day = self.at_work.pop()
        if day in self.fails:
            return DateOutcome.failure(day, self.fails[day])
        return DateOutcome(day, "released", f"new {day}")


class Unchanged:
    """A judge who finds every date right."""

    class config:
        warehouse = "/nowhere"

    def state(self, day: date, _releases: object) -> DateState:
        return DateState(day, "current", "r")


def run(plan: Sequence[PlannedDate], workers: Recorded) -> Backfill:
    judge: Any = Unchanged()
    return run_plan(plan, workers, judge)


class DescribeThePlan:
    @pytest.mark.parametrize(
        ("which", "wanted"),
        [
            ("needed", "keep build build wait build fail"),
            ("missing", "keep keep build wait keep fail"),
            ("stale", "keep build keep keep build keep"),
            ("mature", "keep keep keep keep build keep"),
            ("all", "build build build wait build fail"),
        ],
    )
    def it_chooses_dates(self, which: Which, wanted: str) -> None:
        assert " ".join(actions(plan_dates(OF_EACH, which))) == wanted

    def it_builds_what_waits_and_what_has_no_logs_where_that_is_accepted(self) -> None:
        plan = plan_dates(OF_EACH, immature=True, allow_empty=True)
        assert actions(plan) == ["keep", "build", "build", "build", "build", "build"]

    def it_leaves_an_immature_release_until_there_is_news(self) -> None:
        waits = state(0, "waiting", released=True)
        assert actions(plan_dates([waits])) == ["wait"]
        assert actions(plan_dates([waits], immature=True)) == ["wait"]
        news = state(0, "waiting", Reason("config", "seed is 7"), released=True)
        assert actions(plan_dates([news], immature=True)) == ["build"]

    def it_orders_dates_that_go_on_from_each_other(self) -> None:
        plan = plan_dates(OF_EACH[:3], carries=True)
        assert [one.after for one in plan] == [None, None, DATES[1]]

    def it_looks_again_at_a_right_date_behind_one_that_is_built(self) -> None:
        stale, right = OF_EACH[1], state(2, "current")
        plan = plan_dates([stale, right, state(3, "current")], carries=True)
        assert [(one.action, one.if_changed) for one in plan] == [
            ("build", False), ("build", True), ("build", True),
        ]  # fmt: skip
        assert actions(plan_dates([stale, right], "all")) == ["build", "build"]
        assert actions(plan_dates([stale, right])) == ["build", "keep"]


class DescribeRunningAPlan:
    def it_goes_on_behind_a_date_that_fails(self) -> None:
        broken = GateError(Problem("gate", "failed"))
        workers = Recorded(fails={DATES[1]: broken})
        done = run(plan_dates(OF_EACH[:5]), workers)
        assert workers.begun == [DATES[1], DATES[2], DATES[4]]
        assert [one.outcome for one in done.dates] == [
            "kept", "failed", "released", "waits", "released",
        ]  # fmt: skip
        with pytest.raises(GateError, match="date 2026-01-02: gate: failed"):
            done.raise_if_failed()

    @pytest.mark.parametrize("n", [1, 3])
    def it_skips_what_goes_on_from_a_date_that_failed(self, n: int) -> None:
        missing = [state(k, "missing", Reason("missing", "")) for k in range(4)]
        workers = Recorded(n, fails={DATES[1]: ValueError("boom")})
        done = run(plan_dates(missing, carries=True), workers)
        assert workers.begun == DATES[:2]
        assert workers.most == 1
        assert [one.outcome for one in done.dates] == ["released", "failed", "skipped", "skipped"]
        assert done.dates[2].why == "it goes on from 2026-01-02, which was not built"

    def it_builds_side_by_side_what_does_not_depend_on_each_other(self) -> None:
        missing = [state(k, "missing", Reason("missing", "")) for k in range(5)]
        workers = Recorded(3)
        done = run(plan_dates(missing), workers)
        assert workers.most == 3
        assert sorted(workers.begun) == DATES[:5]
        assert [one.ds for one in done.dates] == DATES[:5]

    def it_keeps_a_date_whose_state_did_not_change(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("winnow.operations.dates.backfill.read_releases", lambda _: None)
        workers = Recorded()
        done = run(plan_dates([OF_EACH[1], state(2, "current")], carries=True), workers)
        assert workers.begun == [DATES[1]]
        assert [one.outcome for one in done.dates] == ["released", "kept"]

    def it_tells_of_each_date_as_it_ends(self) -> None:
        told: list[tuple[date, int, int]] = []
        judge: Any = Unchanged()
        plan = plan_dates(OF_EACH[:3])
        run_plan(plan, Recorded(), judge, lambda one, k, n: told.append((one.ds, k, n)))
        assert told == [(DATES[1], 1, 2), (DATES[2], 2, 2)]


class DescribeTheEndOfABackfill:
    @pytest.mark.parametrize(
        ("errors", "code"),
        [
            ([InputError, ConflictError, ValueError], 1),
            ([ConflictError, GateError], 3),
            ([ConflictError], 4),
        ],
    )
    def it_ends_as_the_gravest_failure(self, errors: list[type[Exception]], code: int) -> None:
        failed = [
            DateOutcome.failure(
                DATES[k], kind(Problem("here", "is wrong")) if kind is not ValueError else kind("x")
            )
            for k, kind in enumerate(errors)
        ]
        with pytest.raises(WinnowError) as caught:
            Backfill(tuple(failed)).raise_if_failed()
        assert caught.value.exit_code == code
        assert len(caught.value.problems) == len(errors)

    def it_travels_from_process_to_process(self) -> None:
        error = InputError(Problem("logs.clicks", "is broken", found="x", next_step="Mend it."))
        ended = DateOutcome.failure(DATES[0], error, 1.5)
        back = DateOutcome.from_record(ended.as_record())
        assert (back.ds, back.outcome, back.seconds) == (DATES[0], "failed", 1.5)
        assert type(back.error) is InputError
        assert back.error.problems == error.problems
        fine = DateOutcome(DATES[1], "released", "r", 7, 2.0, warnings=("a warning",))
        assert DateOutcome.from_record(fine.as_record()) == fine
