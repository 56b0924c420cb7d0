"""Folders that stand for dates: which ones a build needs, and which ones are there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pyarrow.fs as pafs

from winnow.config.date_patterns import NULL_FOLDER
from winnow.dates import DateRange, start_of
from winnow.errors import ConfigError, InputError, Problem
from winnow.logs.files.locations import hidden
from winnow.logs.files.walking import Walk

if TYPE_CHECKING:
    from winnow.config.log_shapes import Partition

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class DateFolders:
    """The date folders of a log.

    Attributes:
        by_date: The folders of each date.
        without_date: Folders of rows whose date was NULL, where they hold files.
    """

    by_date: dict[date, list[pafs.FileInfo]] = field(default_factory=dict)
    without_date: list[pafs.FileInfo] = field(default_factory=list)


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


def find_date_folders(
    walk: Walk, roots: Sequence[pafs.FileInfo], partition: "Partition"
) -> DateFolders:
    """Return the date folders below the roots of a log.

    Raises:
        ConfigError: No name holds a date as the config has it.
        InputError: Some do not, or one date is written in two ways.
    """
    found = DateFolders()
    spellings: dict[date, set[str]] = {}
    problems = []
    for info, name in _named(walk, roots, partition.levels):
        if NULL_FOLDER in name:
            found.without_date.append(info)
            continue
        day = partition.date_of(name) if info.type == pafs.FileType.Directory else None
        if day is None:
            problems.append(_no_date(walk.log, info, partition))
            continue
        found.by_date.setdefault(day, []).append(info)
        spellings.setdefault(day, set()).add(name)
    if partition.pattern is None:
        problems += [
            Problem(
                f"logs.{walk.log}.partition",
                f"two kinds of folders stand for {day}: {' and '.join(sorted(names))}",
                next_step="Say with partition.pattern which are meant, or move one away.",
            )
            for day, names in sorted(spellings.items())
            if len(names) > 1
        ]
    walk.raise_if_any()
    if problems and not found.by_date:
        # Not one folder is as the config says: it is the config that is wrong: one problem.
        raise ConfigError(problems[0])
    InputError.raise_if_any(problems)
    return found


def _named(
    walk: Walk, roots: Sequence[pafs.FileInfo], levels: int
) -> list[tuple[pafs.FileInfo, str]]:
    """Return what lies so many levels below the roots, with its name from the root on."""
    named = [(root, "") for root in roots]
    ended: list[tuple[pafs.FileInfo, str]] = []
    for _ in range(levels):
        below = []
        for info, name in named:
            if info.type != pafs.FileType.Directory or NULL_FOLDER in name:
                ended.append((info, name))
                continue
            for inner in walk.entries(info.path):
                folder = unquote(inner.base_name)
                if not hidden(folder) or folder == NULL_FOLDER:
                    below.append((inner, f"{name}/{folder}" if name else folder))
        named = below
    return ended + named


def _no_date(log: str, info: pafs.FileInfo, partition: "Partition") -> Problem:
    return Problem(
        f"logs.{log}.partition",
        f"{info.path} is not a date folder",
        expected=partition.form,
        next_step="Move it out of the log, or correct partition.column or partition.pattern.",
    )


def _instant(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + microseconds * _MICROSECOND
