"""Takes the rows of some users out of all releases that readers may open.

Files without them are written and committed beside those that readers read; then the pins of all
releases move at once. Until then readers see the rows as before, and what was written is no more
than files that no release pins. So a run that dies leaves nothing half, and the next one does it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from winnow.errors import ConflictError, Problem, ReleaseError
from winnow.operations.forgetting.erased_files import (
    TouchedTable,
    WrittenTable,
    contents_without,
    remove_written,
    write_without,
)
from winnow.operations.forgetting.erased_releases import ErasedRelease, move_pins
from winnow.operations.forgetting.erased_users import ErasedUsers
from winnow.operations.forgetting.leftovers import runs_at_work
from winnow.operations.forgetting.users_rows import TouchedRelease, UsersRows, find_users_rows
from winnow.release.commits import Label, conflict, new_run_id
from winnow.release.conditional_put import require_conditional_put
from winnow.release.delta_log import version_labelled
from winnow.release.linked_files import DayCommit, LinkedFile, link_unchanged
from winnow.release.metadata import PinnedFile
from winnow.release.paths import staging_path, table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import ContentHash, TablePin
from winnow.release.releases import ReleasesSnapshot, read_release, read_releases
from winnow.release.run_markers import run_at_work
from winnow.release.staging import drop_staging
from winnow.release.store import Store

_THREADS = 4
"""Tables that are written beside each other, each of them in memory meanwhile."""
_PASSES = 5
"""Each one more means that a release came meanwhile, which may hold rows of the users as well."""


@dataclass(frozen=True)
class Forgotten:
    """What was erased.

    Attributes:
        releases: Of each release its date, and how many rows of each table.
        problems: Why some releases or tables were left alone.
        at_work: Runs that may have read rows of theirs before, and may release them yet.
    """

    releases: Mapping[str, tuple[date, Mapping[str, int]]]
    problems: tuple[Problem, ...]
    at_work: tuple[Problem, ...] = ()


def forget(store: Store, users: ErasedUsers, code_version: str) -> Forgotten:
    """Erase the rows of some users from all releases that readers may open.

    The files that hold them are there until they are deleted; see ``leftovers``.

    Args:
        store: Of the warehouse: its engine hashes rows. users: Whose rows.
        code_version: Of Winnow.

    Raises:
        ConfigError: The ids are none that this warehouse can have.
        ConflictError: Others published the same dates meanwhile. Releases whose pins have moved
            are as they should be; run it again.
        ReleaseError: What was written is not the rest; no pin of this pass has moved.
        StoreError: The object store does not answer, or refuses; as above.
    """
    require_conditional_put(store.warehouse)
    done: dict[str, tuple[date, Mapping[str, int]]] = {}
    for _ in range(_PASSES):
        found = find_users_rows(store.warehouse, users)
        if not found.releases:
            # In this order: a run that is not at work now has released before, or begins later.
            at_work = runs_at_work(store.warehouse)
            if read_releases(store.warehouse).version == found.snapshot.version:
                return Forgotten(done, found.problems, at_work)
            continue
        _erase(store, found, users, code_version)
        for one in found.releases:
            rows = dict(done.get(one.release.release_id, (None, {}))[1])
            for table, n in one.rows.items():
                rows[table] = rows.get(table, 0) + n
            done[one.release.release_id] = one.release.ds, rows
    what = "releases came again and again that may hold rows of these users"
    raise ConflictError(Problem("releases", what, next_step="Run it again once no build runs."))


def _erase(store: Store, found: UsersRows, users: ErasedUsers, code_version: str) -> None:
    run_id, warehouse = new_run_id(), store.warehouse
    folder = staging_path(warehouse, run_id)
    try:
        # What it has linked and not committed yet is deleted by no vacuum meanwhile.
        with run_at_work(warehouse, run_id):
            labels = _Labels(run_id, code_version)
            pins: dict[str, list[TablePin]] = defaultdict(list)
            with _written(found, users, store, folder) as written:
                for (day, table), touched in _by_table(found.releases).items():
                    work = _DayOfTable(store, day, table, labels, found.snapshot)
                    for name, pin in work.erase(touched, written).items():
                        pins[name].append(pin)
            erased = [
                ErasedRelease(
                    one.listed, tuple(pins[one.release.release_id]), one.rows, one.quality_json
                )
                for one in found.releases
            ]
            move_pins(warehouse, erased, labels.of(run_id))
    finally:
        drop_staging(warehouse, run_id)


@dataclass
class _Written:
    """The files that were written, and what they hold; those that a version names by now."""

    tables: Mapping[TouchedTable, WrittenTable]
    contents: Mapping[TouchedTable, ContentHash]
    committed: set[TouchedTable] = field(default_factory=set)


@contextmanager
def _written(
    found: UsersRows, users: ErasedUsers, store: Store, scratch: Path
) -> Iterator[_Written]:
    """Write all tables without the users' rows; what no version names in the end is removed."""
    every = [table for release in found.releases for table in release.tables]

    def write(one: TouchedTable) -> WrittenTable:
        day = f"ds={one.ds.isoformat()}"
        return write_without(one, users, table_path(store.warehouse, one.pin.table) / day, scratch)

    written = _Written({}, {})
    with ThreadPoolExecutor(_THREADS) as pool:
        asked = {one: pool.submit(write, one) for one in every}
        try:
            written.tables = {one: future.result() for one, future in asked.items()}
            written.contents = contents_without(written.tables, store, scratch)
            yield written
        finally:
            pool.shutdown(cancel_futures=True)
            for one, future in asked.items():
                named = one in written.committed
                if not (named or future.cancelled() or future.exception()):
                    remove_written(future.result().files)


@dataclass(frozen=True)
class _Labels:
    """The labels of one process that erases: each says whose rows the version holds."""

    erasing_run: str
    code_version: str

    def of(self, run_id: str) -> Label:
        return Label.of_erasure(run_id, self.erasing_run, self.code_version)


class _DayOfTable:
    """One date of one table, of which some releases hold rows of the users.

    Each of them needs a version of its own. The newest version names in the end what it did before,
    without these rows: that of the newest release, as a rule.
    """

    def __init__(
        self, store: Store, day: date, table: str, labels: _Labels, snapshot: ReleasesSnapshot
    ) -> None:
        self._store, self._day, self._table = store, day, table
        self._labels, self._snapshot = labels, snapshot
        self._path = table_path(store.warehouse, table)
        self._folder = self._path / f"ds={day.isoformat()}"
        self._before = self._expected = DayCommit(self._path, day).before

    def erase(
        self, touched: Mapping[TouchedRelease, TouchedTable], written: _Written
    ) -> dict[str, TablePin]:
        """Commit a version without the users' rows for each release; return the pins by release."""

        def order(one: TouchedRelease) -> tuple[bool, int]:
            return {file.path for file in touched[one].files} == self._before, one.release.seq

        found: dict[str, TablePin] = {}
        for one in sorted(touched, key=order):
            table = touched[one]
            # What goes wrong with the commit may do so behind it: then the files are named.
            written.committed.add(table)
            label = self._labels.of(one.release.run_id)
            version = self._commit(written.tables[table].files, label)
            content = written.contents[table]
            found[one.release.release_id] = TablePin(self._table, version, content)
        if not any(order(one)[0] for one in touched):
            self._restore()
        return found

    def _commit(self, files: Iterable[LinkedFile], label: Label) -> int:
        linked = tuple(files)
        commit = DayCommit(self._path, self._day)
        if commit.before != self._expected:
            remove_written(linked)
            raise conflict(self._table, self._day)
        commit.replace_by(linked, label)
        self._expected = frozenset(one.path for one in linked)
        return version_labelled(self._path, label)

    def _restore(self) -> None:
        """Name the files of the release again that the table named before, which has no such row.

        What no release pins is not brought back.
        """
        for files in self._pinned():
            if {file.path for file in files} == self._before:
                linked = [link_unchanged(one.path, self._folder, one.rows or 0) for one in files]
                self._commit(linked, self._labels.of(self._labels.erasing_run))
                return

    def _pinned(self) -> Iterable[tuple[PinnedFile, ...]]:
        for one in self._snapshot.listed:
            if one.ds == self._day:
                with suppress(ReleaseError):
                    release = read_release(one)
                    pin = release.pin(self._table)
                    if pin is not None:
                        yield files_of_pin(self._store.warehouse, release, pin).files


def _by_table(
    releases: Iterable[TouchedRelease],
) -> dict[tuple[date, str], dict[TouchedRelease, TouchedTable]]:
    found: dict[tuple[date, str], dict[TouchedRelease, TouchedTable]] = defaultdict(dict)
    for one in releases:
        for touched in one.tables:
            found[one.release.ds, touched.pin.table][one] = touched
    return found
