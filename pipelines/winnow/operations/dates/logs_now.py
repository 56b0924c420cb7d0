"""The files of the logs as they are now: listed once for many dates, without an engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from winnow.config.log_shapes import Partition
from winnow.config.logs import EVENT_TIME, LOG_NAMES
from winnow.config.tree import Config
from winnow.contracts.log_files import configured_log
from winnow.contracts.needed_dates import Needs, dates_needed
from winnow.dates import CalendarDay, DateRange
from winnow.errors import InputError, Problem
from winnow.logs.delta.table_log import list_delta
from winnow.logs.files.date_folders import find_date_folders, folder_dates
from winnow.logs.files.listing import list_files
from winnow.logs.files.locations import Location, SourceFile
from winnow.logs.files.stamps import Stamps, stamps
from winnow.logs.files.walking import Walk


@dataclass(frozen=True)
class ListedLog:
    """The files of one log.

    Attributes:
        location: Where it lies.
        partition: Its date folders, None where every date reads all of it.
        files: Those that hold bytes, of the dates that were asked for.
    """

    location: Location
    partition: Partition | None
    files: tuple[SourceFile, ...]

    @cached_property
    def by_date(self) -> Mapping[date | None, tuple[SourceFile, ...]]:
        """The files of each folder date."""
        found: dict[date | None, list[SourceFile]] = {}
        for file in self.files:
            found.setdefault(file.date, []).append(file)
        return {day: tuple(files) for day, files in found.items()}

    @cached_property
    def dates(self) -> frozenset[date]:
        """The folder dates that have files."""
        return frozenset(day for day in self.by_date if day is not None)


@dataclass(frozen=True)
class LogsNow:
    """The files of all logs of a config, and which of them the build of a date reads.

    Attributes:
        config: The config.
        logs: Each log that is configured, by its name.
    """

    config: Config
    logs: Mapping[str, ListedLog]

    def of_date(self, name: str, day: date, clicks_from: date | None = None) -> Stamps:
        """Return the stamps of the files of a log that the build of a date reads.

        ``clicks_from`` is the date from which it reads clicks for histories, if it does.
        """
        log = self.logs[name]
        if log.partition is None:
            return stamps(log.location, log.files)
        needed = dates_needed(self.config, day, clicks_from).dates[name]
        wanted = set(folder_dates(needed, log.partition, self.config.calendar_zone))
        return stamps(log.location, (f for day in wanted for f in log.by_date.get(day, ())))

    def deleted_with_date(self, name: str, file: str) -> bool:
        """Return whether a file that is gone was of a folder date that has no file any more.

        Args:
            name: The log. file: As ``of_date`` names it.
        """
        log = self.logs[name]
        if log.partition is None:
            return False
        folder = "/".join(unquote(one) for one in file.split("/")[: log.partition.levels])
        day = log.partition.date_of(folder)
        return day is not None and day not in log.dates

    def absent(self, day: date) -> dict[str, tuple[date, ...]]:
        """Return the folder dates without which a date cannot be built, by the names of logs."""
        return self._without_files(self._needs(day).required)

    def awaited(self, day: date) -> dict[str, tuple[date, ...]]:
        """Return the later folder dates that belong to a date and are not there yet."""
        return self._without_files(self._needs(day).later)

    def windows_end(self, day: date) -> int:
        """Return when the last window of a date ends, in microseconds since 1970 UTC."""
        needs = self._needs(day)
        last = max([day, *(needs.dates[name].last for name in needs.dates if name in EVENT_TIME)])
        return CalendarDay(last, self.config.calendar_zone).end_us

    def _needs(self, day: date) -> Needs:
        return dates_needed(self.config, day)

    def _without_files(self, wanted: Mapping[str, tuple[date, ...]]) -> dict[str, tuple[date, ...]]:
        found = {
            name: tuple(day for day in days if day not in self.logs[name].dates)
            for name, days in wanted.items()
        }
        return {name: days for name, days in found.items() if days}


def list_logs(config: Config, dates: DateRange) -> LogsNow:
    """List the files of all logs that builds of these dates would read; none is opened.

    Raises:
        InputError: A log cannot be listed; as ``list_files``.
        ConfigError: The mapping of a log contradicts itself, or no folder of it holds a date.
    """
    clicks_from = None
    if config.carries_history:
        # A build that has no state to go on from reads the whole window.
        clicks_from = dates.first - timedelta(config.requests.days(config.exclusion))
    first = dates_needed(config, dates.first, clicks_from).dates
    last = dates_needed(config, dates.last).dates
    return LogsNow(
        config,
        {
            name: _listed(name, config, DateRange(first[name].first, last[name].last))
            for name in LOG_NAMES
            if name in first
        },
    )


def dates_with_logs(config: Config) -> tuple[date, ...]:
    """Return the dates that the folders of the impressions may hold; none without date folders.

    Raises:
        InputError: Their path does not exist, or as ``list_logs``.
        ConfigError: As ``list_logs``.
    """
    log = configured_log("impressions", config)
    assert log.path is not None
    location, partition = Location.of(log.path, Path.cwd()), log.partition
    roots = location.roots()
    if not roots:
        step = "Correct the path, or make sure that the storage is mounted."
        what = f"{location.path} does not exist"
        raise InputError(Problem("logs.impressions.path", what, next_step=step))
    if partition is None:
        return ()
    if _is_delta(log.format, location):
        files = list_delta("impressions", location, partition)
        return tuple(sorted({file.date for file in files if file.date is not None}))
    found = find_date_folders(Walk("impressions", location), roots, partition)
    return () if found is None else tuple(sorted(found.by_date))


def _listed(name: str, config: Config, dates: DateRange) -> ListedLog:
    log = configured_log(name, config)
    assert log.path is not None
    location, partition = Location.of(log.path, Path.cwd()), log.partition
    if _is_delta(log.format, location):
        return ListedLog(location, partition, list_delta(name, location, partition))
    wanted: tuple[date, ...] = ()
    if partition is not None:
        # A day more at each end: the zone of the folders may be another one.
        around = DateRange(dates.first - timedelta(1), dates.last + timedelta(1))
        wanted = folder_dates(around, partition, config.calendar_zone)
    listing = list_files(name, location, partition, wanted, (), allow_empty=True)
    return ListedLog(location, partition, listing.files)


def _is_delta(said: str | None, location: Location) -> bool:
    return location.holds_delta_log() if said is None else said == "delta"
