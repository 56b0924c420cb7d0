"""What an opened log is: its rows, mapped to their contract, and what is known of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

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

from winnow.config.tree import Config
from winnow.contracts.conforming import CHOSEN
from winnow.contracts.tables import TableContract, table_contract
from winnow.logs.files.listing import Listing
from winnow.spark.column_types import spark_type
from winnow.spark.sized import Sized

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
        carry: Carried column to its Spark SQL type.
        dates: The folder dates that were there within what was asked for; None if unpartitioned.
        rows_in_files: The rows that ``frame`` must have, where the files say so (Parquet and Delta,
            not exploded); else None.
        bytes_in_files: The size of the files that are read.
        folders: What is read, for the release's record.
        files: The files that are read, for the same: as they are called below the log's path, each
            with its bytes and when it was last written, in microseconds since 1970 UTC.
        mapped: The contract columns that have a source in this log.
        warnings: What was passed over, and what else a person should know, one sentence each.
        chooses: Whether only some impressions may become positives (``positives.where``
            and ``where_not``).
        anonymous_values: The user ids that mean nobody.
        keeps_history: Whether rows hold a list of their user's items (``exclusion.history``).
        aliases: Where ``item_id`` was made canonical: what each alias stands for (``item_id``,
            ``canonical_id``). ``history`` has ids as they were logged, and rows of the items log
            say ``is_own_id``, whether they had the canonical id themselves.
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
    aliases: Sized | None = None
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def about_rows(self) -> int:
        """About how many rows the log has: what decides partitions, never rows."""
        return self.rows_in_files or self.bytes_in_files // _BYTES_PER_ROW


def empty_log(name: str, config: Config, listing: Listing, spark: SparkSession) -> Log:
    """Return a log without rows: what stands for one whose files are allowed to be missing."""
    contract = table_contract(name).resolved(config.ids, None, config.asked_for)
    carry = dict.fromkeys(config.carried(name), "string")
    fields = [StructField(c.name, spark_type(c.type)) for c in contract.columns]
    fields += [StructField(carried, StringType()) for carried in carry]
    chooses = name == "impressions" and bool(config.positives.choosing)
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
