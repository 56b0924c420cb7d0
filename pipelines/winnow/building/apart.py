"""The tables and the logs of a build lie apart: what is written is never read as a log."""

import os
from collections.abc import Iterator
from pathlib import Path

from winnow.config.logs import LOG_NAMES
from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem
from winnow.logs.files.locations import Location


def require_apart(config: Config) -> None:
    """Check that no log lies within the warehouse, nor the warehouse within a log.

    Links are followed first. Logs on other file systems than this machine's lie apart.

    Raises:
        ConfigError: One lies within the other; both are named.
    """
    ConfigError.raise_if_any(_within(config))


def _within(config: Config) -> Iterator[Problem]:
    warehouse = Path(os.path.realpath(config.warehouse))
    for name in LOG_NAMES:
        log = getattr(config.logs, name)
        path = log.path if log else None
        if path is None or ("://" in path and not path.startswith("file://")):
            continue
        location = Location.of(path, Path.cwd())
        # What is not there yet may be there when it is read.
        paths = {location.path, *(root.path for root in location.roots())}
        for folder in sorted({os.path.realpath(path) for path in paths}):
            where, fix = f"logs.{name}.path", "Name another folder as warehouse or path."
            if warehouse.is_relative_to(folder):
                what = f"the warehouse {warehouse} lies within the log {folder}"
                yield Problem(where, what, next_step=fix)
            elif Path(folder).is_relative_to(warehouse):
                what = f"the log {folder} lies within the warehouse {warehouse}"
                yield Problem(where, what, next_step=fix)
