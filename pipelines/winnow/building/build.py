"""Build one date: logs in, one released set of tables out. ``winnow build``."""

from functools import partial

from winnow.audit.judging import require_passed, told_as_warning
from winnow.audit.record import AuditRecord
from winnow.audit.suites.reading import read_suites
from winnow.building.apart import require_apart
from winnow.building.audit import audit_build, keep_run
from winnow.building.code_version import code_version
from winnow.building.inputs import (
    days_of_history,
    inputs_json,
    maturity,
    open_for_build,
    require_history,
    require_readable,
)
from winnow.building.rejected import rejected_examples
from winnow.building.request import BuildRequest
from winnow.building.sampling import count_logs, sample_logs
from winnow.building.suites import judge_logs, judge_tables
from winnow.building.summary import BuildSummary, Totals
from winnow.contracts.log import Log
from winnow.dates import CalendarDay
from winnow.engine.startup.libraries import preload_great_expectations
from winnow.errors import WinnowError
from winnow.events.orphans import (
    attributed_clicks,
    unattributed_in,
    with_unattributed,
)
from winnow.release.commits import new_run_id
from winnow.release.paths import staging_path
from winnow.release.promotion import publish
from winnow.release.release import RunRecord
from winnow.release.stage_tables import stage_tables
from winnow.sampler.kernels.mix import REASONS
from winnow.spark.scratch import Scratch
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
        return _built(request, opened)
    except WinnowError:
        raise
    except Exception as error:
        require_readable(request.config, opened, error)
        raise


def _built(request: BuildRequest, opened: dict[str, Log]) -> BuildSummary:
    """Do what ``build`` does; tell the logs as soon as they are opened."""
    require_apart(request.config)
    suites = read_suites(request.config)
    config, spark, stage = request.config, request.engine.spark, request.progress.stage
    day, run_id = CalendarDay(request.day, config.calendar_zone), new_run_id()
    limits = request.limits
    store = request.engine.store(request.warehouse, config.publishing.retention_days, limits)
    since = store.releases_snapshot()
    for table in config.tables_written:
        # A log that is damaged would else be met when the work is done.
        store.protocol(table)
    preload_great_expectations()
    request.engine.compile_kernels(stage)
    request.engine.warm_up(audit=True)
    folder = staging_path(request.warehouse, run_id)
    scratch = Scratch(spark, request.engine.ship, folder, run_id, limits)

    with stage("check the logs"):
        logs = open_for_build(request)
        opened |= logs
        mature, history = maturity(request, logs), days_of_history(request, logs)
        require_history(request, history)
    counted = count_logs(request, logs, scratch)
    counts = counted.counts

    def recorded(record: AuditRecord) -> RunRecord:
        return RunRecord(
            run_id=run_id,
            day=request.day,
            config_hash=config.fingerprint(),
            config_json=config.canonical_json(),
            code_version=code_version(),
            inputs_json=inputs_json(logs, counts, history, mature=mature, home=request.home),
            quality_json=record.model_dump_json(),
        )

    judged = judge_logs(suites, logs, counts, request, run_id, scratch.folder, recorded)
    sampled = sample_logs(request, logs, counted, scratch)
    sums = sampled.totals
    with stage("stage tables") as told:
        known = contracts(config, logs)
        made = sampled.made(known["rejected"], scratch, mature=mature)
        staged = stage_tables(made, known, config, day, store, run_id)
        told.rows = sum(table.content.rows for table in staged.values())
    with stage("audit"):
        rejected = store.read_staged(staged["rejected"])
        counts["clicks"] = with_unattributed(counts["clicks"], unattributed_in(rejected))
        record = audit_build(
            staged,
            logs,
            counts,
            request,
            scratch,
            store,
            since,
            n_attributed=attributed_clicks(sampled.clicked.pairs, day),
            totals=sums,
            history=history,
        )
        judge_tables(suites, staged, store, request, run_id, judged)
        record = record.with_gates(judged.gates, judged.suites)
        run = recorded(record)
        keep_run(run, staged, record, scratch.folder)
        warnings = [warning for log in logs.values() for warning in log.warnings]
        warnings += judged.warnings
        warnings += [told_as_warning(gate) for gate in record.gates if gate.status == "warn"]
        told_of = partial(rejected_examples, request.warehouse, run_id)
        require_passed(record.gates, run_id, scratch.folder, told_of)
    with stage("publish"):
        published = publish(store, staged, run, since)
    return BuildSummary(
        release_id=published.release.release_id,
        ds=request.day,
        published=not published.already,
        warehouse=str(request.warehouse),
        logs=counts,
        tables={name: table.content.rows for name, table in staged.items()},
        totals=Totals(**{name: sums[name] for name in Totals.__dataclass_fields__}),
        shortfall_reasons={reason: sums[reason] for reason in REASONS if sums[reason]},
        seconds=dict(request.progress.seconds),
        warnings=tuple(warnings),
    )
