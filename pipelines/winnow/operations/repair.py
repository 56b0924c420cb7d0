"""Makes ``releases`` whole again from the files in it, where rows or its log were lost."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from winnow.errors import ConflictError, Problem, ReleaseError
from winnow.operations.lost_releases import missed_releases
from winnow.operations.release_files import (
    FiledRelease,
    committed_files,
    filed_releases,
    newest_filed,
    write_release,
)
from winnow.release.creation import ensure_table
from winnow.release.delta_log import log_folder
from winnow.release.log_damage import log_problems
from winnow.release.metadata import arrow_schema, open_table
from winnow.release.paths import RELEASES, table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import releases_contract
from winnow.release.release_rows import ListedRelease
from winnow.release.release_status import read_statuses
from winnow.release.releases import ReleasesSnapshot, read_release, read_releases

DAMAGED = "_damaged"
"""The folder of a warehouse that keeps a log that was taken out of use."""

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
    old_log: Path | None = None


def repair_releases(warehouse: Path) -> Repaired:
    """Write the rows of releases again that were lost, doubled or cannot be read, in one commit.

    Only releases come back whose tables still hold them: each pinned version must be a commit of
    the release's own run. Nothing is written where nothing is wrong.

    Raises:
        ConflictError: Somebody released meanwhile; nothing was written.
    """
    path = table_path(warehouse, RELEASES)
    if not path.is_dir():
        return Repaired()
    # An entry that is empty stops no reader, and its release is not there for any.
    if not log_folder(path).is_dir() or log_problems(path):
        return _with_new_log(warehouse, path)
    try:
        snapshot = read_releases(warehouse)
    except ReleaseError:
        return _with_new_log(warehouse, path)
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


def _with_new_log(warehouse: Path, path: Path) -> Repaired:
    """Take a log out of use that cannot be read, and make one of all releases in files."""
    committed = committed_files(path)
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
    folder = warehouse / DAMAGED / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    old = None
    if log_folder(path).exists():
        folder.mkdir(parents=True)
        old = log_folder(path).rename(folder / f"{RELEASES}_delta_log")
    # Its files keep a table from being made where there is none.
    aside = [file.rename(folder / file.name) for file in _moved(path, folder)]
    try:
        ensure_table(path, releases_contract(), _RETENTION_DAYS)
    finally:
        for file in aside:
            file.rename(path / file.name)
    done = _written(warehouse, path, [], chosen, lost)
    return Repaired(done.restored, done.lost, old)


def _moved(path: Path, folder: Path) -> Iterable[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return sorted(path.glob("*.parquet"))


def _written(
    warehouse: Path,
    path: Path,
    kept: Sequence[FiledRelease],
    wanted: Sequence[FiledRelease],
    lost: Sequence[Problem],
) -> Repaired:
    """Write one file per release, and a commit that names these and no others."""
    table = open_table(path)
    expired = read_statuses(warehouse).expired
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
        for file in added:
            (path / file.path).unlink(missing_ok=True)
        what, step = "somebody released meanwhile", "Run it again; nothing was changed."
        raise ConflictError(Problem(RELEASES, what, next_step=step)) from error
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


def _unpinned(warehouse: Path, snapshot: ReleasesSnapshot, one: FiledRelease) -> Problem | None:
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
