"""The real publishing, expiring and vacuuming code with a warehouse in memory below it.

What is real: ``promotion``, ``Store.promote``, ``DayCommit``, ``SailStore.append_release``,
``read_releases`` and what it gives, ``find_expiring``, ``write_changes``, ``tag_release``,
``find_unpinned``, ``delete_unpinned``, ``files_of_pin``. What stands in memory: delta-rs' handles
and commits, the folder of each table, and the staging.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from deltalake import CommitProperties
from deltalake.transaction import AddAction
from winnow.errors import Problem, ReleaseError
from winnow.operations.retention import status_changes, vacuum
from winnow.release import guarded_append, linked_files, pins, promotion, releases, store
from winnow.release.linked_files import LinkedFile
from winnow.release.pins import files_of_pin
from winnow.release.release import ContentHash, Release
from winnow.release.release_rows import ListedRelease
from winnow.release.release_status import ReleaseStatuses, StatusChange
from winnow.release.sail_store import SailStore
from winnow.release.staged_table import StagedTable
from winnow.release.staging import StagedRun
from winnow.release.verify import Finding
from winnow.storage.object_path import Place

from tests.faults import memory_world as world
from tests.faults.asking import ask
from tests.faults.memory_tables import (
    TABLES,
    WAREHOUSE,
    Handle,
    files_named,
    open_table,
    pinned_files,
)


class MemoryListed(ListedRelease):
    """A release of which the rows are at hand."""

    def rows(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        return [{name: dict(row)[name] for name in columns} for row in self.schema]


def listed(rows: tuple[Any, ...]) -> MemoryListed:
    first = dict(rows[0])
    return MemoryListed(first["release_id"], first["seq"], first["ds"], (), rows)


class MemoryStore(SailStore):
    """The store of the engine sail, without an engine."""

    def __init__(self) -> None:
        super().__init__(None, WAREHOUSE)  # type: ignore[arg-type]

    def ensure_table(self, contract: Any) -> None:
        """All tables are there from the start."""

    def link(self, staged: StagedTable, folder: Place, day: date) -> list[LinkedFile]:
        path = folder / f"part-{staged.run_id}.parquet"
        ask(world.link, staged.run_id, str(path), staged.content)
        return [LinkedFile(path, staged.content.rows)]

    def content_of_version(self, staged: StagedTable, version: int, day: date) -> ContentHash:
        found = self.content(staged.contract.table, version, day)
        if found is None:
            raise ReleaseError(Problem(staged.contract.table, "a file of it is gone"))
        return found

    def newest_version(self, table: str) -> int:
        """For a planted bug: the version of now, whoever committed it."""
        number: int = ask(world.head, table)[0]
        return number

    def content(self, table: str, version: int, day: date) -> ContentHash | None:
        """What files hold, None where one is gone; several are no content that was ever staged."""
        files = pinned_files(WAREHOUSE / table, version, day)
        found = ask(world.contents, tuple(str(file.path) for file in files))
        if None in found:
            return None
        return found[0] if len(found) == 1 else ContentHash(sum(c.rows for c in found), "several")


def verify_release(release: Release, memory: MemoryStore) -> tuple[Finding, ...]:
    """As the real one: the log first, then the files."""
    faults: list[pins.Fault] = []
    for pin in release.tables:
        faults += files_of_pin(WAREHOUSE, release, pin).faults
        if not faults and memory.content(pin.table, pin.version, release.ds) != pin.content:
            faults.append(pins.Fault("wrong_content", "not what was released"))
    return tuple(Finding(release.release_id, release.ds, "", fault) for fault in faults)


def write_deltalake(
    table: Handle, rows: Any, mode: str, commit_properties: CommitProperties
) -> None:
    if mode == "append":
        frozen = tuple(tuple(sorted(row.items())) for row in rows)
        ask(world.append_release, frozen, table.number, commit_properties.max_commit_retries)
    else:
        changes = tuple(StatusChange(**row) for row in rows)
        ask(world.write_statuses, changes, table.number)


def open_version(path: Path, version: int | None) -> Handle:
    return Handle(path, version, frozenset())  # type: ignore[arg-type]


def staged_runs(warehouse: Path) -> tuple[StagedRun, ...]:
    return tuple(
        StagedRun(
            run, warehouse / "_staging" / run, "alive" if alive else "ended", world.moment(week)
        )
        for run, alive, week in ask(world.runs)
    )


class Clock:
    """In place of ``datetime``, where code asks for the time."""

    @staticmethod
    def now(zone: Any) -> datetime:
        return world.moment(ask(world.now))


ROWS = SimpleNamespace(Table=SimpleNamespace(from_pylist=lambda rows, schema: rows))
"""In place of PyArrow, where rows are written."""


def read_statuses(warehouse: Path) -> ReleaseStatuses:
    return ReleaseStatuses(*ask(world.statuses))


def _open_releases(path: Path) -> Handle:
    rows = ask(world.releases)
    handle = Handle(path, len(rows), frozenset())
    handle.rows = rows  # type: ignore[attr-defined]
    return handle


IN_MEMORY: Mapping[Any, Mapping[str, Any]] = {
    linked_files: {"open_table": open_table, "files_named": files_named},
    store: {"version_labelled": lambda path, label: ask(world.labelled, path.name, label)},
    guarded_append: {
        "open_version": open_version,
        "arrow_schema": lambda table: None,
        "write_deltalake": write_deltalake,
        "pa": ROWS,
    },
    releases: {
        "table_exists": lambda path: True,
        "open_table": _open_releases,
        "listed_releases": lambda path, table: tuple(map(listed, table.rows)),
        "read_statuses": read_statuses,
    },
    promotion: {
        "verify_release": verify_release,
        "drop_staging": lambda warehouse, run: ask(world.drop_staging, run),
        "datetime": SimpleNamespace(now=lambda zone: world.BEGAN),
        "time": SimpleNamespace(sleep=lambda seconds: None),
    },
    pins: {
        "pinned_files": pinned_files,
        "label_of_version": lambda path, number: ask(world.version, path.name, number).label,
    },
    status_changes: {
        "read_statuses": read_statuses,
        "create_table": lambda *given: ask(world.create_statuses),
        "plain_schema": lambda contract: None,
        "table_properties": lambda contract, days: {},
        "open_version": open_version,
        "arrow_schema": lambda table: None,
        "write_deltalake": write_deltalake,
        "pa": ROWS,
        "datetime": Clock,
    },
    vacuum: {
        "open_table": open_table,
        "files_named": files_named,
        "staged_runs": staged_runs,
        # No file of releases is lost here.
        "not_listed": lambda warehouse, snapshot: (),
        "new_run_id": lambda: "vacuum",
        "FURTHER_TABLES": (),
        "TABLES": tuple(TABLES),
    },
}


@contextmanager
def in_memory() -> Iterator[None]:
    """Put the warehouse in memory below the real code, for as long as the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in IN_MEMORY.items():
            for name, stand_in in names.items():
                patch.setattr(module, name, stand_in)
        # With the file's place in the table alone: delta-rs is not there to want more.
        patch.setattr(linked_files.DayCommit, "_added", _added)
        yield


def _added(self: Any, file: LinkedFile, ds: str) -> AddAction:
    path = file.path.relative_to(self._path).as_posix()
    return AddAction(path, 1, {"ds": ds}, 0, True, "")
