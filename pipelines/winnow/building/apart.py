"""The tables and the logs of a build lie apart: what is written is never read as a log."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from winnow.config.logs import LOG_NAMES
from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem
from winnow.logs.files.locations import Location, matches
from winnow.storage.addresses import is_s3
from winnow.storage.object_path import ObjectPath, place_of


def require_apart(config: Config) -> None:
    """Check that no log lies within the warehouse, nor the warehouse within a log.

    Links are followed first. What lies in an object store lies apart from every folder, and what
    lies on a file system of another kind from all. A pattern in a store lies wherever its names may
    lead: what they match is there only once the first date is.

    Raises:
        ConfigError: One lies within the other; both are named.
    """
    ConfigError.raise_if_any(_within(config))


def _within(config: Config) -> Iterator[Problem]:
    place = place_of(config.warehouse)
    if isinstance(place, ObjectPath):
        yield from _within_store(config, place)
        return
    warehouse = Path(os.path.realpath(place))
    for name in LOG_NAMES:
        log = getattr(config.logs, name)
        path = log.path if log else None
        if path is None or ("://" in path and not path.startswith("file://")):
            continue
        location = Location.of(path, Path.cwd())
        # What is not there yet may be there when it is read.
        paths = {location.path, *(root.path for root in location.roots())}
        for folder in sorted({os.path.realpath(path) for path in paths}):
            where, fix = f"logs.{name}.path", _FIX
            if warehouse.is_relative_to(folder):
                what = f"the warehouse {warehouse} lies within the log {folder}"
                yield Problem(where, what, next_step=fix)
            elif Path(folder).is_relative_to(warehouse):
                what = f"the log {folder} lies within the warehouse {warehouse}"
                yield Problem(where, what, next_step=fix)


_FIX = "Name another folder as warehouse or path."


def _within_store(config: Config, warehouse: ObjectPath) -> Iterator[Problem]:
    for name in LOG_NAMES:
        log = getattr(config.logs, name)
        path = log.path if log else None
        if path is None or not is_s3(path):
            continue
        where, folder = f"logs.{name}.path", ObjectPath.of(path)
        if not _may_meet(folder.key.split("/"), warehouse.key.split("/")):
            continue
        if folder.key.count("/") <= warehouse.key.count("/"):
            yield Problem(where, f"the warehouse {warehouse} lies within the log", next_step=_FIX)
        else:
            yield Problem(where, f"the log lies within the warehouse {warehouse}", next_step=_FIX)


def _may_meet(log: Sequence[str], warehouse: Sequence[str]) -> bool:
    """Return whether one of two addresses may lie within the other, name by name."""
    pairs = zip(log[1:], warehouse[1:], strict=False)
    return log[0] == warehouse[0] and all(
        name == pattern or matches(name, pattern) for pattern, name in pairs
    )
