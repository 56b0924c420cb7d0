"""The user's own suites in a build: those of logs before anything is sampled, then of tables."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pyspark.sql import functions as F

from winnow.audit.judging import require_passed
from winnow.audit.record import AuditRecord
from winnow.audit.suites.rows import Shown
from winnow.audit.suites.running import Judged, judge_suites
from winnow.audit.suites.suite import Suite
from winnow.building.audit import keep_run
from winnow.building.request import BuildRequest
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.rows import on_date
from winnow.dates import CalendarDay
from winnow.release.release import RunRecord
from winnow.release.staged_table import StagedTable
from winnow.release.store import Store


def judge_logs(
    suites: Sequence[Suite],
    logs: Mapping[str, Log],
    counts: Mapping[str, RowCounts],
    request: BuildRequest,
    run_id: str,
    folder: Path,
    recorded: Callable[[AuditRecord], RunRecord],
) -> Judged:
    """Judge the date's rows of logs, as the config maps them; what it filters is left out.

    Rows that break a rule of the contract are among them: it is the log that is judged, not what
    is left of it.

    Args:
        suites: The suites; those of tables are passed over.
        logs: The logs as opened.
        counts: Where their rows went.
        request: The build.
        run_id: Names the run.
        folder: Its staging.
        recorded: Gives what the run leaves behind where a gate failed.

    Raises:
        GateError: An expectation was not met that is to stop the build; nothing was sampled.
    """
    judged = Judged()
    of_logs = [suite for suite in suites if suite.given.log is not None]
    if not of_logs:
        return judged
    day = CalendarDay(request.day, request.config.calendar_zone)
    with request.progress.stage("judge the logs"):
        names = {suite.given.subject for suite in of_logs}
        shown = {name: _of_log(logs[name], counts[name], day) for name in names}
        judge_suites(of_logs, shown, day, run_id, judged)
        record = AuditRecord(verdict="pass", gates=()).with_gates(judged.gates, judged.suites)
        if record.verdict == "fail":
            folder.mkdir(parents=True, exist_ok=True)
            keep_run(recorded(record), {}, record, folder)
            _say(judged, request)
            require_passed(record.gates, run_id, folder)
    return judged


def judge_tables(
    suites: Sequence[Suite],
    staged: Mapping[str, StagedTable],
    store: Store,
    request: BuildRequest,
    run_id: str,
    judged: Judged,
) -> None:
    """Judge staged tables, and add what comes of it to what came of the logs.

    Args:
        suites: The suites; those of logs are passed over.
        staged: The staged tables. store: Reads them.
        request: The build.
        run_id: Names the run.
        judged: What came of the logs; what comes of the tables is added.
    """
    of_tables = [suite for suite in suites if suite.given.table is not None]
    names = {suite.given.subject for suite in of_tables}
    shown = {
        name: Shown(store.read_staged(table), table.content.rows, table.contract.key)
        for name, table in staged.items()
        if name in names
    }
    day = CalendarDay(request.day, request.config.calendar_zone)
    judge_suites(of_tables, shown, day, run_id, judged)
    if any(gate.status in ("fail", "error") for gate in judged.gates):
        _say(judged, request)


def _of_log(log: Log, counts: RowCounts, day: CalendarDay) -> Shown:
    rows = log.frame.where(on_date(log, day) & ~F.col("filtered"))
    n_rows = counts.read - counts.filtered - counts.other_date
    columns = [*log.contract.names, *log.carry]
    return Shown(rows.select(*columns), n_rows, log.contract.key)


def _say(judged: Judged, request: BuildRequest) -> None:
    """Tell of actions that failed where the build ends before its summary does."""
    for warning in judged.warnings:
        request.progress.say(f"warning: {warning}")
