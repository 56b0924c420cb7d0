"""From staged tables to a release: promote each, release all, read back, drop the staging."""

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from winnow.errors import ConflictError, GateError, Problem, ReleaseError
from winnow.release.commits import Label, require_date
from winnow.release.release import (
    ContentHash,
    Documents,
    Release,
    RunRecord,
    TablePin,
    new_release_id,
    releases_contract,
)
from winnow.release.releases import ReleasesSnapshot
from winnow.release.staged_table import StagedTable
from winnow.release.staging import drop_staging
from winnow.release.store import Store
from winnow.release.verify import verify_release

_TRIES = 40
"""Each try that fails means that another date was released, so this many dates at once."""
_FIRST_WAIT_SECONDS = 0.1
_LONGEST_WAIT_SECONDS = 3.0


@dataclass(frozen=True)
class Published:
    """How publishing ended.

    Attributes:
        release: The release that holds the rows: a new one, or the one that already did.
        already: True where equal content and config were released before: nothing was written.
    """

    release: Release
    already: bool


def publish(
    store: Store,
    staged: Mapping[str, StagedTable],
    run: RunRecord,
    since: ReleasesSnapshot,
) -> Published:
    """Promote staged and audited tables and release them as one; then drop the staging.

    A crash at any point leaves every release intact, and running again gives the same content.
    Where the newest release of the date already has this content and config, and still holds it
    when it is read again, nothing is written.

    Args:
        store: The committer of the warehouse.
        staged: By table name, in the order in which they are promoted. All hold ``run.day`` only.
        run: What stands about the run in the release.
        since: The releases at the start of the run. A later one of the same date is a conflict.

    Raises:
        ConfigError: ``run.day`` is not a plain date, or a table there has other columns.
        GateError: A staged table holds other dates, or there is no table; nothing was written.
        ConflictError: Another run published the same date meanwhile, or changed what this one
            went on from; this one released nothing.
        ReleaseError: What was read back is not what was written; nothing was released.
    """
    day = require_date(run.day)
    if not staged:
        raise GateError(Problem("publishing", f"there is no table to release for {day}"))
    GateError.raise_if_any(
        Problem(
            table.contract.table,
            "the staged rows are of another date",
            found=f"{table.first_day} to {table.last_day}",
            expected=str(day),
        )
        for table in staged.values()
        if {table.first_day, table.last_day} - {day, None}
    )
    # A run that has lost already need not write at all; what counts is the look in release().
    now = store.releases_snapshot()
    refuse_if_overtaken(now, since, run)
    # By what is released now: the release from before may have expired since the start.
    before = already_released(now, staged, run)
    if before is not None and not verify_release(before, store):
        drop_staging(store.warehouse, run.run_id)
        return Published(before, already=True)
    for table in staged.values():
        store.ensure_table(table.contract)
    label = Label(run.run_id, run.attempt, run.config_hash, run.code_version)
    pins = tuple(
        TablePin(name, store.promote(table, day, label), table.content)
        for name, table in staged.items()
    )
    released = release(store, pins, run, since)
    check_release_is_there(store, released)
    drop_staging(store.warehouse, run.run_id)
    return Published(released, already=False)


def already_released(
    snapshot: ReleasesSnapshot, staged: Mapping[str, StagedTable], run: RunRecord
) -> Release | None:
    """Return the newest release of the date if it has this config, these tables, this content.

    One that cannot be read, or is not whole, is no such release: it is to be replaced.
    """
    newest = snapshot.newest_if_whole(run.day)
    if newest is None or newest.config_hash != run.config_hash:
        return None
    there: dict[str, ContentHash] = {pin.table: pin.content for pin in newest.tables}
    wanted = {name: table.content for name, table in staged.items()}
    return newest if there == wanted else None


def release(
    store: Store, pins: tuple[TablePin, ...], run: RunRecord, since: ReleasesSnapshot
) -> Release:
    """Append one release in one commit and return it.

    Releases of other dates that come meanwhile are waited out, forty times at most. One that was
    appended although the commit's answer says otherwise counts as appended.

    Raises:
        ConflictError: Another release of this date has come since ``since``, or a state that the
            run went on from is another one.
    """
    store.ensure_table(releases_contract())
    for attempt in range(_TRIES):
        snapshot = store.releases_snapshot()
        refuse_if_overtaken(snapshot, since, run)
        now = datetime.now(UTC)
        wanted = Release(
            release_id=new_release_id(run.run_id, now),
            seq=snapshot.seq + 1,
            ds=run.day,
            run_id=run.run_id,
            created_ts=now,
            config_hash=run.config_hash,
            code_version=run.code_version,
            tables=tuple(sorted(pins, key=lambda pin: pin.table)),
            documents=partial(Documents, run.config_json, run.inputs_json, run.quality_json),
        )
        try:
            store.append_release(wanted, snapshot)
            return wanted
        except ConflictError:
            # On a network file system a commit may be done, and the answer be lost: then the
            # release that would be taken for another run's is this one.
            if store.releases_snapshot().find(wanted.release_id) is not None:
                return wanted
            if attempt == _TRIES - 1:
                raise
            # Which process waits how long must differ; no row depends on it.
            wait = min(_FIRST_WAIT_SECONDS * 2**attempt, _LONGEST_WAIT_SECONDS)
            time.sleep(wait * random.uniform(0.5, 1.5))
    raise AssertionError("unreachable")


def refuse_if_overtaken(now: ReleasesSnapshot, since: ReleasesSnapshot, run: RunRecord) -> None:
    """Refuse to go on where another run has released the same date since the start.

    So is a run whose rows were made of a state that its release no longer has: users who were
    forgotten meanwhile would come back with it.

    Raises:
        ConflictError: It has, or the state is another one; names the release.
        ReleaseError: The release that has the state cannot be read.
    """
    newest = now.listed_newest(run.day)
    if newest is not None and newest.seq > since.seq:
        raise ConflictError(
            Problem(
                "releases",
                f"another run released {run.day} since this one began",
                found=newest.release_id,
                next_step="Run again if its rows should be replaced; nothing was released here.",
            )
        )
    for state in run.goes_on_from:
        release = now.find(state.release_id)
        pin = None if release is None else release.pin(state.table)
        if pin is None or pin.version != state.version:
            raise ConflictError(
                Problem(
                    state.table,
                    "the state that this run went on from was taken back since it began",
                    found=f"{state.release_id} {'is gone' if pin is None else 'has another one'}",
                    next_step="Run again; nothing was released here.",
                )
            )


def check_release_is_there(store: Store, wanted: Release) -> None:
    """Check that the release that was appended can be read back, row by row.

    Raises:
        ReleaseError: It is not there, or not as it was written.
    """
    found = store.releases_snapshot().find(wanted.release_id)
    if found != wanted or found.documents() != wanted.documents():
        raise ReleaseError(
            Problem(
                "releases",
                f"the release {wanted.release_id} cannot be read back as it was written",
                found="no such release" if found is None else f"{len(found.tables)} tables",
                next_step="Check the storage, then build again.",
            )
        )
