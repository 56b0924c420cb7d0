"""A Delta table as a log: one version, checked by us before any engine reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from winnow.config.date_patterns import date_in
from winnow.config.log_shapes import Partition
from winnow.errors import InputError, Problem
from winnow.logs.delta.addresses import engines_find, require_address
from winnow.logs.files.listing import Listing
from winnow.logs.files.locations import Location, SourceFile
from winnow.logs.opened import DeltaVersion, Opened
from winnow.logs.parquet.footers import read_footers
from winnow.logs.types import source_column
from winnow.storage.file_systems import unreachable

_READ = {
    "columnMapping",
    "deletionVectors",
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
}
"""The reader features of Delta tables that both engines read, and the same rows."""

_VALUES = "partition."


@dataclass(frozen=True)
class _File:
    file: SourceFile
    values: Mapping[str, object]
    elsewhere: bool


def open_delta(
    log: str,
    location: Location,
    partition: Partition | None,
    wanted: Sequence[date],
    required: Sequence[date],
    allow_empty: bool,
) -> tuple[Opened, Listing]:
    """Look at the newest version of a Delta table: its columns, its rows, whether its files exist.

    Args:
        log: The log's name, for messages.
        location: The table's folder.
        partition: The table's partition column of dates (or dates as text or number), or None.
        wanted: The dates to read.
        required: The dates that must have rows.
        allow_empty: True accepts a missing table and missing dates.

    Raises:
        InputError: There is no such table, it needs what not every engine reads, a partition's
            value is no date, a date has no rows, or a file is missing or damaged.
    """
    try:
        table = _open(log, location)
        _refuse_features(log, location, table)
        schema = pa.schema(table.schema())
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
        deleted = _deleted_rows(table)
    except OSError as error:
        raise InputError(_unreached(log, location, error)) from error
    except DeltaError as error:
        missing = location.info(location.path).type.name == "NotFound"
        if allow_empty and missing:
            nothing = Opened(location, "delta", (), ())
            return nothing, Listing(location, (), None, None if partition is None else (), ())
        found = None if missing else str(error).splitlines()[0]
        what = "does not exist" if missing else "is not a readable Delta table"
        raise InputError(Problem(f"logs.{log}.path", f"{location.path} {what}", found)) from error
    _check_partition(log, location, partition, table)
    files, warnings = _files(log, location, partition, actions)
    read = [file for file in files if partition is None or file.file.date in set(wanted)]
    dates = tuple(sorted({file.file.date for file in read if file.file.date is not None}))
    problems = _missing_files(log, location, read)
    for day in () if allow_empty or partition is None else required:
        if day not in dates:
            assert partition is not None
            what = f"{location.path} has no files where {partition.column} is {day}"
            next_step = "To accept that: winnow build --allow-empty."
            problems.append(Problem(f"logs.{log}.path", what, next_step=next_step))
    InputError.raise_if_any(problems)
    footers = read_footers(log, location, [file.file for file in read])
    rows = sum(footer.rows or 0 for footer in footers)
    gone = None if deleted is None else sum(deleted.get(file.file.path, 0) for file in read)
    opened = Opened(
        location=location,
        kind="delta",
        groups=(),
        columns=tuple(source_column(f.name, f.type, path=location.path) for f in schema),
        rows=None if gone is None else rows - gone,
        size=sum(file.file.size for file in read),
        delta=_version(log, location, partition, table, read),
        warnings=warnings,
    )
    folders: tuple[str, ...] = (location.path,)
    if partition is not None:
        folders = tuple(f"{location.path}/{partition.column}={day}" for day in dates)
    listed = tuple(sorted((file.file for file in read), key=lambda file: file.path))
    return opened, Listing(location, listed, None, None if partition is None else dates, folders)


def _open(log: str, location: Location) -> DeltaTable:
    """Return the table of a log.

    Raises:
        InputError: delta-rs would take its path for another one.
    """
    if location.scheme != "file://":
        require_address(log, location)
        return DeltaTable(location.uri(location.path))
    if unquote(location.path) != location.path:
        what = "a Delta table must have no % and two hex digits in its path"
        step = "Rename the folder: what is read would be another one."
        raise InputError(Problem(f"logs.{log}.path", what, location.path, next_step=step))
    return DeltaTable(location.path)


def list_delta(log: str, location: Location, partition: Partition | None) -> tuple[SourceFile, ...]:
    """Return the files of the newest version of a Delta table, with their dates; no footer is read.

    Args: as of ``open_delta``.

    Raises:
        InputError: There is no such table, or a partition's value is no date.
    """
    try:
        table = _open(log, location)
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except OSError as error:
        raise InputError(_unreached(log, location, error)) from error
    except DeltaError as error:
        what = f"{location.path} is not a readable Delta table"
        raise InputError(Problem(f"logs.{log}.path", what, str(error).splitlines()[0])) from error
    _check_partition(log, location, partition, table)
    return tuple(file.file for file in _files(log, location, partition, actions)[0])


def _unreached(log: str, location: Location, error: OSError) -> Problem:
    """Return the problem of a table whose log a store, or a disk, does not give."""
    return unreachable(f"logs.{log}.path", location.uri(location.path), error)


def _refuse_features(log: str, location: Location, table: DeltaTable) -> None:
    features = set(table.protocol().reader_features or ()) - _READ
    InputError.raise_if_any(
        Problem(
            f"logs.{log}.path",
            f"{location.path} is a Delta table that needs the reader feature {feature}",
            expected=f"no others than {', '.join(sorted(_READ))}",
            next_step="Write a copy of the table without it, or drop the feature.",
        )
        for feature in sorted(features)
    )


def _deleted_rows(table: DeltaTable) -> dict[str, int] | None:
    """Return how many rows deletion vectors take out of each file, by its path; None if unknown."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return {}
    counts: dict[str, int] = {}
    try:
        for batch in table.deletion_vectors():
            found = pa.record_batch(batch)
            for address, kept in zip(found["filepath"], found["selection_vector"], strict=True):
                counts[unquote(str(address).removeprefix("file://"))] = kept.values.false_count
    except DeltaError:
        # Of a file without numRecords, which the protocol asks for, it is not known.
        return None
    return counts


def _check_partition(
    log: str, location: Location, partition: Partition | None, table: DeltaTable
) -> None:
    if partition is None:
        return
    if partition.column is None:
        what = "the dates of a Delta table are the values of a partition column"
        raise InputError(Problem(f"logs.{log}.partition.column", what, next_step="Name it."))
    columns = table.metadata().partition_columns
    if partition.column not in columns:
        what = f"{location.path} is not partitioned by {partition.column}"
        raise InputError(Problem(f"logs.{log}.partition", what, str(columns)))


def _files(
    log: str, location: Location, partition: Partition | None, actions: Sequence[dict[str, Any]]
) -> tuple[list[_File], tuple[str, ...]]:
    """Return the files of the table; those without a date are passed over and named."""
    files: list[_File] = []
    without: list[int] = []
    wrong: set[str] = set()
    for action in actions:
        values = {
            name.removeprefix(_VALUES): value
            for name, value in action.items()
            if name.startswith(_VALUES)
        }
        path, elsewhere = _path(location, str(action["path"]))
        size, day = int(action["size_bytes"] or 0), None
        if partition is not None and partition.column is not None:
            value = values.get(partition.column)
            if value is None:
                without.append(size)
                continue
            day = _date(value, partition)
            if day is None:
                wrong.add(repr(value))
        changed_us = int(action.get("modification_time") or 0) * 1_000
        files.append(_File(SourceFile(path, size, day, changed_us), values, elsewhere))
    InputError.raise_if_any(
        Problem(
            f"logs.{log}.partition",
            f"{location.path} has partitions that are no date",
            found=value,
            expected=partition.form if partition else None,
            next_step="Take them out of the table, or correct partition.column or "
            "partition.pattern.",
        )
        for value in sorted(wrong)
    )
    if not without or partition is None:
        return files, ()
    counted = f"{len(without):,} {'file' if len(without) == 1 else 'files'}, {sum(without):,} bytes"
    return files, (f"logs.{log}: partition {partition.column} NULL passed over: {counted}",)


def _path(location: Location, address: str) -> tuple[str, bool]:
    """Return a file's path on the table's file system, and whether it lies outside of the table."""
    path = unquote(address)
    if path.startswith(location.scheme):
        return path.removeprefix(location.scheme), True
    if path.startswith("file:"):
        return "/" + path.removeprefix("file:").lstrip("/"), True
    if "://" in path or path.startswith("/"):
        return path, True
    return f"{location.path}/{path}", False


def _date(value: object, partition: Partition) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date_in(str(value), partition.pattern)


def _version(
    log: str,
    location: Location,
    partition: Partition | None,
    table: DeltaTable,
    read: Sequence[_File],
) -> DeltaVersion:
    column = partition.column if partition else None
    dates = {f.values[column]: f.file.date for f in read if column is not None}
    wanted = tuple((value, day) for value, day in dates.items() if day is not None)
    if engines_find(location) and not any(file.elsewhere for file in read):
        return DeltaVersion(table.version(), column, wanted)
    features = {"columnMapping", "deletionVectors"}
    found = features.intersection(table.protocol().reader_features or ())
    if found or table.metadata().configuration.get("delta.columnMapping.mode", "none") != "none":
        why, step = (
            "names files by absolute addresses, as a shallow clone does",
            "a deep copy of it",
        )
        if not engines_find(location):
            why = "has other signs in its address than letters, digits and / _ . - ~"
            step = "a copy at an address without them"
        what = f"{location.path} {why}, and has {' and '.join(sorted(found)) or 'columnMapping'}"
        raise InputError(
            Problem(f"logs.{log}.path", what, next_step=f"Write {step}, and name that.")
        )
    groups: dict[tuple[tuple[str, object], ...], list[SourceFile]] = {}
    for file in read:
        groups.setdefault(tuple(sorted(file.values.items())), []).append(file.file)
    files = tuple((values, tuple(members)) for values, members in groups.items())
    return DeltaVersion(table.version(), column, wanted, files)


def _missing_files(log: str, location: Location, files: Sequence[_File]) -> list[Problem]:
    paths = [file.file.path for file in files]
    infos = location.infos(paths)
    return [
        Problem(f"logs.{log}", f"{info.path} is named by the Delta log but is missing or empty")
        for info in infos
        if not info.size
    ]
