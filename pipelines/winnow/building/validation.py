"""Config and logs checked without a build: files, columns, and the rows of one date by reason."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from winnow.building.config_check import check_config
from winnow.building.progress import Progress
from winnow.building.rejected import Example
from winnow.config.logs import LOG_NAMES
from winnow.config.tree import Config
from winnow.contracts.counts import count_rows
from winnow.contracts.log import Log
from winnow.contracts.log_files import LookedAt, look_at_log
from winnow.contracts.needed_dates import Needs, dates_needed
from winnow.contracts.open_logs import open_logs
from winnow.contracts.rejected import rejected_rows
from winnow.dates import CalendarDay, DateRange
from winnow.errors import ConfigError, InputError, Problem, WinnowError
from winnow.events.item_aliases import ALIASES, canonical_ids


@dataclass(frozen=True)
class LogFiles:
    """The files of one log that a build of the date would read.

    Attributes:
        path: Where the log lies. kind: Its format.
        files: How many files; None for a Delta table. bytes: Their size.
        rows: Their rows, where the files say so.
        dates: How many folder dates there are; None where the log has none.
        columns: Contract column to the source columns that it is made of.
        without: Contract columns that the log does not have.
        warnings: What was passed over.
    """

    path: str
    kind: str
    files: int | None
    bytes: int
    rows: int | None
    dates: int | None
    columns: Mapping[str, tuple[str, ...]]
    without: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LogRows:
    """The rows of one log on the date: where they would go, and some that would be rejected."""

    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    examples: Mapping[str, tuple[Example, ...]]


@dataclass(frozen=True)
class Validation:
    """What was found out.

    Attributes:
        ds: The date; None where none was given: then the newest that the logs have was looked at.
        files: By log. rows: By log; None where rows were not looked at.
        missing: Why a build of the date would end now: later dates that are not there yet.
    """

    ds: date | None
    files: Mapping[str, LogFiles]
    rows: Mapping[str, LogRows] | None
    missing: tuple[str, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self) | {"ds": None if self.ds is None else self.ds.isoformat()}


def validate_files(config: Config, day: date | None) -> Validation:
    """Check the config and the files that a build of a date would read, without an engine.

    Args:
        config: The config; its paths are absolute.
        day: The date; None looks at what is there, whatever its date.

    Raises:
        ConfigError: The config contradicts itself, the contracts or the tables' place; or a suite
            of the user's own is not right.
        InputError: A log is missing, damaged, or not what its contract says.
    """
    check_config(config)
    needs = dates_needed(config, day or date.today())
    found = _looked_at(config, needs, given=day is not None)
    missing = () if day is None else tuple(_missing(found, needs))
    return Validation(day, {name: _files(one) for name, one in found.items()}, None, missing)


def validate_rows(
    config: Config, day: date, spark: SparkSession, progress: Progress, *, examples: int = 3
) -> dict[str, LogRows]:
    """Read all rows of a date once and count where they would go.

    Orphan clicks and user_differs are not among the reasons: they need clicks and impressions
    joined, as a build does. Rows of one item under several ids are no duplicates here.

    Args:
        config: The config. day: The date. spark: The session.
        progress: Told of every log.
        examples: So many rejected rows per reason, the first by their text.

    Raises:
        ConfigError: The engine does not read a time pattern.
        InputError: As ``validate_files``; no impression is of the date; or item_aliases contradicts
            itself.
    """
    needs, calendar_day = dates_needed(config, day), CalendarDay(day, config.calendar_zone)
    logs = open_logs(
        config,
        Path.cwd(),
        dict.fromkeys(needs.dates, DateRange(day, day)),
        required=needs.required,
        spark=spark,
    )
    if ALIASES in logs:
        canonical_ids(logs[ALIASES], calendar_day)
    found = {}
    for name, log in logs.items():
        with progress.stage(f"count rows of {name}") as stage:
            counts = count_rows(log, calendar_day)
            found_examples = _examples(log, calendar_day, counts.reasons, examples)
            found[name] = LogRows(counts.places, dict(counts.reasons), found_examples)
            stage.rows = counts.read
    own = found["impressions"].counts
    if own["read"] == own["other_date"]:
        what = f"no impression of {day} was read"
        raise InputError(
            Problem("logs.impressions", what, f"{own['other_date']} rows of other dates",
                    next_step="Check path, partition, zone and the unit of impression_ts.")
        )  # fmt: skip
    return found


def _looked_at(config: Config, needs: Needs, *, given: bool) -> dict[str, LookedAt]:
    """Look at all logs; raise all problems at once."""
    everything = DateRange(date(1971, 1, 1), date(2099, 12, 31))
    found: dict[str, LookedAt] = {}
    errors: list[WinnowError] = []
    for name in (name for name in LOG_NAMES if name in needs.dates):
        dates = needs.dates[name] if given else everything
        required = needs.required.get(name, ()) if given else ()
        try:
            found[name] = look_at_log(name, config, Path.cwd(), dates, required=required)
        except (ConfigError, InputError) as error:
            errors.append(error)
    problems = [problem for error in errors for problem in error.problems]
    if any(isinstance(error, ConfigError) for error in errors):
        raise ConfigError(*problems)
    InputError.raise_if_any(problems)
    return found


def _missing(found: Mapping[str, LookedAt], needs: Needs) -> Iterator[str]:
    for name, later in needs.later.items():
        there = found[name].listing.dates
        absent = sorted(set(later) - set(later if there is None else there))
        if absent:
            yield f"logs.{name}: no folder for {', '.join(map(str, absent))}"


def _files(one: LookedAt) -> LogFiles:
    opened, binding = one.opened, one.binding
    columns = binding.columns if binding else ()
    return LogFiles(
        path=opened.location.path,
        kind=opened.kind,
        files=None if opened.delta is not None else len(one.listing.files),
        bytes=opened.size,
        rows=opened.rows,
        dates=None if one.listing.dates is None else len(one.listing.dates),
        columns={
            bound.column.name: tuple(source.name for source in bound.sources)
            for bound in columns
            if bound.mapped
        },
        without=tuple(bound.column.name for bound in columns if not bound.mapped),
        warnings=opened.warnings,
    )


def _examples(
    log: Log, day: CalendarDay, reasons: Sequence[str] | Mapping[str, int], most: int
) -> dict[str, tuple[Example, ...]]:
    found_examples = {}
    for code in reasons if most else ():
        rows = rejected_rows(log, day).where(_has_code(code)).select("raw", "reasons")
        first = rows.orderBy("raw").limit(most).collect()
        found_examples[code] = tuple(Example(tuple(row["reasons"]), row["raw"]) for row in first)
    return found_examples


def _has_code(code: str) -> Column:
    return F.exists("reasons", lambda reason: reason.startswith(f"{code}:"))
