"""Staged files become a date of a published table: linked into its folder, then committed by name.

What was audited are these very files, so to publish them no row is read or written again, on any
engine. delta-rs commits their names. A commit counts only if nobody replaced the same date since
the promotion began.
"""

import json
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from pipelines.contracts.tables import TableContract
from pipelines.errors import ConflictError, GateError, Problem
from pipelines.publishing.commits import Label
from pipelines.publishing.file_frames import day_of_folder
from pipelines.publishing.metadata import pinned_files
from pipelines.publishing.sorted_files import file_schema

_THREADS = 8
"""Files that are linked, or copied, beside each other: a shared file system answers slowly."""

_TRIES = 100
"""Each try that fails means that another date was committed, so this many dates at once."""


def link_files(staged: Path, contract: TableContract, folder: Path, day: date) -> list[Path]:
    """Put staged files into a table's folder of their date, under new names.

    Args:
        staged: The folder of a staged table, its files in folders of their dates.
        contract: The table's contract.
        folder: Of the date, below the published table.
        day: The date.

    Returns:
        The files there: links, or copies where the file system knows no links.

    Raises:
        GateError: A file is of another date or has other columns; nothing was linked.
    """
    wanted = file_schema(contract).remove(contract.names.index("ds"))
    found = sorted(staged.rglob("*.parquet"))
    problems = []
    for file in found:
        if day_of_folder(file.parent) != day:
            problems.append(Problem(contract.table, f"{file} is not of {day}"))
        if _columns(pq.read_schema(file)) != _columns(wanted):
            problems.append(Problem(contract.table, f"{file} has other columns"))
    GateError.raise_if_any(problems)
    folder.mkdir(parents=True, exist_ok=True)
    linked = [folder / f"part-{number:05d}-{uuid4()}.parquet" for number in range(len(found))]
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(_link, found, linked))
    except BaseException:
        _remove(linked)
        raise
    return linked


def _link(file: Path, target: Path) -> None:
    try:
        target.hardlink_to(file)
    except OSError:  # a file system without hard links, or another owner's file
        shutil.copyfile(file, target)


def are_the_same(files: Iterable[Path], others: Iterable[Path]) -> bool:
    """Return whether both are the same files, under whatever names."""
    return {_identity(file) for file in files} == {_identity(file) for file in others}


class DayCommit:
    """The commit that replaces one date of a table, by a run that has seen the table before it."""

    def __init__(self, path: Path, day: date) -> None:
        """Look at what the table at ``path`` holds of the date now."""
        self._path, self._day = path, day
        self._table = DeltaTable(str(path))
        self._before = pinned_files(path, self._table.version(), day)

    def replace_by(self, files: list[Path], label: Label) -> None:
        """Replace the date by files that lie in its folder; they are removed where that fails.

        Raises:
            ConflictError: Somebody else replaced the same date meanwhile.
        """
        ds = self._day.isoformat()
        actions: list[AddAction | RemoveAction] = [self._added(file, ds) for file in files]
        properties = CommitProperties(
            custom_metadata={"userMetadata": label.to_json()}, max_commit_retries=0
        )
        try:
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
                self._table = DeltaTable(str(self._path))
                if pinned_files(self._path, self._table.version(), self._day) != self._before:
                    break
            raise conflict(self._path.name, self._day)
        except BaseException:
            _remove(files)
            raise

    def _added(self, file: Path, ds: str) -> AddAction:
        info = file.stat()
        return AddAction(
            path=file.relative_to(self._path).as_posix(),
            size=info.st_size,
            partition_values={"ds": ds},
            modification_time=info.st_mtime_ns // 1_000_000,
            data_change=True,
            stats=json.dumps({"numRecords": pq.read_metadata(file).num_rows}),
        )


def conflict(table: str, day: date) -> ConflictError:
    """Return the error of a run that was overtaken while it published a date."""
    return ConflictError(
        Problem(
            table,
            f"another run committed while this one was publishing {day}",
            next_step="Run again; nothing of this run was released.",
        )
    )


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _columns(schema: pa.Schema) -> list[tuple[str, pa.DataType]]:
    """Return names and types, whatever may be NULL: that depends on what an engine could prove."""
    return [(field.name, _bare(field.type)) for field in schema]


def _bare(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_bare(kind.value_type)) if pa.types.is_list(kind) else kind


def _identity(file: Path) -> tuple[int, int]:
    """Return the device and number of a file: two names of one file have the same."""
    info = file.stat()
    return info.st_dev, info.st_ino
