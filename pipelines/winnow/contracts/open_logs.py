"""The logs of a build, opened: files listed and checked, columns compared, frames set up."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from winnow.config.columns import TimeSource
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.tree import Config
from winnow.contracts.conforming import conform
from winnow.contracts.log import Log, empty_log
from winnow.contracts.log_files import configured_log, look_at_log
from winnow.contracts.mapping.binding import Binding
from winnow.contracts.mapping.time_patterns import engine_problem
from winnow.dates import DateRange
from winnow.errors import ConfigError, InputError, Problem, WinnowError
from winnow.logs.files.stamps import stamps
from winnow.logs.rows import source_rows


def open_log(
    name: str,
    config: Config,
    base: Path,
    dates: DateRange,
    *,
    required: Sequence[date],
    spark: SparkSession,
    allow_empty: bool = False,
) -> Log:
    """Open one log: list and check its files, compare their columns, and set up the frame.

    Args:
        name: The log; it must be configured.
        config: The whole config.
        base: The folder that relative paths start at: the one of the config file.
        dates: The dates of the calendar zone whose events are wanted. Every folder that can hold
            them is read, so rows of other dates come along.
        required: The dates whose own folder must be there, where the log is partitioned.
        spark: The session; its time zone must be UTC.
        allow_empty: True accepts a missing log and missing folders.

    Raises:
        InputError: A path, folder or column is missing, a file is damaged, a type is wrong.
        ConfigError: The mapping contradicts itself or the contract.
    """
    log = configured_log(name, config)
    ConfigError.raise_if_any(_unread_patterns(name, log, spark))
    found = look_at_log(name, config, base, dates, required=required, allow_empty=allow_empty)
    opened, listing, binding = found.opened, found.listing, found.binding
    if binding is None:
        return empty_log(name, config, listing, spark)
    once = binding.history.name if binding.history else None
    rows = source_rows(opened, binding.references(), log, spark, once=once)
    return Log(
        name=name,
        frame=conform(rows, binding, config),
        contract=binding.contract,
        carry={carried: source.found for carried, source in binding.carry},
        dates=listing.dates,
        rows_in_files=None if log.explode or binding.multiplies else opened.rows,
        bytes_in_files=opened.size,
        folders=listing.folders,
        mapped=_mapped(binding, log),
        warnings=opened.warnings,
        chooses=binding.chooses,
        anonymous_values=config.identity.anonymous_values,
        keeps_history=binding.history is not None,
        files=stamps(listing.location, listing.files),
    )


def open_logs(
    config: Config,
    base: Path,
    dates: Mapping[str, DateRange],
    *,
    required: Mapping[str, Sequence[date]],
    spark: SparkSession,
    allow_empty: bool = False,
) -> dict[str, Log]:
    """Open every configured log that ``dates`` names, and raise all problems at once.

    Raises:
        ConfigError: A mapping is wrong; problems of the data are named with it.
        InputError: Only the data is wrong.
    """
    names = [name for name in LOG_NAMES if name in dates and getattr(config.logs, name) is not None]

    def opened(name: str) -> Log | WinnowError:
        try:
            return open_log(
                name,
                config,
                base,
                dates[name],
                required=required.get(name, ()),
                spark=spark,
                allow_empty=allow_empty,
            )
        except (ConfigError, InputError) as error:
            return error

    # Each waits for files, or for the engine to plan: side by side they wait together.
    with ThreadPoolExecutor(len(LOG_NAMES)) as pool:
        found = dict(zip(names, pool.map(opened, names), strict=True))
    logs = {name: log for name, log in found.items() if isinstance(log, Log)}
    errors = [error for error in found.values() if isinstance(error, WinnowError)]
    problems = [problem for error in errors for problem in error.problems]
    if any(isinstance(error, ConfigError) for error in errors):
        raise ConfigError(*problems)
    InputError.raise_if_any(problems)
    return logs


def _mapped(binding: Binding, log: LogConfig) -> frozenset[str]:
    names = {bound.column.name for bound in binding.columns if bound.mapped}
    if log.explode is not None and "rank" in binding.contract.names:
        names.add("rank")  # the position in the request's list, where no column has it
    return frozenset(names)


def _unread_patterns(name: str, log: LogConfig, spark: SparkSession) -> Iterator[Problem]:
    """Give the time patterns that the engine of this session does not read."""
    for column, mapping in log.columns.items():
        if isinstance(mapping, TimeSource) and mapping.pattern is not None:
            where = f"logs.{name}.columns.{column}.pattern"
            problem = engine_problem(where, mapping.pattern, spark)
            if problem is not None:
                yield problem
