"""Delta tables written by Spark with delta-spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from delta.exceptions import (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipelines.contracts.tables import TableContract
from pipelines.contracts.uris import file_uri, literal
from pipelines.errors import ConflictError, GateError, Problem, ReleaseError
from pipelines.publishing.commits import Label, day_predicate, require_date
from pipelines.publishing.content_hash import content_hash, measure
from pipelines.publishing.metadata import (
    Commit,
    TableProtocol,
    ensure_table,
    pinned_files,
    read_history,
    read_protocol,
    read_schema,
    version_labelled,
)
from pipelines.publishing.paths import RELEASES, staged_table_path, table_path
from pipelines.publishing.releases import (
    Release,
    ReleasesSnapshot,
    read_releases,
    releases_contract,
)
from pipelines.publishing.schema_check import check_schema
from pipelines.publishing.store import StagedTable

# Importing delta.exceptions is also what makes PySpark raise them: without it every conflict
# arrives as a bare Py4JJavaError.
_CONFLICTS = (
    ConcurrentAppendException,
    ConcurrentDeleteDeleteException,
    ConcurrentDeleteReadException,
    ConcurrentTransactionException,
    ConcurrentWriteException,
    DeltaConcurrentModificationException,
    MetadataChangedException,
    ProtocolChangedException,
)


class SparkStore:
    """The ``Store`` of the spark engine: Spark writes and reads, delta-rs answers for metadata.

    Staged tables are Parquet, published ones Delta.
    """

    def __init__(self, spark: SparkSession, warehouse: Path, retention_days: int = 400) -> None:
        """Take a session with Delta; ``retention_days`` go into the properties of new tables."""
        # Otherwise no commit, and so no version with the run's label, where no row comes and none
        # goes: an empty table whose date was empty before.
        spark.conf.set("spark.databricks.delta.skipRecordingEmptyCommits", "false")
        self._spark = spark
        self._warehouse = warehouse.absolute()
        self._retention_days = retention_days

    @property
    def warehouse(self) -> Path:
        """The folder of all tables."""
        return self._warehouse

    def ensure_table(self, contract: TableContract) -> None:
        """Create the table, or check the one that is there; see ``Store``."""
        path = table_path(self._warehouse, contract.table)
        ensure_table(path, contract, self._retention_days)

    def stage(self, frame: DataFrame, contract: TableContract, run_id: str) -> StagedTable:
        """Write a frame to the run's staging and read it back; see ``Store``."""
        check_schema(frame.schema, contract)
        path = staged_table_path(self._warehouse, run_id, contract.table)
        frame.write.mode("overwrite").parquet(file_uri(path))
        measured = measure(self._read_parquet(path, contract), contract)
        GateError.raise_if_any(
            Problem(
                f"{contract.table}.{column}",
                "the contract says NOT NULL",
                found=f"NULL in {rows} rows",
            )
            for column, rows in measured.nulls.items()
        )
        return StagedTable(
            contract, run_id, path, measured.content, measured.first_day, measured.last_day
        )

    def read_staged(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows in the contract's columns."""
        return self._read_parquet(staged.path, staged.contract)

    def promote(self, staged: StagedTable, day: date, label: Label) -> int:
        """Replace one date by the staged rows in one commit, read it back; see ``Store``."""
        contract = staged.contract
        predicate = day_predicate(day)
        path = table_path(self._warehouse, contract.table)
        rows = self.read_staged(staged)
        # The writer sorts by the partition column unless the rows already are, and that sort may
        # mix rows of one date. Sorting by both keeps the files in the order of the shuffle key.
        order = [c for c in (contract.partition, "shuffle_key") if c in contract.names]
        if order:
            rows = rows.sortWithinPartitions(*order)
        writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", predicate)
        with _conflicts_of(contract.table, day):
            writer.option("userMetadata", label.to_json()).save(file_uri(path))
        version = version_labelled(path, label)
        found = content_hash(self.read_version(contract.table, version, day), contract)
        if found != staged.content:
            raise ReleaseError(
                Problem(
                    contract.table,
                    f"version {version} does not hold what was staged for {day}",
                    found=f"{found.rows} rows with hash {found.total}",
                    expected=f"{staged.content.rows} rows with hash {staged.content.total}",
                    next_step="Nothing was released. Check the storage, then build again.",
                )
            )
        return version

    def read_version(self, table: str, version: int, day: date) -> DataFrame:
        """Return the rows of one date of one version of a table; see ``Store``.

        Reads the files that the log names, found with delta-rs: ``versionAsOf`` rebuilds the
        whole state of the table in Spark jobs, which takes longer than the write before it.
        """
        path = table_path(self._warehouse, table)
        files = pinned_files(path, version, require_date(day))
        schema = read_schema(path, version)
        if not files:
            return self._spark.createDataFrame([], schema)
        stored = StructType([field for field in schema.fields if field.name != "ds"])
        frame = self._spark.read.schema(stored).parquet(
            *(literal(file_uri(file.path)) for file in files)
        )
        return frame.withColumn("ds", F.lit(day)).select(*schema.names)

    def releases_snapshot(self) -> ReleasesSnapshot:
        """Return all releases, and the version that they were read from."""
        return read_releases(self._warehouse)

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit, unless the table changed; see ``Store``.

        Blind appends never conflict, so two runs could append the same number. This one reads
        the newest number in the same plan. A release that was there before the plan read the
        table leaves no row to write; one that comes after that fails the commit.
        """
        contract = releases_contract()
        path = table_path(self._warehouse, RELEASES)
        names = contract.names
        rows = [tuple(row[name] for name in names) for row in release.as_rows()]
        frame = self._spark.createDataFrame(rows, contract.spark_schema())
        head = self._spark.read.format("delta").load(file_uri(path))
        newest = head.agg(F.coalesce(F.max("seq"), F.lit(0)).alias("newest_seq"))
        appended = (
            frame.crossJoin(newest)
            .where(F.col("newest_seq") == F.lit(snapshot.seq))
            .withColumn("seq", F.col("newest_seq") + F.lit(1))
            .select(*names)
            .coalesce(1)
        )
        label = Label(release.run_id, 1, release.config_hash, release.code_version)
        check_schema(appended.schema, contract)
        writer = appended.write.format("delta").mode("append")
        with _conflicts_of(RELEASES, release.ds):
            writer.option("userMetadata", label.to_json()).save(file_uri(path))
        if all(r.release_id != release.release_id for r in self.releases_snapshot().releases):
            raise _conflict(RELEASES, release.ds)

    def history(self, table: str) -> list[Commit]:
        """Return the commits of a table, newest first."""
        return read_history(table_path(self._warehouse, table))

    def protocol(self, table: str) -> TableProtocol | None:
        """Return the Delta protocol versions of a table; None where it is not there yet."""
        path = table_path(self._warehouse, table)
        return read_protocol(path) if DeltaTable.is_deltatable(str(path)) else None

    def _read_parquet(self, path: Path, contract: TableContract) -> DataFrame:
        return self._spark.read.schema(contract.spark_schema()).parquet(literal(file_uri(path)))


def _conflict(table: str, day: date) -> ConflictError:
    return ConflictError(
        Problem(
            table,
            f"another run committed while this one was publishing {day}",
            next_step="Run again; nothing of this run was released.",
        )
    )


@contextmanager
def _conflicts_of(table: str, day: date) -> Iterator[None]:
    try:
        yield
    except _CONFLICTS as error:
        raise _conflict(table, day) from error
