"""What the Delta log says, read and made with delta-rs: no engine is needed for metadata."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as pds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from winnow.errors import Problem, ReleaseError
from winnow.release.delta_log import entry_path, log_folder
from winnow.release.log_damage import log_problems
from winnow.release.table_files import TableFiles
from winnow.storage.file_systems import raise_if_refused, unreachable
from winnow.storage.object_path import ObjectPath, Place

_TRIES = 3
_WAIT_SECONDS = 0.1


@dataclass(frozen=True)
class TableProtocol:
    """The versions of the Delta protocol that a reader and a writer of a table must know."""

    reader: int
    writer: int


@dataclass(frozen=True)
class PinnedFile:
    """One file of one version: its place, its size in bytes, its date and rows where known."""

    path: Place
    size: int
    ds: date | None
    rows: int | None = None


def protocol_problems(where: str, found: TableProtocol) -> list[Problem]:
    """Return what keeps some readers from reading a table; empty for reader 1, writer 2 or 3."""
    if found.reader == 1 and found.writer <= 3:
        return []
    return [
        Problem(
            where,
            "its Delta protocol is newer than delta-rs, Polars and Trino read",
            found=f"reader {found.reader}, writer {found.writer}",
            expected="reader 1, writer at most 3",
            next_step="Switch off the table feature that raised it, in a new table.",
        )
    ]


def table_exists(path: Place) -> bool:
    """Return whether there is a Delta table in a folder.

    Raises:
        ReleaseError: There are files of one, but its log is gone or is no folder. Or an object
            store cannot be reached.
    """
    try:
        if DeltaTable.is_deltatable(str(path), storage_options(path)):
            return True
        log = log_folder(path)
        broken = log.exists() and not log.is_dir()
        broken = broken or next(iter(path.rglob("*.parquet")), None) is not None
    except (DeltaError, OSError) as error:
        if isinstance(path, ObjectPath):
            raise ReleaseError(unreachable("warehouse", str(path), error)) from error
        raise
    if broken:
        raise ReleaseError(*log_problems(path))
    return False


def storage_options(path: Place) -> dict[str, str] | None:
    """Return what delta-rs must know of the store of a table; None of a folder.

    A commit never replaces another one: the store must refuse to write a name that is there.
    """
    return {"conditional_put": "etag"} if isinstance(path, ObjectPath) else None


def open_table(path: Place) -> DeltaTable:
    """Return a table at its newest version.

    Raises:
        ReleaseError: Its log cannot be read; names what is broken, and what to do.
        StoreError: Its object store does not answer, or refuses.
    """
    return _opened(path, None)


def open_version(path: Place, version: int) -> DeltaTable:
    """Return a table at a version.

    Raises:
        ReleaseError: The version is not there (any more), or the log cannot be read.
        StoreError: As ``open_table``.
    """
    return _opened(path, version)


def _opened(path: Place, version: int | None) -> DeltaTable:
    failed: Exception | None = None
    for attempt in range(_TRIES):
        # While others commit, a listing may show a newer entry and not the one before it.
        time.sleep(_WAIT_SECONDS * attempt)
        try:
            return DeltaTable(str(path), version=version, storage_options=storage_options(path))
        except (DeltaError, OSError) as error:
            failed = error
            if version is not None and not entry_path(path, version).exists():
                break
    if version is not None and not entry_path(path, version).exists():
        problem = Problem(
            path.name,
            f"version {version} has expired or was never there",
            next_step="Build the date again, or read a newer release of it.",
        )
        raise ReleaseError(problem) from failed
    problems = log_problems(path)
    if not problems and failed is not None:
        raise_if_refused(str(path), failed)
    problems = problems or [
        Problem(
            f"the Delta log of {path.name}",
            "cannot be read",
            found=str(failed).strip().splitlines()[0],
            next_step=f"Look at {log_folder(path)}; a backup of it helps.",
        )
    ]
    raise ReleaseError(*problems) from failed


def read_protocol(path: Place) -> TableProtocol:
    """Return the protocol versions of a table.

    Raises:
        ReleaseError: Its log cannot be read.
    """
    found = open_table(path).protocol()
    return TableProtocol(found.min_reader_version, found.min_writer_version)


def pinned_files(path: Place, version: int, ds: date | None = None) -> list[PinnedFile]:
    """Return the files of one version, sorted by path; of one date only where one is given.

    Raises:
        ReleaseError: The version is not there (any more).
    """
    files = files_named(path, open_version(path, version))
    return [file for file in files if ds is None or file.ds == ds]


def files_named(path: Place, table: DeltaTable) -> list[PinnedFile]:
    """Return the files that an open table names, sorted by path."""
    found = (file for file, _ in files_and_stats(path, table))
    return sorted(found, key=lambda file: str(file.path))


def files_and_stats(path: Place, table: DeltaTable) -> list[tuple[PinnedFile, dict[str, Any]]]:
    """Return the files that an open table names, each with all that its log says of it.

    Of a column of which values are known, they are ``min.<column>`` and ``max.<column>``.
    """
    actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    return [(_file(path, action), action) for action in actions]


def _file(path: Place, action: dict[str, Any]) -> PinnedFile:
    return PinnedFile(
        path / unquote(action["path"]),
        int(action["size_bytes"]),
        action.get("partition.ds"),
        action.get("num_records"),
    )


def arrow_schema(table: DeltaTable) -> pa.Schema:
    """Return the Arrow schema of a table, the partition column in its place."""
    return pa.schema(table.schema().to_arrow())


def dataset_of(schema: pa.Schema, files: Sequence[PinnedFile]) -> pds.Dataset:
    """Return the files as one dataset, the date of each file restored as its ``ds``."""
    return TableFiles(schema, tuple((str(file.path), file.ds) for file in files)).dataset()
