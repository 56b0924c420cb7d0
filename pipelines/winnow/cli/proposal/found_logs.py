"""What may be a log below a folder: its files, its date folders, its columns and some values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow.fs as pafs

from winnow.cli.proposal.samples import Sample, delta_sample, file_sample
from winnow.config.date_patterns import date_in
from winnow.config.log_shapes import Partition
from winnow.config.logs import LogConfig
from winnow.errors import ConfigError, InputError, Problem
from winnow.logs.delta.table_log import open_delta
from winnow.logs.files.listing import list_files
from winnow.logs.files.locations import Location, hidden
from winnow.logs.opening import format_of, guess_format, open_files
from winnow.release.paths import RELEASES

_DEEPEST = 4
_MOST = 50
_DATES_LOOKED_AT = 3
"""The last dates of a log: of one alone there may be a few late rows only."""
_SPELLED = (
    Partition(pattern="%Y-%m-%d"),
    Partition(pattern="%Y%m%d"),
    Partition(pattern="%Y/%m/%d"),
    Partition(pattern="year=%Y/month=%m/day=%d"),
    Partition(pattern="y=%Y/m=%m/d=%d"),
)


@dataclass(frozen=True)
class FoundLog:
    """Files of one shape, which may be a log.

    Attributes:
        path: The folder, the file, or the pattern of several, as a config names it.
        kind: ``parquet``, ``csv``, ``json_lines`` or ``delta``.
        partition: Its date folders, or None.
        dates: The dates of these folders, in order.
        sample: Its columns, and some of its rows.
    """

    path: str
    kind: str
    partition: Partition | None
    dates: tuple[date, ...]
    sample: Sample

    @property
    def name(self) -> str:
        """The last part of the path without its ending."""
        return self.path.rstrip("/").rpartition("/")[2].partition(".")[0]


def find_logs(paths: Sequence[str], base: Path) -> tuple[tuple[FoundLog, ...], list[Problem]]:
    """Find what may be logs: files, Delta tables, folders of dates, and folders of these.

    Args:
        paths: Folders, files or addresses.
        base: Where relative paths start.

    Returns:
        The files, and what is wrong with those that cannot be read.

    Raises:
        InputError: Nothing is there, or nothing that can be read; every problem is named.
    """
    found: list[FoundLog] = []
    problems: list[Problem] = []
    for path in paths:
        place = Location.of(path, base)
        if place.info(place.path).type == pafs.FileType.NotFound:
            problems.append(Problem("--from", f"{place.path} does not exist"))
            continue
        for one in _places(place, _DEEPEST):
            try:
                if (log := _opened(one)) is not None:
                    found.append(log)
            except (InputError, ConfigError) as error:
                problems += (_of_argument(problem, one) for problem in error.problems)
    if not found:
        nothing = Problem("--from", f"no log is to be seen in {', '.join(paths)}")
        raise InputError(*(problems or [nothing]))
    return tuple(found[:_MOST]), problems


def _of_argument(problem: Problem, place: Location) -> Problem:
    """Return a problem of a log, which has no name yet, as one of the argument that led to it."""
    if not problem.where.startswith(f"logs.{place.path}"):
        return problem
    if problem.where.endswith(".format"):
        fix = "Let the names end in .parquet, .csv or .jsonl, or write a config by hand."
        problem = replace(problem, next_step=fix)
    where = "--from" if place.path in problem.what else f"--from {place.path}"
    return replace(problem, where=where)


def _places(place: Location, deepest: int) -> Iterator[Location]:
    """Give the places below that may hold one log each; not the tables that Winnow has written."""
    info = place.info(place.path)
    if info.type == pafs.FileType.File or deepest == 0:
        yield place
        return
    entries = _entries(place)
    folders = [entry for entry in entries if entry.type == pafs.FileType.Directory]
    files = [entry for entry in entries if entry.type == pafs.FileType.File]
    if any(entry.base_name == "_delta_log" for entry in folders) or _partition_of(place):
        yield place
        return
    if any(entry.base_name == RELEASES and _is_delta(place, entry.path) for entry in folders):
        return
    folders = [entry for entry in folders if not hidden(entry.base_name)]
    if folders and all("=" in entry.base_name for entry in folders):
        # Folders such as region=eu above the dates.
        column = folders[0].base_name.partition("=")[0]
        yield Location(place.filesystem, f"{place.path}/{column}=*", place.scheme)
        return
    if files and not folders and len({_stem(file.base_name) for file in files}) == 1:
        if "." not in files[0].base_name or format_of(files[0].base_name):
            yield place
        return
    # A config, a note: what tells no format by its ending is a log only where it was named.
    files = [entry for entry in files if format_of(entry.base_name)]
    for entry in sorted([*folders, *files], key=lambda entry: str(entry.base_name)):
        if not hidden(entry.base_name):
            yield from _places(Location(place.filesystem, entry.path, place.scheme), deepest - 1)


def _opened(place: Location) -> FoundLog | None:
    path = place.path if place.local else place.uri(place.path)
    root = next(iter(place.roots()), None)
    if root is None:
        return None
    first = Location(place.filesystem, root.path, place.scheme)
    if _is_delta(place, root.path):
        sample, partition, dates = delta_sample(place)
        if partition is not None:
            open_delta(place.path, place, partition, dates[-1:], (), allow_empty=True)
        return FoundLog(path, "delta", partition, dates, sample)
    partition = _partition_of(first)
    dates = tuple(sorted(_dates(first, partition))) if partition else ()
    listing = list_files(
        place.path, place, partition, dates[-_DATES_LOOKED_AT:], (), allow_empty=True
    )
    if not listing.files:
        return None
    kind = guess_format(place.path, listing)
    config = LogConfig(path=path, partition=partition)
    opened = open_files(place.path, config, kind, listing)
    return FoundLog(path, kind, partition, dates, file_sample(opened))


def _is_delta(place: Location, path: str) -> bool:
    return Location(place.filesystem, path, place.scheme).holds_delta_log()


def _partition_of(place: Location) -> Partition | None:
    """Return how the folders below write dates; None where they do not."""
    names = [e.base_name for e in _entries(place) if e.type == pafs.FileType.Directory]
    for name in names:
        column, sign, value = name.partition("=")
        if sign and date_in(value, None):
            return Partition(column=column)
        if sign and date_in(value, "%Y%m%d%H"):
            return Partition(column=column, pattern="%Y%m%d%H")
    return next((one for one in _SPELLED if any(_dates(place, one))), None)


def _dates(place: Location, partition: Partition) -> Iterator[date]:
    """Give the dates that the folders below stand for."""
    waiting = [(place.path, "", partition.levels)]
    while waiting:
        path, name, levels = waiting.pop()
        for entry in _entries(Location(place.filesystem, path, place.scheme)):
            if entry.type != pafs.FileType.Directory or hidden(entry.base_name):
                continue
            whole = f"{name}/{entry.base_name}" if name else str(entry.base_name)
            if levels > 1:
                waiting.append((entry.path, whole, levels - 1))
            elif day := partition.date_of(whole):
                yield day


def _entries(place: Location) -> list[pafs.FileInfo]:
    if place.info(place.path).type != pafs.FileType.Directory:
        return []
    return place.inside(place.path)


def _stem(name: str) -> str:
    """Return what the files of one writer have in common: ``part`` of ``part-00017.csv.gz``."""
    return "".join(sign for sign in name.partition(".")[0] if sign.isalpha()) + "".join(
        name.partition(".")[1:]
    )
