"""The store of Spark, behind a server of Connect or not: Spark itself writes staged files."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from winnow.contracts.tables import TableContract
from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import Place


class SparkStore(Store):
    """The ``Store`` of the engines spark and connect."""

    def __init__(
        self,
        spark: SparkSession,
        warehouse: Place,
        retention_days: int = 400,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Take a session; ``retention_days`` go into the properties of new tables."""
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
