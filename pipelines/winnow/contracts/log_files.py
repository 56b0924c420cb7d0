"""The files of a log, looked at: which there are, what columns they have, what these mean."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from winnow.config.logs import LogConfig
from winnow.config.tree import Config
from winnow.contracts.mapping.binding import Binding
from winnow.contracts.mapping.checks import config_problems, no_list
from winnow.contracts.mapping.differing import refuse_differing
from winnow.contracts.mapping.find_columns import bind, possible_columns
from winnow.dates import DateRange
from winnow.errors import ConfigError, InputError, Problem
from winnow.logs.delta.table_log import open_delta
from winnow.logs.files.date_folders import folder_dates
from winnow.logs.files.listing import Listing, list_files
from winnow.logs.files.locations import Location
from winnow.logs.opened import Opened
from winnow.logs.opening import guess_format, open_files


@dataclass(frozen=True)
class LookedAt:
    """The files of one log, looked at without an engine.

    Attributes:
        listing: Which files there are, and of which dates.
        opened: Their columns and rows, as far as the files say so.
        binding: The contract's columns bound to them; None where no file is there.
    """

    listing: Listing
    opened: Opened
    binding: Binding | None


def look_at_log(
    name: str,
    config: Config,
    base: Path,
    dates: DateRange,
    *,
    required: Sequence[date],
    allow_empty: bool = False,
) -> LookedAt:
    """List and check the files of one log, and compare their columns, without an engine.

    Args: as ``open_log``.

    Raises:
        InputError: A path, folder or column is missing, a file is damaged, a type is wrong.
        ConfigError: The mapping contradicts itself or the contract.
    """
    log = configured_log(name, config)
    assert log.path is not None
    location = Location.of(log.path, base)
    wanted: tuple[date, ...] = ()
    if log.partition is not None:
        wanted = folder_dates(dates, log.partition, config.calendar_zone)
    if log.format == "delta" or location.holds_delta_log():
        if log.format not in ("delta", None):
            raise InputError(
                Problem(
                    f"logs.{name}.format", f"{location.path} is a Delta table", log.format, "delta"
                )
            )
        opened, listing = open_delta(name, location, log.partition, wanted, required, allow_empty)
    else:
        listing = list_files(
            name, location, log.partition, wanted, required, allow_empty=allow_empty
        )
        kind = log.format or guess_format(name, listing)
        opened = open_files(name, log, kind, listing, possible_columns(name, log, config))
        listing = _dates_with_lines(name, log, listing, opened, () if allow_empty else required)
    if not opened.groups and opened.delta is None:
        return LookedAt(listing, opened, None)
    binding = bind(name, config, opened.columns, open_ended=opened.open_ended)
    if binding.history is not None and config.exclusion.history is not None:
        fits = opened.kind != "csv" or config.exclusion.history.delimiter is not None
        InputError.raise_if_any([] if fits else [no_list(binding.history)])
    refuse_differing(name, log, opened, binding)
    return LookedAt(listing, opened, binding)


def _dates_with_lines(
    name: str, log: LogConfig, listing: Listing, opened: Opened, required: Sequence[date]
) -> Listing:
    """Return a listing without the dates of which no file has a line.

    Raises:
        InputError: One of them is required.
    """
    if listing.dates is None or log.partition is None:
        return listing
    seen = {file.date for group in opened.groups for file in group.files}
    InputError.raise_if_any(
        Problem(
            f"logs.{name}.path",
            f"{listing.location.path}/{log.partition.folder(day)} holds only files without a line",
            next_step="Wait for that log, or build without it: winnow build --allow-empty.",
        )
        for day in required
        if day in listing.dates and day not in seen
    )
    return replace(listing, dates=tuple(day for day in listing.dates if day in seen))


def configured_log(name: str, config: Config) -> LogConfig:
    """Return the config of a log.

    Raises:
        ConfigError: It is not configured, or its mapping contradicts itself or the contract.
    """
    ConfigError.raise_if_any(config_problems(name, config))
    log = config.logs.resolved(name)
    if log is None or log.path is None:
        raise ConfigError(Problem(f"logs.{name}", "is not configured"))
    return log
