"""Which files hold the rows that a build may need: listed and sized by us, before any engine reads.

Engines read a missing path, an empty folder or a zero-byte file as no rows and say nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pyarrow.fs as pafs

from pipelines.contracts.days import DateRange, start_of
from pipelines.errors import InputError, Problem

if TYPE_CHECKING:
    from pipelines.config.logs import Partition

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class SourceFile:
    """One file of a log: its path on the log's file system, its size and its folder's date."""

    path: str
    size: int
    date: date | None


@dataclass(frozen=True)
class Place:
    """Where a log lies: a file system, the path on it, and the text for messages and engines."""

    filesystem: pafs.FileSystem
    path: str
    scheme: str

    @classmethod
    def of(cls, text: str, base: Path) -> "Place":
        """Return the place of a configured path; relative paths start at ``base``."""
        if "://" in text:
            filesystem, path = pafs.FileSystem.from_uri(text)
            scheme = text[: len(text) - len(path)] if text.endswith(path) else "file://"
            return cls(filesystem, path.rstrip("/"), scheme)
        return cls(pafs.LocalFileSystem(), str((base / text).absolute()), "file://")

    def uri(self, path: str) -> str:
        """Return the address that an engine reads a path of this file system under."""
        return f"{self.scheme}{path}"


@dataclass(frozen=True)
class Listing:
    """The files of a log within what was asked for.

    Attributes:
        place: Where the log lies.
        files: Every file to read, in the order of their paths; never empty files.
        stand_in: Where ``files`` is empty, a file of another date, for its columns; else None.
        dates: The folder dates that have files, or None where the log is not partitioned.
        folders: What is read: the date folders, or the path itself.
    """

    place: Place
    files: tuple[SourceFile, ...]
    stand_in: SourceFile | None
    dates: tuple[date, ...] | None
    folders: tuple[str, ...]


def folder_dates(dates: DateRange, partition: "Partition", calendar_zone: str) -> tuple[date, ...]:
    """Return the folder dates that can hold event times of ``dates``, in order.

    An event lies in the folder of its date in the folder's zone, or up to ``lag_days`` later.

    Example:
        2026-01-02 in UTC, folders in Asia/Tokyo, lag 1: 2026-01-02 to 2026-01-04.
    """
    zone = ZoneInfo(partition.zone or calendar_zone)
    begin = _instant(start_of(dates.first, calendar_zone)).astimezone(zone)
    end = _instant(start_of(dates.last + timedelta(days=1), calendar_zone) - 1).astimezone(zone)
    last = end.date() + timedelta(days=partition.lag_days)
    return tuple(DateRange(begin.date(), last))


def list_files(
    log: str,
    place: Place,
    partition: "Partition | None",
    wanted: Sequence[date],
    required: Sequence[date],
    *,
    allow_empty: bool,
) -> Listing:
    """List the files of a log and check that what must be there is there.

    Args:
        log: The log's name, for messages.
        place: Where the log lies: a folder, or a single file.
        partition: The date folders, or None where every file counts.
        wanted: The folder dates to read; a missing one is fine unless it is ``required``.
        required: The dates whose own folder must have files.
        allow_empty: True accepts missing paths and folders.

    Raises:
        InputError: A path or folder is missing, a folder's name holds no date, or a file is empty.
    """
    info = place.filesystem.get_file_info(place.path)
    if info.type == pafs.FileType.NotFound:
        if allow_empty:
            return Listing(place, (), None, None if partition is None else (), ())
        raise InputError(
            Problem(
                f"logs.{log}.path",
                f"{place.path} does not exist",
                next_step="Correct the path, or pass --allow-empty to build without it.",
            )
        )
    if partition is None:
        files = tuple(_files_of(place, info, None))
        if not files and not allow_empty:
            raise InputError(Problem(f"logs.{log}.path", f"{place.path} holds no files"))
        _refuse_empty(log, files)
        return Listing(place, files, None, None, (place.path,))
    return _list_partitions(log, place, partition, wanted, () if allow_empty else required)


def _list_partitions(
    log: str, place: Place, partition: "Partition", wanted: Sequence[date], required: Sequence[date]
) -> Listing:
    there = _date_folders(log, place, partition)
    files: list[SourceFile] = []
    folders: list[str] = []
    for day in sorted(set(wanted) & set(there)):
        found = list(_files_of(place, there[day], day))
        files += found
        folders += [there[day].path] if found else []
    dates = tuple(sorted({file.date for file in files if file.date}))
    InputError.raise_if_any(
        Problem(
            f"logs.{log}.path",
            f"{place.path}/{partition.column}={day} does not exist or holds no files",
            next_step="Wait for the log of that date, or pass --allow-empty to build without it.",
        )
        for day in required
        if day not in dates
    )
    _refuse_empty(log, files)
    stand_in = None
    if not files:
        others = (file for day in sorted(there) for file in _files_of(place, there[day], day))
        stand_in = next((file for file in others if file.size > 0), None)
    return Listing(place, tuple(files), stand_in, dates, tuple(folders))


def _date_folders(log: str, place: Place, partition: "Partition") -> dict[date, pafs.FileInfo]:
    folders: dict[date, pafs.FileInfo] = {}
    problems = []
    for info in place.filesystem.get_file_info(pafs.FileSelector(place.path)):
        if info.base_name.startswith(("_", ".")):
            continue
        name, _, value = unquote(info.base_name).partition("=")
        try:
            if name != partition.column or not _ISO_DATE.fullmatch(value):
                raise ValueError
            folders[date.fromisoformat(value)] = info
        except ValueError:
            problems.append(
                Problem(
                    f"logs.{log}.partition",
                    f"{info.path} is not a date folder",
                    expected=f"{partition.column}=YYYY-MM-DD",
                    next_step="Move it out of the log, or correct partition.column.",
                )
            )
    InputError.raise_if_any(problems)
    return folders


def _files_of(place: Place, info: pafs.FileInfo, day: date | None) -> Iterator[SourceFile]:
    if info.type == pafs.FileType.File:
        yield SourceFile(info.path, info.size, day)
        return
    found = place.filesystem.get_file_info(pafs.FileSelector(info.path, recursive=True))
    for entry in sorted(found, key=lambda entry: str(entry.path)):
        inside = entry.path[len(info.path) :].strip("/").split("/")
        hidden = any(part.startswith(("_", ".")) for part in inside)
        if entry.type == pafs.FileType.File and not hidden:
            yield SourceFile(entry.path, entry.size, day)


def _refuse_empty(log: str, files: Sequence[SourceFile]) -> None:
    InputError.raise_if_any(
        Problem(
            f"logs.{log}",
            f"{file.path} has zero bytes",
            next_step="Write the file again, or remove it.",
        )
        for file in files
        if file.size == 0
    )


def _instant(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + microseconds * _MICROSECOND
