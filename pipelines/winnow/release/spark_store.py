"""The store of the engine spark: Spark writes staged files, delta-spark appends releases."""

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

from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.release.commits import Label, conflict
from winnow.release.paths import RELEASES, table_path
from winnow.release.release import Release, releases_contract
from winnow.release.releases import ReleasesSnapshot
from winnow.release.schema_check import check_schema
from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS, Limits

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


class SparkStore(Store):
    """The ``Store`` of the engine spark."""

    def __init__(
        self,
        spark: SparkSession,
        warehouse: Path,
        retention_days: int = 400,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Take a session with Delta; ``retention_days`` go into the properties of new tables."""
        # By default the writer sorts by the partition column, and where that sort spills it mixes
        # the rows of a date, which then are not in the order of ``shuffle_key``. With files open
        # beside each other it need not sort; a staged table holds one date.
        spark.conf.set("spark.sql.maxConcurrentOutputFileWriters", "2")
        super().__init__(spark, warehouse, retention_days, limits)

    def write_staged(self, frame: DataFrame, contract: TableContract, path: Path) -> None:
        """Write a frame without handing its rows to Python; see ``Store``."""
        if "shuffle_key" in contract.names:
            frame = frame.sortWithinPartitions("shuffle_key")
        # A session may be set to keep the dates that a frame has no rows of.
        writer = frame.write.mode("overwrite").option("partitionOverwriteMode", "static")
        if contract.partition is not None:
            writer = writer.partitionBy(contract.partition)
        writer.parquet(f"file://{path}")

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit, unless the table changed; see ``Store``.

        Blind appends never conflict, so two runs could append the same number. This one reads
        the newest number in the same plan. A release that was there before the plan read the
        table leaves no row to write; one that comes after that fails the commit. Of earlier
        releases no file is read: the log says that their numbers are lower.
        """
        contract = releases_contract()
        path = table_path(self.warehouse, RELEASES)
        names = contract.names
        rows = [tuple(row[name] for name in names) for row in release.as_rows()]
        frame = self.spark.createDataFrame(rows, spark_schema(contract))
        head = self.spark.read.format("delta").load(f"file://{path}")
        newest = head.where(F.col("seq") >= F.lit(snapshot.seq)).agg(
            F.coalesce(F.max("seq"), F.lit(0)).alias("newest_seq")
        )
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
        if all(one.release_id != release.release_id for one in self.releases_snapshot().listed):
            raise conflict(RELEASES, release.ds)


@contextmanager
def _conflicts_of(table: str, day: date) -> Iterator[None]:
    try:
        yield
    except _CONFLICTS as error:
        raise conflict(table, day) from error
