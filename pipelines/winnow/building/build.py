"""Build one date: logs in, one released set of tables out. ``winnow build``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from winnow.audit.judging import require_passed, warning_of
from winnow.audit.record import AuditRecord
from winnow.audit.suites.suite import Suite
from winnow.building.audit import audit_build, keep_run
from winnow.building.choice import choice_without_effect
from winnow.building.code_version import code_version
from winnow.building.config_check import check_config
from winnow.building.frequency import STATE_TABLE, FrequencyBefore, frequency_before
from winnow.building.full_disk import room_explained
from winnow.building.history import HISTORY_TABLE, HistoryBefore, history_before
from winnow.building.inputs import (
    Inputs,
    inputs_json,
    open_inputs,
    require_readable,
)
from winnow.building.rejected import rejected_examples
from winnow.building.request import BuildRequest
from winnow.building.sampling import Counted, Joined, count_logs, run_in, sample_logs
from winnow.building.suites import judge_logs, judge_tables
from winnow.building.summary import BuildSummary, Totals
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.engine.startup.libraries import preload_great_expectations
from winnow.errors import WinnowError
from winnow.events.orphans import (
    with_orphans,
)
from winnow.release.commits import new_run_id
from winnow.release.conditional_put import require_conditional_put
from winnow.release.confirmations import confirm
from winnow.release.paths import staging_path
from winnow.release.promotion import publish
from winnow.release.release import RunRecord, StateBefore
from winnow.release.releases import ReleasesSnapshot
from winnow.release.run_markers import run_at_work
from winnow.release.stage_tables import stage_tables
from winnow.release.store import Store
from winnow.run import Run
from winnow.sampler.kernels.mix import REASONS
from winnow.tables.all_tables import contracts


def build(request: BuildRequest) -> BuildSummary:
    """Build, audit and release the samples of one date.

    Raises:
        ConfigError: The config contradicts itself or the tables that are there.
        InputError: A log is missing, damaged or not what its contract says.
        ConservationError: Rows of a log do not add up.
        GateError: A staged table failed a gate; nothing was published.
        ConflictError: Another run released the date meanwhile.
    """
    opened: dict[str, Log] = {}
    try:
        with room_explained(request.warehouse):
            return _built(request, opened)
    except WinnowError:
        raise
    except Exception as error:
        require_readable(request.config, opened, error)
        raise


def _built(request: BuildRequest, opened: dict[str, Log]) -> BuildSummary:
    """Do what ``build`` does; tell the logs as soon as they are opened."""
    begun = begin(request)
    # Whoever erases users of logs and then asks who is at work is told of it: to open a log is to
    # decide which version of it is read.
    with run_at_work(request.warehouse, begun.run.scratch.tag):
        with request.progress.stage("check the logs"):
            inputs = open_inputs(request, begun.clicks_from)
            opened |= inputs.logs
        # To compile takes long: a path that is wrong is told before.
        request.engine.compile_kernels(request.progress.stage)
        request.engine.warm_up(audit=True)
        return released(begun, inputs, count_logs(inputs.logs, request, begun.run))


@dataclass(frozen=True)
class Begun:
    """A build that has begun; nothing was read yet.

    Attributes:
        request: What is asked for.
        suites: The user's own suites.
        store: The tables of the warehouse.
        releases: What was released before.
        run: The date, and the folder of its staging.
        history: What histories go on from, where they are carried from date to date.
    """

    request: BuildRequest
    suites: tuple[Suite, ...]
    store: Store
    releases: ReleasesSnapshot
    run: Run
    history: HistoryBefore | None = None

    @property
    def clicks_from(self) -> date | None:
        """The first date whose clicks are read for histories; None where they are not carried."""
        return None if self.history is None else self.history.reads_from


def begin(request: BuildRequest) -> Begun:
    """Look at the config and at what the warehouse holds.

    Raises:
        ConfigError: As ``check_config``; or the object store of the warehouse cannot be written by
            several builds at once.
        ReleaseError: The log of a table is damaged.
        InputError: Histories cannot go on from an earlier date, and that is a failure.
    """
    suites = check_config(request.config) if request.suites is None else request.suites
    run_id = request.run_id or new_run_id()
    require_conditional_put(request.warehouse)
    store = request.engine.store(
        request.warehouse, request.config.publishing.retention_days, request.limits
    )
    releases = store.releases_snapshot()
    for table in request.config.tables_written:
        # A log that is damaged would else be met when the work is done.
        store.protocol(table)
    preload_great_expectations()
    run = run_in(staging_path(request.warehouse, run_id), request, run_id)
    return Begun(request, suites, store, releases, run, history_before(request, releases))


def released(
    begun: Begun, inputs: Inputs, counted: Counted, joined: Joined | None = None
) -> BuildSummary:
    """Sample logs that were counted; stage, audit and publish the tables.

    Args:
        begun: The build.
        inputs: The logs. counted: The same logs, and where their rows go.
        joined: The clicks as they were joined before; None joins them.

    Raises:
        GateError, ConflictError, ConfigError, ReleaseError: As ``build``.
    """
    request, run, store, suites = begun.request, begun.run, begun.store, begun.suites
    config, progress, run_id = request.config, request.progress, run.scratch.tag
    folder = run.scratch.folder
    before_date = frequency_before(request, begun.releases)
    earlier = None if begun.history is None else begun.history.state(store, run.day.zone)
    recorded = partial(_recorded, request, run_id, inputs, _states(begun, inputs, before_date))
    before = partial(recorded, counted.counts)
    judged = judge_logs(suites, counted.logs, counted.counts, request, run_id, folder, before)
    estimate = None if before_date is None else before_date.estimate
    sampled = sample_logs(counted, request, run, joined, estimate)
    with progress.stage("stage tables") as stage:
        known = contracts(config, inputs.logs)
        of_tables = sampled.table_inputs(
            known["rejected"], run, mature=inputs.mature, history=earlier
        )
        linked = None if joined is None else joined.tables
        staged = stage_tables(of_tables, known, run, store, run_id, linked)
        stage.rows = sum(table.content.rows for table in staged.values())
    with progress.stage("audit"):
        counts = with_orphans(counted.counts, store.read_staged(staged["rejected"]))
        allow_empty = request.allow_empty
        record = audit_build(
            run, inputs, sampled, counts, staged, store, begun.releases,
            allow_empty=allow_empty, history=begun.history,
        )  # fmt: skip
        judge_tables(suites, staged, store, request, run_id, judged)
        record = record.with_gates(judged.gates, judged.suites)
        run_record = recorded(counts, record)
        keep_run(run_record, staged, record, folder)
        examples = partial(rejected_examples, request.warehouse, run_id)
        require_passed(record.gates, run_id, folder, examples)
    with progress.stage("publish"):
        published = publish(store, staged, run_record, begun.releases)
        if published.already:
            confirm(request.warehouse, published.release, run_record)
    sums = sampled.totals
    return BuildSummary(
        release_id=published.release.release_id,
        ds=request.day,
        published=not published.already,
        warehouse=str(request.warehouse),
        logs=counts,
        tables={name: table.content.rows for name, table in staged.items()},
        totals=Totals(**{name: sums[name] for name in Totals.__dataclass_fields__}),
        shortfall_reasons={reason: sums[reason] for reason in REASONS if sums[reason]},
        seconds=dict(progress.seconds),
        warnings=(
            *(warning for log in inputs.logs.values() for warning in log.warnings),
            *judged.warnings,
            *choice_without_effect(run.config.positives, counts["impressions"]),
            *(warning_of(gate) for gate in record.gates if gate.status == "warn"),
        ),
    )


def _states(
    begun: Begun, inputs: Inputs, frequency: FrequencyBefore | None
) -> dict[str, Mapping[str, Any]]:
    """Return what is told of the states of earlier dates that the build goes on from."""
    found = {} if frequency is None else {STATE_TABLE: frequency.record}
    if begun.history is not None:
        request = begun.request
        told = begun.history.record(inputs.logs["clicks"], request.config, request.day)
        found[HISTORY_TABLE] = told
    return found


def _recorded(
    request: BuildRequest,
    run_id: str,
    inputs: Inputs,
    states: Mapping[str, Mapping[str, Any]],
    counts: Mapping[str, RowCounts],
    record: AuditRecord,
) -> RunRecord:
    """Return what stands about the run in its release, or is left behind where a gate failed."""
    return RunRecord(
        run_id=run_id,
        day=request.day,
        config_hash=request.config.fingerprint(),
        config_json=request.config.canonical_json(),
        code_version=code_version(),
        inputs_json=inputs_json(inputs, counts, request.home, states),
        quality_json=record.model_dump_json(),
        goes_on_from=tuple(
            StateBefore(told["release_id"], table, told["version"])
            for table, told in states.items()
            if "release_id" in told
        ),
    )
