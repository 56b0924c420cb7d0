"""The logs of a build: opened, complete enough, with enough history, not empty."""

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from winnow.building.request import BuildRequest
from winnow.config.tree import Config
from winnow.contracts.counts import RowCounts
from winnow.contracts.log import Log
from winnow.contracts.needed_dates import dates_needed, missing_later_dates, require_mature
from winnow.contracts.open_logs import open_logs
from winnow.dates import CalendarDay
from winnow.errors import InputError, Problem
from winnow.events.popularity import history_days, popularity_dates
from winnow.logs.files.stamps import by_folder
from winnow.logs.parquet.damage import unreadable_files
from winnow.shown_text import address_without_secrets


def open_for_build(
    request: BuildRequest, only: Collection[str] | None = None, clicks_from: date | None = None
) -> dict[str, Log]:
    """Open the configured logs with every date that the build needs.

    Args:
        request: The build.
        only: Names of the logs to open; None opens all.
        clicks_from: As for ``dates_needed``.

    Raises:
        InputError, ConfigError: As ``open_logs``.
    """
    needs = dates_needed(request.config, request.day, clicks_from)
    return open_logs(
        request.config,
        Path.cwd(),
        {name: dates for name, dates in needs.dates.items() if only is None or name in only},
        required=needs.required,
        spark=request.engine.spark,
        allow_empty=request.allow_empty,
    )


@dataclass(frozen=True)
class Inputs:
    """The logs of a build, opened, and how complete they are.

    Attributes:
        logs: The conformed logs, by name.
        mature: Whether the later dates that belong to the build are there.
        history_days: Dates of the popularity window that the click log has; None if unknown.
    """

    logs: dict[str, Log]
    mature: bool
    history_days: int | None


def open_inputs(request: BuildRequest, clicks_from: date | None = None) -> Inputs:
    """Open the logs of a build and check that they reach far enough.

    ``clicks_from`` is as for ``dates_needed``.

    Raises:
        ConfigError: As ``open_logs``.
        InputError: As ``open_logs``, ``maturity`` and ``require_history``.
    """
    logs = open_for_build(request, clicks_from=clicks_from)
    mature, days = maturity(request, logs), days_of_history(request, logs)
    require_history(request, days)
    return Inputs(logs, mature, days)


def maturity(request: BuildRequest, logs: Mapping[str, Log]) -> bool:
    """Return whether the later dates that belong to the build are there.

    Raises:
        InputError: They are not, and the request does not accept that.
    """
    needs = dates_needed(request.config, request.day)
    problems = missing_later_dates(logs, needs)
    return require_mature(problems, accept=request.immature or request.allow_empty)


def days_of_history(request: BuildRequest, logs: Mapping[str, Log]) -> int | None:
    """Return how many dates of the popularity window the log that counts has; None if unknown."""
    day = CalendarDay(request.day, request.config.calendar_zone)
    window = popularity_dates(day, request.config.popularity.window_days)
    return history_days(logs[_counted_log(request.config)].dates, window)


def _counted_log(config: Config) -> str:
    return "impressions" if config.popularity.of == "impressions" else "clicks"


def require_history(request: BuildRequest, days: int | None) -> None:
    """Check that the click log reaches back far enough, where the config asks for that.

    Where it does not ask, a gate of the audit warns.

    Raises:
        InputError: The popularity window reaches beyond the log, and that is a failure.
    """
    rule = request.config.popularity
    if days is None or days >= rule.window_days or rule.on_short_history == "warn":
        return
    raise InputError(
        Problem(
            "popularity.window_days",
            f"the {_counted_log(request.config)} do not reach back over the popularity window",
            found=f"{days} days",
            expected=f"{rule.window_days} days",
            next_step="Add earlier logs, shorten the window, or set on_short_history: warn.",
        )
    )


def require_rows(counts: Mapping[str, RowCounts], request: BuildRequest) -> None:
    """Check that the date has impressions.

    Raises:
        InputError: It has none, and the request does not accept that.
    """
    shown = counts["impressions"]
    if request.allow_empty or shown.read - shown.other_date > 0:
        return
    raise InputError(
        Problem(
            "logs.impressions",
            f"no impression of {request.day} was read",
            found=f"{shown.other_date} rows of other dates",
            next_step="Check path, partition and zone, or accept it: winnow build --allow-empty.",
        )
    )


def require_readable(config: Config, logs: Mapping[str, Log], failure: Exception) -> None:
    """Look for what an engine could not read, once it has failed.

    Args:
        config: The config. logs: The logs as opened. failure: What the engine raised.

    Raises:
        InputError: A file of a log has pages that cannot be read; it is named.
    """
    problems: list[Problem] = []
    for name, log in logs.items():
        where = config.logs.resolved(name)
        if where is not None and not problems:
            problems += unreadable_files(name, where, Path.cwd(), log.folders, str(failure))
    if problems:
        raise InputError(*problems) from failure


def inputs_json(
    inputs: Inputs,
    counts: Mapping[str, RowCounts],
    home: Path | None,
    states: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Return what the release tells about its inputs and where their rows went.

    ``states`` is what it tells of the states of earlier dates that it went on from, by the names
    of their tables.
    ``files`` are the files of each log, by folder and name below its path, each with its bytes and
    when it was last written, in microseconds since 1970 UTC: ``winnow stale`` compares them.

    Folders that lie in ``home``, or that the config names from there on, stand there as relative
    to it, others as they are; of an address without host, user and password.
    """
    logs = inputs.logs
    record: dict[str, Any] = {
        "logs": {
            name: asdict(counts[name])
            | {"folders": [_from_home(folder, home) for folder in logs[name].folders]}
            | {"warnings": list(logs[name].warnings)}
            for name in counts
        },
        "catalogue_from": "items" if "items" in logs else "logs",
        "history_days": inputs.history_days,
        "mature": inputs.mature,
        "files": {name: by_folder(logs[name].files) for name in counts},
    }
    return json.dumps(record | dict(states or {}), sort_keys=True)


def _from_home(folder: str, home: Path | None) -> str:
    # A relative path of the config begins with its folder, one that leads up from there too.
    if home is None or not Path(folder).is_relative_to(home):
        return address_without_secrets(folder)
    return os.path.normpath(Path(folder).relative_to(home))
