"""A backfill from what is asked for to how it ended: judge, plan, start what builds, build."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.audit.suites.suite import Suite
from winnow.building.config_check import check_config
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.config.tree import Config
from winnow.engine.spark_submit import under_spark_submit
from winnow.errors import ConfigError, Problem
from winnow.operations.dates.backfill import OneEngine, run_plan
from winnow.operations.dates.backfill_text import line_of
from winnow.operations.dates.outcomes import Backfill, DateOutcome
from winnow.operations.dates.plan import PlannedDate, Which, carries_state, plan_dates
from winnow.operations.dates.processes import Processes
from winnow.operations.dates.reasons import Kind
from winnow.operations.dates.stale import Judge, judge_dates

if TYPE_CHECKING:
    from winnow.engine.engine import Engine


@dataclass(frozen=True)
class DatesRequest:
    """Builds of many dates.

    Attributes:
        config: The checked config of one recipe; its paths are absolute.
        first, last: The dates, both included; None as for ``judge_dates``.
        which: Which of them are built; see ``plan_dates``.
        ignore: Kinds of reasons that do not make a date stale.
        parallel: How many processes build side by side.
        allow_empty, immature, home: As of ``BuildRequest``.
        progress: Told of every stage, and of every date that ended.
    """

    config: Config
    first: date | None = None
    last: date | None = None
    which: Which = "needed"
    ignore: Sequence[Kind] = ()
    parallel: int = 1
    allow_empty: bool = False
    immature: bool = False
    progress: Progress = field(default_factory=Progress)
    home: Path | None = None


@dataclass(frozen=True)
class Plan:
    """What will be done.

    Attributes:
        request: What is asked for.
        dates: What becomes of each date, in order.
        judge: Who found that out.
        suites: The user's own suites.
    """

    request: DatesRequest
    dates: tuple[PlannedDate, ...]
    judge: Judge
    suites: tuple[Suite, ...]

    @property
    def n_to_build(self) -> int:
        """How many dates are built."""
        return sum(one.action == "build" for one in self.dates)


def plan_of(request: DatesRequest) -> Plan:
    """Look at the logs and at the releases, and decide what becomes of each date.

    Raises:
        ConfigError, InputError, ReleaseError: As ``judge_dates`` and ``check_config``; or fewer
            than one process is asked for.
    """
    if request.parallel < 1:
        raise ConfigError(Problem("parallel", "must be 1 or more", str(request.parallel)))
    if request.parallel > 1 and under_spark_submit():
        what = "spark-submit has started one driver; it builds one date after the other"
        raise ConfigError(Problem("parallel", what, str(request.parallel), "1"))
    suites = check_config(request.config)
    judge, states = judge_dates(request.config, request.first, request.last, ignore=request.ignore)
    dates = plan_dates(
        states,
        request.which,
        carries=carries_state(request.config),
        immature=request.immature,
        allow_empty=request.allow_empty,
    )
    return Plan(request, dates, judge, suites)


def build_plan(
    plan: Plan,
    engine: dict[str, str | None],
    start: "Callable[[], AbstractContextManager[Engine]]",
) -> Backfill:
    """Build what a plan says; where there is nothing to build, nothing is started.

    Args:
        plan: The plan.
        engine: ``engine``, ``master``, ``remote`` and ``driver_memory`` of ``start_engine``:
            for processes.
        start: Starts the engine where one process builds all.
    """
    asked = plan.request
    n = min(asked.parallel, _side_by_side(plan.dates))

    def tell(outcome: DateOutcome, number: int, of: int) -> None:
        asked.progress.say(line_of(outcome, number, of))

    def request(engine: "Engine | None") -> BuildRequest:
        return BuildRequest(
            config=asked.config,
            day=date.min,
            engine=engine,  # type: ignore[arg-type]  # processes start their own
            allow_empty=asked.allow_empty,
            immature=asked.immature,
            progress=asked.progress,
            home=asked.home,
            suites=plan.suites,
        )

    if n == 0:
        return run_plan(plan.dates, _NoWorkers(), plan.judge)
    if n > 1:
        with Processes(n, request(None), engine) as workers:
            return run_plan(plan.dates, workers, plan.judge, tell)
    with start() as running:
        return run_plan(plan.dates, OneEngine(request(running)), plan.judge, tell)


def _side_by_side(dates: Sequence[PlannedDate]) -> int:
    """Return how many dates could be built at a time: runs of dates that go on from each other."""
    return sum(one.action == "build" and one.after is None for one in dates)


class _NoWorkers:
    """Who builds nothing."""

    n = 0

    def start(self, day: date) -> None:
        raise AssertionError(f"{day} is not to be built")

    def finished(self) -> DateOutcome:
        raise AssertionError("nothing is at work")
