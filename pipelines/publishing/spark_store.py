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
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.contracts.dialect import dialect_of
from pipelines.contracts.tables import TableContract
from pipelines.publishing.commits import Label, day_predicate
from pipelines.publishing.engine_store import EngineStore, conflict
from pipelines.publishing.paths import RELEASES, table_path
from pipelines.publishing.releases import Release, ReleasesSnapshot, releases_contract
from pipelines.publishing.schema_check import check_schema
from pipelines.publishing.sorted_files import SortedFiles
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

_ORDER_OF_ROWS = {
    # By default the writer sorts by the partition column, and where that sort spills it mixes the
    # rows of a date. With files open beside each other it need not; a commit holds one date.
    "spark.sql.maxConcurrentOutputFileWriters": "2",
    # Both mix rows of several tasks.
    "spark.databricks.delta.optimizeWrite.enabled": "false",
    "spark.databricks.delta.autoCompact.enabled": "false",
}
"""Settings without which files would not be in the order of ``shuffle_key``."""


class SparkStore(EngineStore):
    """The ``Store`` of the spark engine: Spark writes and reads, delta-rs answers for metadata."""

    def __init__(self, spark: SparkSession, warehouse: Path, retention_days: int = 400) -> None:
        """Take a session with Delta; ``retention_days`` go into the properties of new tables."""
        # Otherwise no commit, and so no version with the run's label, where no row comes and none
        # goes: an empty table whose date was empty before.
        spark.conf.set("spark.databricks.delta.skipRecordingEmptyCommits", "false")
        for name, value in _ORDER_OF_ROWS.items():
            spark.conf.set(name, value)
        super().__init__(spark, warehouse, retention_days)

    def write_staged(self, frame: DataFrame, contract: TableContract, path: Path) -> None:
        """Write a frame as Parquet; see ``EngineStore``."""
        frame.write.mode("overwrite").parquet(f"file://{path}")

    def files_of(self, contract: TableContract, folder: Path) -> SortedFiles:
        """Return files that hold every column, as Spark's have; see ``EngineStore``."""
        return SortedFiles.of(contract, folder, partition=None)

    def read_parquet(self, path: Path, contract: TableContract) -> DataFrame:
        """Return the rows of a staged folder; see ``EngineStore``."""
        return self.spark.read.schema(contract.spark_schema()).parquet(self._to_read(path))

    def read_as_written(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows with the types that their files have; see ``Store``."""
        if not any(staged.path.glob("*.parquet")):  # tasks that made no rows wrote no file
            return self.read_staged(staged)
        return self.spark.read.parquet(self._to_read(staged.path))

    def replace_day(self, staged: StagedTable, day: date, label: Label) -> None:
        """Replace one date by the staged rows with ``replaceWhere``; see ``EngineStore``."""
        contract = staged.contract
        predicate = day_predicate(day)
        path = table_path(self.warehouse, contract.table)
        rows = self.read_staged(staged)
        if "shuffle_key" in contract.names:
            rows = rows.sortWithinPartitions("shuffle_key")
        writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", predicate)
        with _conflicts_of(contract.table, day):
            writer.option("userMetadata", label.to_json()).save(f"file://{path}")

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit, unless the table changed; see ``Store``.

        Blind appends never conflict, so two runs could append the same number. This one reads
        the newest number in the same plan. A release that was there before the plan read the
        table leaves no row to write; one that comes after that fails the commit.
        """
        contract = releases_contract()
        path = table_path(self.warehouse, RELEASES)
        names = contract.names
        rows = [tuple(row[name] for name in names) for row in release.as_rows()]
        frame = self.spark.createDataFrame(rows, contract.spark_schema())
        head = self.spark.read.format("delta").load(f"file://{path}")
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
            writer.option("userMetadata", label.to_json()).save(f"file://{path}")
        if all(r.release_id != release.release_id for r in self.releases_snapshot().releases):
            raise conflict(RELEASES, release.ds)

    def _to_read(self, path: Path) -> str:
        return dialect_of(self.spark).to_read(f"file://{path}")


@contextmanager
def _conflicts_of(table: str, day: date) -> Iterator[None]:
    try:
        yield
    except _CONFLICTS as error:
        raise conflict(table, day) from error
