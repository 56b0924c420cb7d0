"""What still holds rows of some users though no release does: files that wait to be deleted."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from winnow.errors import Problem, ReleaseError
from winnow.operations.forgetting.erased_files import rows_of_users
from winnow.operations.forgetting.erased_users import ErasedUsers, columns_to_look_at, id_columns
from winnow.operations.retention.clean import OldStaging, find_old_staging, remove_staging
from winnow.operations.retention.release_files import filed_releases
from winnow.operations.retention.vacuum import (
    UnpinnedFile,
    UnpinnedFiles,
    delete_unpinned,
    find_unpinned,
)
from winnow.release.metadata import PinnedFile, arrow_schema, open_table
from winnow.release.paths import RELEASES, REPORTS, table_path
from winnow.release.release import releases_contract
from winnow.release.release_rows import ListedRelease
from winnow.release.releases import ReleasesSnapshot, StoredDocuments, read_releases
from winnow.storage.object_path import Place

_OF_ANY_AGE = timedelta(days=-1)
"""Later than any file there is, and than any release that has expired, whatever the clocks say."""


@dataclass(frozen=True)
class Leftovers:
    """What may hold something of the users, and that no reader opens any more.

    Attributes:
        tables: Files of tables with rows of theirs that no release pins, also of releases that
            have expired and of runs that died.
        releases: Files of ``releases`` that were replaced.
        staging: What runs have staged that are over.
        pages: Kept pages in which one of the ids stands.
        at_work: Runs that may hold rows of theirs, or make them, and are not over.
        problems: What may hold rows of theirs and stays, as it cannot be looked into.
    """

    tables: UnpinnedFiles
    releases: tuple[Place, ...]
    staging: OldStaging
    pages: tuple[Place, ...]
    at_work: tuple[Problem, ...]
    problems: tuple[Problem, ...]

    @property
    def files(self) -> int:
        """How many files of tables, of ``releases`` and pages there are."""
        of_tables = sum(len(files) for files in self.tables.tables.values())
        return of_tables + len(self.releases) + len(self.pages)


def find_leftovers(warehouse: Place, users: ErasedUsers) -> Leftovers:
    """Return what could be deleted, however young; nothing is changed.

    Raises:
        ReleaseError: The releases cannot be read: nobody knows what they pin.
    """
    snapshot = read_releases(warehouse)
    unpinned = find_unpinned(warehouse, _OF_ANY_AGE)
    columns = _all_id_columns((*snapshot.listed, *snapshot.expired))
    tables = {
        table: tuple(_of_users(warehouse, table, files, users, columns))
        for table, files in unpinned.tables.items()
        if columns_to_look_at(table)
    }
    staging = find_old_staging(warehouse)
    return Leftovers(
        UnpinnedFiles(tables, ()),
        tuple(_replaced(warehouse, snapshot)),
        staging,
        tuple(_pages(warehouse, users)),
        _told(staging),
        unpinned.problems,
    )


def runs_at_work(warehouse: Place) -> tuple[Problem, ...]:
    """Return the runs that may have read rows of users, and are not over.

    Raises:
        StoreError: The object store does not answer: nobody knows which runs are at work.
    """
    return _told(find_old_staging(warehouse))


def delete_leftovers(warehouse: Place, found: Leftovers, code_version: str) -> tuple[Problem, ...]:
    """Delete them; return what is still there, and why.

    Who has such a file open reads it to its end; who opens a release anew gets the rows without
    those of the users; who listed files before and opens one now finds it gone.
    """
    delete_unpinned(warehouse, found.tables, code_version)
    for path in (*found.releases, *found.pages):
        path.unlink(missing_ok=True)
    remove_staging(found.staging)
    if isinstance(warehouse, Path):
        _remove_empty(warehouse / REPORTS)
    left = [file for files in found.tables.tables.values() for file in files if file.path.exists()]
    what = "was replaced by another run at this moment, and may hold rows of these users"
    problems = (Problem(str(file.path), what, next_step="Run it again.") for file in left)
    return (*found.at_work, *found.problems, *problems)


def _told(staging: OldStaging) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            f"the run {run.run_id}",
            "is at work, or of another machine: it may hold rows of these users, or make them",
            next_step="Run it again when it is over; winnow clean tells.",
        )
        for run in staging.kept
        if run.path.is_dir() or run.marker is not None
    )


def _of_users(
    warehouse: Place,
    table: str,
    files: Iterable[UnpinnedFile],
    users: ErasedUsers,
    columns: dict[str, tuple[str, ...]],
) -> Iterator[UnpinnedFile]:
    """Give the files with rows of the users, and with each that is named all named of its date."""
    schema = arrow_schema(open_table(table_path(warehouse, table)))
    named: dict[date, list[UnpinnedFile]] = defaultdict(list)
    wanted: set[date] = set()
    for file in files:
        one = PinnedFile(file.path, file.size, None)
        try:
            theirs = rows_of_users(table, one, schema, users, columns) > 0
        except ReleaseError:
            # Nobody needs it, and nobody can say that it holds none.
            theirs = True
        if file.named is not None:
            named[file.named].append(file)
            wanted |= {file.named} if theirs else set()
        elif theirs:
            yield file
    for day in sorted(wanted):
        yield from named[day]


def _replaced(warehouse: Place, snapshot: ReleasesSnapshot) -> Iterator[Place]:
    """Give the files of ``releases`` whose releases stand in a file that the table names."""
    path = table_path(warehouse, RELEASES)
    every = (*snapshot.listed, *snapshot.expired)
    named = {file.path for one in every for file in one.files}
    known = {one.release_id for one in every}
    filed = list(filed_releases(path, list(releases_contract().names))) if every else []
    whole = {one.release_id for one in filed if one.file in named}
    of_file: dict[Place, list[str]] = defaultdict(list)
    for one in filed:
        of_file[one.file].append(one.release_id)
    for file, ids in of_file.items():
        if file not in named and all(name in known & whole for name in ids):
            yield file


def _pages(warehouse: Place, users: ErasedUsers) -> Iterator[Place]:
    root = warehouse / REPORTS
    found: list[Place] = [*root.rglob("*")] if root.is_dir() else []
    for path in sorted(found, key=str):
        if path.is_file() and users.may_stand_in(path.read_bytes().decode(errors="replace")):
            yield path


def _remove_empty(root: Path) -> None:
    folders = [path for path in root.rglob("*") if path.is_dir()] if root.is_dir() else []
    for folder in sorted(folders, reverse=True):
        with suppress(OSError):
            folder.rmdir()


def _all_id_columns(releases: Iterable[ListedRelease]) -> dict[str, tuple[str, ...]]:
    """Return the columns of user ids by log, of all configs that made releases."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for text in {text for one in releases if (text := _config_of(one))}:
        for log, columns in id_columns(text).items():
            found[log] |= dict.fromkeys(columns)
    return {log: tuple(columns) for log, columns in found.items()}


def _config_of(one: ListedRelease) -> str | None:
    with suppress(ReleaseError):
        return StoredDocuments(one)().config_json
    return None
