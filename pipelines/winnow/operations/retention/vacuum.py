"""Deletes files of tables that no release pins: of expired releases, of dead runs, of lost ones.

Not with delta-rs' own vacuum: that knows neither which runs are about to publish nor when a release
expired, and lets stay what the newest version names though no release ever will.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from winnow.config.tree import FURTHER_TABLES, TABLES
from winnow.errors import ConflictError, Problem, ReleaseError
from winnow.operations.retention.lost_releases import not_listed
from winnow.operations.retention.pinned_files import OpenReleases, pinned_files_of
from winnow.release.commits import Label, new_run_id
from winnow.release.conditional_put import require_conditional_put
from winnow.release.linked_files import DayCommit
from winnow.release.metadata import files_named, open_table
from winnow.release.paths import RELEASES, table_path
from winnow.release.release_status import RELEASE_STATUS
from winnow.release.releases import read_releases
from winnow.release.run_process import RUN_PROCESS_FILE
from winnow.release.staging import staged_runs
from winnow.storage.object_path import ObjectPath, Place

SAFE_AGE = timedelta(days=7)
"""So long ago a file was last linked, or its release expired, when it is deleted: nobody reads it
any more."""


@dataclass(frozen=True)
class UnpinnedFile:
    """A file that no release pins and nobody needs.

    Attributes:
        path: The file.
        size: Its bytes.
        named: Its date where the newest version of the table names it, else None.
    """

    path: Place
    size: int
    named: date | None = None


@dataclass(frozen=True)
class UnpinnedFiles:
    """What may be deleted of the tables of a warehouse.

    Attributes:
        tables: The files of each table, by path.
        problems: Why some tables were left alone.
    """

    tables: Mapping[str, tuple[UnpinnedFile, ...]]
    problems: tuple[Problem, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for files in self.tables.values() for file in files)


def find_unpinned(
    warehouse: Place, older_than: timedelta = SAFE_AGE, now: datetime | None = None
) -> UnpinnedFiles:
    """Return which files may be deleted; nothing is changed.

    A file goes that no live release pins, none that has expired lately, that is older, and that
    was there before any run began that is still at work. None goes where releases were lost that
    may come back. The files are listed first, runs looked at then, releases last: what a run links
    meanwhile is not in the list, and a run that has ended meanwhile has its release read.

    Args:
        warehouse: The folder of all tables.
        older_than: For so long a file is kept that was linked, or whose release has expired. Less
            than nothing keeps none, whatever the clocks say.
        now: By default the time of the clock.

    Raises:
        ReleaseError: The releases cannot be read: nobody knows what they pin.
        StoreError: The object store does not answer, or refuses.
    """
    moment = now or datetime.now(UTC)
    # Of releases no file goes: by them the table is made whole again where its log is lost.
    tables = [table for table in tables_of(warehouse) if table != RELEASES]
    # By the paths that pins have too: a link or ``..`` on the way would make them look like others.
    listed = {table: list(_files(table_path(warehouse, table))) for table in tables}
    limit = min([moment - older_than, *_begun(warehouse, moment)])
    snapshot = read_releases(warehouse)
    releases = OpenReleases.of(snapshot, moment - older_than)
    found: dict[str, tuple[UnpinnedFile, ...]] = {}
    any_old = any(one[2] < limit.timestamp() for files in listed.values() for one in files)
    if any_old and (lost := tuple(not_listed(warehouse, snapshot))):
        return UnpinnedFiles({}, lost)
    problems: list[Problem] = []
    for table, files in listed.items():
        path = table_path(warehouse, table)
        try:
            named = {file.path: file.ds for file in files_named(path, open_table(path))}
        except ReleaseError as error:
            problems += error.problems
            continue
        pinned = pinned_files_of(warehouse, table, releases)
        problems += pinned.problems
        kept = pinned.files | (set(named) if table == RELEASE_STATUS else set())
        old = (one for one in files if one[0] not in kept and one[2] < limit.timestamp())
        if not pinned.problems:
            found[table] = tuple(UnpinnedFile(f, size, named.get(f)) for f, size, _ in old)
    return UnpinnedFiles(found, tuple(dict.fromkeys(problems)))


def delete_unpinned(warehouse: Place, unpinned: UnpinnedFiles, code_version: str) -> UnpinnedFiles:
    """Delete the files; return those that were deleted.

    What the newest version of a table names is taken out of it by a commit first, so that no
    version that others read by its number is left with files that are gone. A date that was
    replaced meanwhile is left alone.

    Raises:
        ConfigError: An object store that cannot be written by several at once.
    """
    require_conditional_put(warehouse)
    deleted: dict[str, tuple[UnpinnedFile, ...]] = {}
    for table, files in unpinned.tables.items():
        gone = [file for file in files if file.named is None]
        of_date: dict[date, list[UnpinnedFile]] = defaultdict(list)
        for file in files:
            if file.named is not None:
                of_date[file.named].append(file)
        label = Label(new_run_id(), 1, "vacuum", code_version)
        for day, named in of_date.items():
            with suppress(ConflictError):
                commit = DayCommit(table_path(warehouse, table), day)
                if commit.before == {file.path for file in named}:
                    commit.replace_by([], label)
                    gone += named
        for file in gone:
            file.path.unlink(missing_ok=True)
        deleted[table] = tuple(gone)
    return UnpinnedFiles(deleted, unpinned.problems)


def tables_of(warehouse: Place) -> Iterator[str]:
    """Give the tables of Winnow: a table of somebody else's in the same folder is left alone."""
    of_releases = {
        pin.table
        for one in OpenReleases.of(read_releases(warehouse), datetime.min.replace(tzinfo=UTC)).live
        for pin in one.tables
    }
    for table in sorted({*TABLES, *FURTHER_TABLES, RELEASES, RELEASE_STATUS, *of_releases}):
        if (table_path(warehouse, table) / "_delta_log").is_dir():
            yield table


def _files(folder: Place) -> Iterator[tuple[Place, int, float]]:
    """Give each file of a table, its size, and when it was last written or linked."""
    if isinstance(folder, ObjectPath):
        for one, told in folder.objects():
            if one.name.endswith(".parquet") and "_delta_log" not in one.relative_to(folder).parts:
                yield one, told.st_size, told.st_mtime
        return
    for path in folder.rglob("*.parquet"):
        if "_delta_log" in path.relative_to(folder).parts or path.is_symlink():
            continue
        with suppress(FileNotFoundError):
            info = path.stat()
            yield path, info.st_size, max(info.st_mtime, info.st_ctime)


def _begun(warehouse: Place, now: datetime) -> Iterable[datetime]:
    """Give when each run began that is not over, by the clock of the file system or the store."""
    for run in staged_runs(warehouse):
        if run.is_over(now):
            continue
        if run.marker is not None:
            yield run.marker.begun
        else:
            record = run.path / RUN_PROCESS_FILE
            with suppress(FileNotFoundError):
                info = (record if record.exists() else run.path).stat()
                yield datetime.fromtimestamp(info.st_mtime, UTC)
