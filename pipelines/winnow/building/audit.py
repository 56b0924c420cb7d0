"""The audit of a build: what it is shown, and where its record is kept."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from pydantic import ValidationError
from pyspark.sql import DataFrame

from winnow.audit.audit import audit
from winnow.audit.evidence import Evidence, HistoryChain
from winnow.audit.gates.history import MOST_RELEASES
from winnow.audit.recompute.item_aliases import with_own_aliases
from winnow.audit.record import AuditRecord
from winnow.building.earlier_states import replaced_states
from winnow.building.frequency import STATE_TABLE, goes_on_from, started_anew
from winnow.building.history import HISTORY_TABLE, HistoryBefore
from winnow.building.inputs import Inputs
from winnow.building.sampling import Sampled
from winnow.config.model import Frozen
from winnow.contracts.counts import RowCounts
from winnow.errors import ReleaseError
from winnow.events.organic_positives import count_organic
from winnow.events.orphans import attributed_clicks
from winnow.release.paths import staging_path
from winnow.release.release import Release, RunRecord
from winnow.release.releases import ReleasesSnapshot
from winnow.release.staged_table import StagedTable
from winnow.release.store import Store
from winnow.run import Run
from winnow.storage.object_path import Place

RECORD_FILE = "audit.json"
"""The record's file in the staging of a run, where a run that failed can be looked at."""


class AuditedRun(Frozen):
    """What the staging of a run tells about its audit; fields as in ``Release``."""

    run_id: str
    ds: date
    code_version: str
    config_json: str
    inputs_json: str
    tables: dict[str, int]
    record: AuditRecord


def audit_build(
    run: Run,
    inputs: Inputs,
    sampled: Sampled,
    counts: Mapping[str, RowCounts],
    staged: Mapping[str, StagedTable],
    store: Store,
    since: ReleasesSnapshot,
    *,
    allow_empty: bool,
    history: HistoryBefore | None = None,
) -> AuditRecord:
    """Audit the staged tables of a build.

    Args:
        run: What was built, and where it computes.
        inputs: The logs as opened; their frames read the files again.
        sampled: What the tables were made of.
        counts: Where the rows of each log went, orphans among the rejected.
        staged: The staged tables. store: Its tables.
        since: The releases as of the start.
        allow_empty: Whether tables may be empty.
        history: What histories went on from.
    """
    before, known_days = release_before(since, run.day.date), inputs.history_days
    evidence = Evidence(
        run=run,
        staged={name: store.read_staged(table) for name, table in staged.items()},
        files={name: store.read_as_written(table) for name, table in staged.items()},
        contracts={name: table.contract for name, table in staged.items()},
        counts=counts,
        logs=with_own_aliases(inputs.logs, run),
        n_attributed=attributed_clicks(sampled.attributed.pairs.frame, run.day),
        n_organic=count_organic(
            sampled.counted.logs["clicks"], sampled.attributed, run.config, run.day
        ),
        totals=sampled.totals,
        protocols={name: found.reader for name in staged if (found := store.protocol(name))},
        history_share=None
        if known_days is None
        else known_days / run.config.popularity.window_days,
        earlier=earlier_volumes(since, run.day.date),
        items_before=_items_of(before, store),
        allow_empty=allow_empty,
        frequency_before=_frequency_before(since, run, store),
        frequency_restarted=started_anew(since, run.config, run.day.date),
        frequency_replaced=replaced_states(since, run.day.date, STATE_TABLE)
        if run.config.estimates_frequency
        else (),
        history=HistoryChain() if history is None else _history(history, inputs, since, run, store),
    )
    return audit(evidence)


def keep_run(
    run: RunRecord, staged: Mapping[str, StagedTable], record: AuditRecord, folder: Path
) -> None:
    """Write the audit of a run into its staging, where a run that failed can be looked at."""
    kept = AuditedRun(
        run_id=run.run_id,
        ds=run.day,
        code_version=run.code_version,
        config_json=run.config_json,
        inputs_json=run.inputs_json,
        tables={name: table.content.rows for name, table in staged.items()},
        record=record,
    )
    (folder / RECORD_FILE).write_text(kept.model_dump_json(indent=1), encoding="utf-8")


def earlier_volumes(since: ReleasesSnapshot, day: date) -> list[dict[str, float]]:
    """Return the volumes of the newest releases of the last earlier dates, the latest last."""
    dates = [one for one in since.dates if one < day][-MOST_RELEASES:]
    newest = [release for one in dates if (release := since.newest_if_whole(one)) is not None]
    records = [record_of(release) for release in newest]
    return [dict(record.volume) for record in records if record is not None and record.volume]


def release_before(since: ReleasesSnapshot, day: date) -> Release | None:
    """Return the newest release of the latest earlier date, None where there is none."""
    dates = [one for one in since.dates if one < day]
    return since.newest_if_whole(dates[-1]) if dates else None


def record_of(release: Release) -> AuditRecord | None:
    """Return the audit record of a release; None where it is gone or of another version."""
    try:
        return AuditRecord.model_validate_json(release.quality_json)
    except (ValidationError, ReleaseError):
        return None


def failed_run(warehouse: Place, run_id: str) -> AuditedRun | None:
    """Return what a run left in its staging; None where that is gone or holds no audit."""
    path = staging_path(warehouse, run_id) / RECORD_FILE
    return AuditedRun.model_validate_json(path.read_text("utf-8")) if path.is_file() else None


def _frequency_before(since: ReleasesSnapshot, run: Run, store: Store) -> DataFrame | None:
    """Return the state after the date before, where this config can go on from it."""
    release = goes_on_from(since, run.config, run.day.date)
    pin = None if release is None else release.pin(STATE_TABLE)
    if release is None or pin is None:
        return None
    return store.read_version(STATE_TABLE, pin.version, release.ds)


def _history(
    given: HistoryBefore, inputs: Inputs, since: ReleasesSnapshot, run: Run, store: Store
) -> HistoryChain:
    """Return what histories must go on from: what ``given`` says of its date is looked up here."""
    day, table = run.day.date, HISTORY_TABLE
    replaced = replaced_states(
        since, day, table, most=run.config.requests.days(run.config.exclusion)
    )
    chain = HistoryChain(
        restarted=given.restarted,
        replaced=replaced,
        missing=given.missing_dates(inputs.logs["clicks"], run.config, day),
    )
    if given.release is None:
        return chain
    # The newest release of the date, by the log of releases and not as it was given.
    release = since.newest(given.release.ds)
    pin = None if release is None else release.pin(table)
    if release is None or pin is None:
        return chain
    before = store.read_version(table, pin.version, release.ds)
    until_us = run.day.shifted((release.ds - day).days).end_us
    return replace(chain, before=before, until_us=until_us)


def _items_of(release: Release | None, store: Store) -> DataFrame | None:
    pin = None if release is None else release.pin("item_stats")
    if release is None or pin is None:
        return None
    return store.read_version("item_stats", pin.version, release.ds)
