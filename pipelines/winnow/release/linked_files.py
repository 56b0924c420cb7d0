"""Staged files become a date of a published table: linked into its folder, then committed by name.

What was audited are these very files, so to publish them no row is read or written again, on any
engine. delta-rs commits their names. A commit counts only if nobody replaced the same date since
the promotion began.
"""

import json
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from winnow.contracts.tables import TableContract
from winnow.errors import GateError, Problem
from winnow.release.commits import Label, conflict
from winnow.release.file_frames import day_of_folder
from winnow.release.metadata import files_named, open_table
from winnow.release.sorted_files import file_schema
from winnow.storage.object_path import ObjectPath, Place, local_path

_THREADS = 8
"""Files that are looked at and linked beside each other: a shared file system answers slowly."""

_TRIES = 100
"""Each try that fails means that another date was committed, so this many dates at once."""


@dataclass(frozen=True)
class LinkedFile:
    """A file in the folder of a published table that no version names yet, and its rows."""

    path: Place
    rows: int


def link_files(
    files: Iterable[Path], contract: TableContract, folder: Place, day: date
) -> list[LinkedFile]:
    """Put staged files into a table's folder of their date, under new names.

    Args:
        files: The files of a staged table, each in a folder of its date.
        contract: The table's contract.
        folder: Of the date, below the published table.
        day: The date.

    Returns:
        The files there: links, or copies where a link is refused, as of another user's file, or
        where there are none, as in an object store.

    Raises:
        GateError: A file is gone, is of another date or has other columns; nothing was linked.
    """
    found = sorted(files)
    with ThreadPoolExecutor(_THREADS) as pool:
        footers = list(pool.map(_footer, found))
        problems = [
            problem
            for file, footer in zip(found, footers, strict=True)
            if (problem := _misfit(file, footer, contract, day))
        ]
        GateError.raise_if_any(problems)
        folder.mkdir(parents=True, exist_ok=True)
        names = [f"part-{number:05d}-{uuid4()}.parquet" for number in range(len(found))]
        linked: list[Place] = [folder / name for name in names]
        try:
            list(pool.map(put_file, found, linked))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            _remove(linked)
            raise
    rows = [footer.num_rows for footer in footers if isinstance(footer, pq.FileMetaData)]
    return [LinkedFile(path, n) for path, n in zip(linked, rows, strict=True)]


def link_unchanged(file: Place, folder: Place, rows: int) -> LinkedFile:
    """Put a published file into a date's folder under a new name as well.

    Args:
        file: The file. folder: Of the date. rows: How many the file has.
    """
    path = folder / f"part-00000-{uuid4()}.parquet"
    if isinstance(path, ObjectPath) and isinstance(file, ObjectPath):
        file.copy_to(path)
    else:
        link_or_copy(local_path(file), local_path(path))
    return LinkedFile(path, rows)


def _footer(file: Path) -> pq.FileMetaData | Exception:
    try:
        return pq.read_metadata(file)
    except (OSError, pa.ArrowException) as error:
        return error


def _misfit(
    file: Path, footer: pq.FileMetaData | Exception, contract: TableContract, day: date
) -> Problem | None:
    """Return why a staged file must not be published, None where it may."""
    if isinstance(footer, Exception):
        return Problem(contract.table, "a staged file cannot be read", f"{file}: {footer}")
    if day_of_folder(file.parent) != day:
        return Problem(contract.table, f"{file} is not of {day}")
    wanted = file_schema(contract).remove(contract.names.index("ds"))
    found, expected = _columns(footer.schema.to_arrow_schema()), _columns(wanted)
    if found == expected:
        return None
    return Problem(
        contract.table,
        f"{file} has other columns than the table",
        ", ".join(f"{name} {kind}" for name, kind in found if (name, kind) not in expected)
        or "another number or order of them",
        ", ".join(f"{name} {kind}" for name, kind in expected if (name, kind) not in found) or None,
    )


def put_file(file: Path, target: Place) -> None:
    """Put a file of this machine into the folder of a published table: linked, or uploaded."""
    if isinstance(target, ObjectPath):
        target.upload(file)
    else:
        link_or_copy(file, target)


def link_or_copy(file: Path, target: Path) -> None:
    """Give a file another name; where a link is refused, as of another user's file, copy it."""
    try:
        target.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, target)


def _remove(files: Iterable[Place]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


class DayCommit:
    """The commit that replaces one date of a table, by a run that has seen the table before it."""

    def __init__(self, path: Place, day: date) -> None:
        """Look at what the table at ``path`` holds of the date now."""
        self._path, self._day = path, day
        self._table = open_table(path)
        self._before = self._named()

    @property
    def before(self) -> frozenset[Place]:
        """The files of the date as they were when the commit began."""
        return frozenset(self._before)

    def replace_by(self, files: Sequence[LinkedFile], label: Label) -> None:
        """Replace the date by files that lie in its folder.

        Of a run that lost they are removed. What else goes wrong may do so behind the commit, which
        then names them: they stay, and Delta's clean-up removes what no version names.

        Raises:
            ConflictError: Somebody else replaced the same date meanwhile.
        """
        ds, paths = self._day.isoformat(), {file.path for file in files}
        actions: list[AddAction | RemoveAction] = [self._added(file, ds) for file in files]
        properties = CommitProperties(
            custom_metadata={"userMetadata": label.to_json()}, max_commit_retries=0
        )
        for _ in range(_TRIES):
            with suppress(CommitFailedError):
                self._table.create_write_transaction(
                    actions,
                    mode="overwrite",
                    schema=self._table.schema(),
                    partition_by=["ds"],
                    partition_filters=[("ds", "=", ds)],
                    commit_properties=properties,
                )
                return
            # Somebody committed: fine, as long as it was not this date.
            self._table = open_table(self._path)
            now = self._named()
            if paths and now == paths:
                return  # this run did, and only the answer was lost
            if now != self._before:
                break
        _remove(paths)
        raise conflict(self._path.name, self._day)

    def _named(self) -> set[Place]:
        """Return the files of the date that the version at hand names."""
        return {f.path for f in files_named(self._path, self._table) if f.ds == self._day}

    def _added(self, file: LinkedFile, ds: str) -> AddAction:
        info = file.path.stat()
        return AddAction(
            path=str(file.path).removeprefix(f"{self._path}/"),
            size=info.st_size,
            partition_values={"ds": ds},
            modification_time=info.st_mtime_ns // 1_000_000,
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )


def _columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Return names and types, whatever may be NULL: that depends on what an engine could prove."""
    return [(field.name, _bare(field.type)) for field in schema]


def _bare(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_bare(kind.value_type)) if pa.types.is_list(kind) else kind
