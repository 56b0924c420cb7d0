"""Which files hold the rows that a build may need: listed and sized by us, before any engine reads.

Engines read a missing path, an empty folder or a zero-byte file as no rows and say nothing.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow.fs as pafs

from winnow.config.log_shapes import Partition
from winnow.errors import InputError, Problem
from winnow.logs.files.date_folders import DateFolders, find_date_folders
from winnow.logs.files.locations import Location, SourceFile, source_file
from winnow.logs.files.walking import Walk

_NAMED = 3
"""So many of several files or folders are named in a message."""


@dataclass(frozen=True)
class Listing:
    """The files of a log within what was asked for.

    Attributes:
        location: Where the log lies.
        files: Every file to read, in the order of their paths; never empty files.
        stand_in: Where ``files`` is empty, a file of another date, for its columns; else None.
        dates: The folder dates that have files, or None where the log is not partitioned.
        folders: What is read: the date folders, or the path itself.
        empty: Files of zero bytes, not in ``files``.
        warnings: What was passed over, one sentence each.
    """

    location: Location
    files: tuple[SourceFile, ...]
    stand_in: SourceFile | None
    dates: tuple[date, ...] | None
    folders: tuple[str, ...]
    empty: tuple[SourceFile, ...] = ()
    warnings: tuple[str, ...] = ()


def list_files(
    log: str,
    location: Location,
    partition: Partition | None,
    wanted: Sequence[date],
    required: Sequence[date],
    *,
    allow_empty: bool,
) -> Listing:
    """List the files of a log and check that what must be there is there.

    Args:
        log: The log's name, for messages.
        location: Where the log lies: a folder, a single file, or several by a pattern.
        partition: The date folders, or None where every file counts.
        wanted: The folder dates to read; a missing one is fine unless it is ``required``.
        required: The dates whose own folder must have files.
        allow_empty: True accepts missing paths and folders.

    Raises:
        InputError: A path or folder is missing, a folder's name holds no date, every file is
            empty, or a link leads nowhere, in a circle, or to the files of another date.
    """
    roots = location.roots()
    if not roots:
        if allow_empty:
            return Listing(location, (), None, None if partition is None else (), ())
        raise InputError(
            Problem(
                f"logs.{log}.path",
                f"{location.path} does not exist",
                next_step="Correct the path, or build without it: winnow build --allow-empty.",
            )
        )
    walk = Walk(log, location, linked=len(roots) > 1 and location.local)
    if partition is None:
        files, empty, twice = _sorted_out(walk, _files_of(walk, roots, None))
        if not files and not empty and not allow_empty:
            raise InputError(Problem(f"logs.{log}.path", f"{location.path} holds no files"))
        _refuse_if_all_empty(log, files, empty)
        folders = tuple(root.path for root in roots)
        return Listing(location, files, None, None, folders, empty, twice)
    found = find_date_folders(walk, roots, partition)
    required = () if allow_empty else required
    return _list_dates(walk, found, partition, wanted, required)


def _list_dates(
    walk: Walk,
    there: DateFolders,
    partition: Partition,
    wanted: Sequence[date],
    required: Sequence[date],
) -> Listing:
    log, location = walk.log, walk.location
    days = sorted(set(wanted) & set(there.by_date))
    listed = [file for day in days for file in _files_of(walk, there.by_date[day], day)]
    files, empty, warnings = _sorted_out(walk, listed)
    dates = tuple(sorted({file.date for file in files if file.date}))
    hollow = {file.date for file in empty}
    InputError.raise_if_any(
        Problem(
            f"logs.{log}.path",
            f"{location.path}/{partition.folder(day)} "
            + ("holds only files of zero bytes" if day in hollow else _NOT_THERE),
            next_step="Wait for that log, or build without it: winnow build --allow-empty.",
        )
        for day in required
        if day not in dates
    )
    _refuse_if_all_empty(log, files, empty)
    stand_in = None
    if not files:
        others = (
            file
            for day, folders in sorted(there.by_date.items())
            for file in _files_of(walk, folders, day)
        )
        stand_in = next((file for file in others if file.size > 0), None)
    folders = tuple(
        folder.path for day in dates for folder in there.by_date[day] if _within(folder.path, files)
    )
    warnings += _without_date(walk, there.without_date)
    return Listing(location, files, stand_in, dates, folders, empty, warnings)


def empty_file_warnings(
    log: str, location: Location, empty: Sequence[SourceFile], why: str = "of zero bytes"
) -> tuple[str, ...]:
    """Return what is said of empty text files among others: Spark's writers leave some."""
    if not empty:
        return ()
    named = _some(location, [file.path for file in empty], "file")
    return (f"logs.{log}: {named} {why} passed over",)


_NOT_THERE = "does not exist or holds no files"


def _within(folder: str, files: Iterable[SourceFile]) -> bool:
    return any(file.path.startswith(f"{folder}/") for file in files)


def _files_of(walk: Walk, infos: Iterable[pafs.FileInfo], day: date | None) -> list[SourceFile]:
    return [source_file(found, day) for info in infos for found in walk.files(info)]


def _sorted_out(
    walk: Walk, listed: Sequence[SourceFile]
) -> tuple[tuple[SourceFile, ...], tuple[SourceFile, ...], tuple[str, ...]]:
    """Return the files, those of zero bytes, and what is said of files that are met twice."""
    walk.raise_if_any()
    kept, twice = _each_once(walk, listed) if walk.linked else (list(listed), [])
    warnings: tuple[str, ...] = ()
    if twice:
        named = _some(walk.location, twice, "link")
        warnings = (f"logs.{walk.log}: {named} to what is read already passed over",)
    files = tuple(file for file in kept if file.size)
    return files, tuple(file for file in kept if not file.size), warnings


def _each_once(walk: Walk, listed: Sequence[SourceFile]) -> tuple[list[SourceFile], list[str]]:
    """Return every real file once, under its own name rather than a link's, and the links."""
    real = {file.path: os.path.realpath(file.path) for file in listed}
    first: dict[str, SourceFile] = {}
    for file in sorted(listed, key=lambda file: (file.path != real[file.path], file.path)):
        known = first.setdefault(real[file.path], file)
        if known.date != file.date:
            what = f"{file.path} and {known.path} are one file in the folders of two dates"
            InputError.raise_if_any([Problem(f"logs.{walk.log}", what, next_step=_ONE_DATE)])
    kept = {file.path for file in first.values()}
    return (
        [file for file in listed if file.path in kept],
        [file.path for file in listed if file.path not in kept],
    )


_ONE_DATE = "Remove the link: a row belongs to one date."


def _refuse_if_all_empty(
    log: str, files: Sequence[SourceFile], empty: Sequence[SourceFile]
) -> None:
    if empty and not files:
        raise InputError(
            Problem(
                f"logs.{log}",
                f"{_some(None, [file.path for file in empty], 'file')} of zero bytes, no others",
                next_step="Write the log again, or remove the files.",
            )
        )


def _without_date(walk: Walk, folders: Sequence[pafs.FileInfo]) -> tuple[str, ...]:
    warnings = []
    for folder in folders:
        found = walk.files(folder)
        size = sum(file.size for file in found)
        warnings.append(
            f"logs.{walk.log}: folder {_below(walk.location, folder.path)} passed over, its rows "
            f"have no date: {len(found):,} {'file' if len(found) == 1 else 'files'}, {size:,} bytes"
        )
    walk.raise_if_any()
    return tuple(warnings)


def _some(location: Location | None, paths: Sequence[str], noun: str) -> str:
    """Return ``2 files (a, b)``; of many, the first few."""
    names = [_below(location, path) if location else path for path in paths[:_NAMED]]
    more = ", …" if len(paths) > _NAMED else ""
    return f"{len(paths):,} {noun}{'' if len(paths) == 1 else 's'} ({', '.join(names)}{more})"


def _below(location: Location, path: str) -> str:
    """Return a path as seen from the log's own: what is kept with a release names no machine."""
    names = path.removeprefix(f"{location.path}/")
    return names if names != path else path.rpartition("/")[2]
