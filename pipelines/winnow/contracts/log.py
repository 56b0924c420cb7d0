"""The logs of a build as Spark frames: mapped to their contracts, every row accounted for."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DateType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from winnow.config.columns import TimeSource
from winnow.config.logs import LOG_NAMES, LogConfig
from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN, conform
from winnow.contracts.log_files import configured_log, look_at_log
from winnow.contracts.mapping.binding import Binding
from winnow.contracts.mapping.time_patterns import engine_problem
from winnow.contracts.tables import TableContract, table_contract
from winnow.dates import DateRange
from winnow.errors import ConfigError, InputError, Problem, WinnowError
from winnow.logs.files.listing import Listing
from winnow.logs.rows import source_rows
from winnow.spark.column_types import spark_type

_BYTES_PER_ROW = 50


@dataclass(frozen=True)
class Log:
    """One log, opened: what its rows are, and what was read. No Spark job has run for it.

    Attributes:
        name: ``impressions``, ``clicks``, ``ranking_log`` or ``items``.
        frame: One row per row read, after exploding requests. Its columns: the contract's, in
            order and with its types, NULL where a value is not mapped or cannot be read; the
            carried ones; ``event_us`` bigint, the event time in microseconds since 1970 UTC, NULL
            where it cannot be read or is out of range; ``partition_date`` date, NULL where not
            partitioned; ``valid`` boolean, never NULL: keeps every rule and is not filtered;
            ``reject_reasons`` array<string>, never NULL, each ``code: sentence``;
            ``filtered`` boolean, never NULL: dropped by ``where``, or ``anonymous``;
            ``anonymous`` boolean, never NULL: the user means nobody (and ``where`` keeps the row);
            ``may_be_positive`` boolean, never NULL, where ``chooses``;
            ``history`` string, where ``keeps_history``: the user's items, apart by U+001F;
            ``nobody`` string: where ``anonymous``, the value that means it;
            ``source_row`` struct of the source columns in source order, for text the line.
            A filtered row has no reasons.
        contract: The contract with its id types, and with the key that this log can have.
        carry: Impressions: carried column to its Spark SQL type; else empty.
        dates: The folder dates that were there within what was asked for; None if unpartitioned.
        rows_in_files: The rows that ``frame`` must have, where the files say so (Parquet and Delta,
            not exploded); else None.
        bytes_in_files: The size of the files that are read.
        folders: What is read, for the release's record.
        mapped: The contract columns that have a source in this log.
        warnings: What was passed over, and what else a person should know, one sentence each.
        chooses: Whether only some impressions may become positives (``positives.where``).
        anonymous_values: The user ids that mean nobody.
        keeps_history: Whether rows hold a list of their user's items (``exclusion.history``).
    """

    name: str
    frame: DataFrame
    contract: TableContract
    carry: Mapping[str, str]
    dates: tuple[date, ...] | None
    rows_in_files: int | None
    bytes_in_files: int
    folders: tuple[str, ...]
    mapped: frozenset[str]
    warnings: tuple[str, ...] = ()
    chooses: bool = False
    anonymous_values: tuple[str, ...] = ()
    keeps_history: bool = False

    @property
    def about_rows(self) -> int:
        """About how many rows the log has: what decides partitions, never rows."""
        return self.rows_in_files or self.bytes_in_files // _BYTES_PER_ROW


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
        return _empty_log(name, config, listing, spark)
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
        chooses=bool(binding.chosen),
        anonymous_values=config.identity.anonymous_values,
        keeps_history=binding.history is not None,
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
    with ThreadPoolExecutor(len(LOG_NAMES)) as beside:
        found = dict(zip(names, beside.map(opened, names), strict=True))
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
        names.add("rank")  # the place in the request's list, where no column has it
    return frozenset(names)


def _unread_patterns(name: str, log: LogConfig, spark: SparkSession) -> Iterator[Problem]:
    """Give the time patterns that the engine of this session does not read."""
    for column, mapping in log.columns.items():
        if isinstance(mapping, TimeSource) and mapping.pattern is not None:
            where = f"logs.{name}.columns.{column}.pattern"
            problem = engine_problem(where, mapping.pattern, spark)
            if problem is not None:
                yield problem


def _empty_log(name: str, config: Config, listing: Listing, spark: SparkSession) -> Log:
    contract = table_contract(name).resolved(config.ids)
    carry = dict.fromkeys(config.carry, "string") if name == "impressions" else {}
    fields = [StructField(c.name, spark_type(c.type)) for c in contract.columns]
    fields += [StructField(carried, StringType()) for carried in carry]
    chooses = name == "impressions" and bool(config.positives.where)
    fields += [
        StructField("event_us", LongType()),
        StructField("partition_date", DateType()),
        *((StructField(CHOSEN, BooleanType(), nullable=False),) if chooses else ()),
        StructField("valid", BooleanType(), nullable=False),
        StructField("reject_reasons", ArrayType(StringType()), nullable=False),
        StructField("filtered", BooleanType(), nullable=False),
        StructField("anonymous", BooleanType(), nullable=False),
        StructField("nobody", StringType()),
        StructField("source_row", StructType([StructField("line", StringType())])),
    ]
    frame = spark.createDataFrame([], StructType(fields))
    mapped = frozenset(contract.names)
    log = Log(name, frame, contract, carry, listing.dates, 0, 0, listing.folders, mapped)
    return replace(log, chooses=chooses)
