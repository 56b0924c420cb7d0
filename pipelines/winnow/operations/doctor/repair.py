"""Makes ``releases`` whole again from the files in it, where rows or its log were lost."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
from deltalake import CommitProperties, Schema
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from winnow.contracts.spark_schema import spark_schema
from winnow.errors import ConflictError, Problem, ReleaseError
from winnow.operations.doctor.set_aside import logs_set_aside, set_log_aside
from winnow.operations.retention.lost_releases import missed_releases
from winnow.operations.retention.release_files import (
    FiledRelease,
    committed_files,
    committed_files_of_log,
    filed_releases,
    newest_filed,
    write_release,
)
from winnow.release.conditional_put import require_conditional_put
from winnow.release.delta_log import log_folder
from winnow.release.log_damage import log_problems
from winnow.release.metadata import arrow_schema, open_table
from winnow.release.new_table import create_table, table_properties
from winnow.release.paths import RELEASES, table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import releases_contract
from winnow.release.release_rows import ListedRelease, listed_releases
from winnow.release.release_status import read_statuses
from winnow.release.releases import ReleasesSnapshot, read_release, read_releases
from winnow.storage.object_path import Place

_RETENTION_DAYS = 400


@dataclass(frozen=True)
class Repaired:
    """What was done to ``releases``.

    Attributes:
        restored: The releases that are whole again, by id, oldest first.
        lost: The others that readers cannot open, each with what to do.
        old_log: Where the damaged log was moved to; None where it could be read.
    """

    restored: tuple[str, ...] = ()
    lost: tuple[Problem, ...] = ()
    old_log: Place | None = None


def repair_releases(warehouse: Place) -> Repaired:
    """Write the rows of releases again that were lost, doubled or cannot be read, in one commit.

    Only releases come back whose tables still hold them: each pinned version must be a commit of
    the release's own run. Nothing is written where nothing is wrong.

    Raises:
        ConflictError: Somebody released meanwhile; nothing was written.
        ConfigError: An object store that cannot be written by several at once.
        StoreError: It does not answer, or refuses.
        ReleaseError: The status of releases cannot be read; nothing was written.
    """
    require_conditional_put(warehouse)
    path = table_path(warehouse, RELEASES)
    if not path.is_dir():
        return Repaired()
    # An entry that is empty stops no reader, and its release is not there for any.
    if not log_folder(path).is_dir() or log_problems(path):
        return _with_new_log(warehouse, path)
    try:
        listed_releases(path, open_table(path))
    except ReleaseError:
        return _with_new_log(warehouse, path)
    # What else keeps releases from being read, such as their status, no new log would mend.
    snapshot = read_releases(warehouse)
    every = (*snapshot.listed, *snapshot.expired)
    broken = {one.release_id for one in snapshot.listed if not _is_whole(snapshot, one.release_id)}
    known = {one.release_id for one in every}
    committed = committed_files(path)
    filed = newest_filed(filed_releases(path, list(releases_contract().names)), committed)
    missed = set(missed_releases(path, snapshot))
    if not broken and not missed:
        return Repaired()
    lost = [_lost(one) for one in snapshot.listed if one.release_id in broken - set(filed)]
    in_several = [one for one in snapshot.listed if one.release_id not in broken | set(filed)]
    if in_several:
        what = "its rows stand in several files: nothing is written, as it might get lost"
        where = (f"the release {one.release_id} of {one.ds}" for one in in_several)
        return Repaired(lost=(*lost, *(Problem(one, what) for one in where)))
    # Those that have expired stay, so that no number is given again.
    kept = [one for name, one in filed.items() if name in known - broken]
    wanted = [one for name, one in filed.items() if name in broken | missed]
    return _written(warehouse, path, kept, wanted, lost)


def _with_new_log(warehouse: Place, path: Place) -> Repaired:
    """Take a log out of use that cannot be read, and make one of all releases in files.

    The new log is whole before it takes the place of the old one: who dies on the way leaves a
    table without a log, and the next one does it all.
    """
    committed = committed_files(path).union(*map(committed_files_of_log, logs_set_aside(warehouse)))
    filed = newest_filed(filed_releases(path, list(releases_contract().names)), committed)
    of_seq: dict[int, list[FiledRelease]] = defaultdict(list)
    for one in filed.values():
        of_seq[one.seq].append(one)
    chosen: list[FiledRelease] = []
    lost: list[Problem] = []
    for same in (of_seq[seq] for seq in sorted(of_seq)):
        # Of several with one number only one was committed; the log may say which.
        sure = [one for one in same if one.file.name in committed] or same
        if len(sure) == 1:
            chosen += sure
        else:
            lost += [_unknown(one) for one in sure]
    contract = releases_contract()
    schema = Schema.from_json(spark_schema(contract).json())
    added = [write_release(path, pa.schema(schema.to_arrow()), one.rows) for one in chosen]
    old = set_log_aside(path, warehouse) if log_folder(path).exists() else None
    if not create_table(path, schema, [], table_properties(contract, _RETENTION_DAYS), added):
        raise _released_meanwhile(path, added)
    done = _checked(warehouse, chosen, lost)
    return Repaired(done.restored, done.lost, old)


def _written(
    warehouse: Place,
    path: Place,
    kept: Sequence[FiledRelease],
    wanted: Sequence[FiledRelease],
    lost: Sequence[Problem],
) -> Repaired:
    """Write one file per release, and a commit that names these and no others."""
    table = open_table(path)
    every = sorted((*kept, *wanted), key=lambda one: one.seq)
    added = [write_release(path, arrow_schema(table), one.rows) for one in every]
    actions: list[AddAction | RemoveAction] = [*added]
    try:
        table.create_write_transaction(
            actions,
            mode="overwrite",
            schema=table.schema(),
            partition_by=[],
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except CommitFailedError as error:
        raise _released_meanwhile(path, added) from error
    return _checked(warehouse, wanted, lost)


def _released_meanwhile(path: Place, added: Sequence[AddAction]) -> ConflictError:
    for file in added:
        (path / file.path).unlink(missing_ok=True)
    what, step = "somebody released meanwhile", "Run it again; nothing was changed."
    return ConflictError(Problem(RELEASES, what, next_step=step))


def _checked(warehouse: Place, wanted: Sequence[FiledRelease], lost: Sequence[Problem]) -> Repaired:
    """Return which releases that are in the table again can be opened."""
    expired = read_statuses(warehouse).expired
    problems = list(lost)
    restored = []
    snapshot = read_releases(warehouse)
    for one in sorted(wanted, key=lambda one: one.seq):
        problem = None if one.release_id in expired else _unpinned(warehouse, snapshot, one)
        if problem is None:
            restored.append(one.release_id)
        else:
            problems.append(problem)
    return Repaired(tuple(restored), tuple(problems))


def _is_whole(snapshot: ReleasesSnapshot, release_id: str) -> bool:
    with suppress(ReleaseError):
        found = snapshot.find(release_id)
        return found is not None and bool(found.documents())
    return False


def _unpinned(warehouse: Place, snapshot: ReleasesSnapshot, one: FiledRelease) -> Problem | None:
    """Return what is wrong with the files of a release that is in the table again."""
    listed = next(found for found in snapshot.listed if found.release_id == one.release_id)
    release = read_release(listed)
    for pin in release.tables:
        for fault in files_of_pin(warehouse, release, pin).faults:
            where = f"{pin.table} of the release {one.release_id} of {one.ds}"
            return Problem(where, fault.text, next_step=f"Build {one.ds} again.")
    return None


def _lost(one: ListedRelease) -> Problem:
    what = "no file holds its rows any more"
    step = f"Build {one.ds} again: it is then released anew."
    return Problem(f"the release {one.release_id} of {one.ds}", what, next_step=step)


def _unknown(one: FiledRelease) -> Problem:
    what = f"nobody knows whether it or another one was the release with the number {one.seq}"
    step = f"Build {one.ds} again: it is then released anew."
    return Problem(f"the release {one.release_id} of {one.ds}", what, next_step=step)
