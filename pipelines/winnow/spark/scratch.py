"""Where a build computes: the session, its staging folder, and files for every task."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructField, StructType

from winnow.spark.dialect import dialect_of
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.task_files import NAMES, Task, TaskFiles


@dataclass(frozen=True)
class Scratch:
    """Where a build computes.

    Attributes:
        spark: The session.
        ship: Hands a file to every task and returns the name to find it by.
        folder: The run's staging folder; everything is written below it.
        tag: Makes the names of shipped files new in the session.
        limits: How much is computed at a time.
    """

    spark: SparkSession
    ship: Callable[[Path], str]
    folder: Path
    tag: str
    limits: Limits = DEFAULT_LIMITS

    def staged(self, frame: DataFrame, name: str, *, repeats: bool = False) -> DataFrame:
        """Write a frame as Parquet once and return it read back: frames are lazy, files are not.

        ``repeats`` says that many values repeat, as the names of stages in a log do.
        """
        # Named as local: a cluster's default file system may be another one.
        dialect, uri = dialect_of(self.spark), f"file://{self.folder / name}"
        # Ids and probabilities hardly repeat within a file: Parquet would build a dictionary of
        # them, find it too large, and write them again without.
        writer = frame.write.mode("overwrite")
        if not repeats:
            writer = writer.option("parquet.enable.dictionary", "false")
        writer.parquet(dialect.exact(uri))
        # All nullable: Sail takes NOT NULL for another type where the column is an array.
        stored = StructType([StructField(f.name, f.dataType) for f in frame.schema.fields])
        return self.spark.read.schema(stored).parquet(dialect.to_read(uri))

    def fetched(self, frame: DataFrame, name: str) -> pa.Table:
        """Return the rows of a frame of millions, through files: ``toArrow`` is for few rows.

        Sail hands rows over in messages, each of which costs Python several milliseconds: ten
        million rows of one column take it 4.8 CPU seconds, through a file 0.9. Spark would collect
        them in the memory of its driver.
        """
        self.staged(frame, name)
        schema, folder = to_arrow_schema(frame.schema), self.folder / name
        files = sorted(str(path) for path in folder.glob("*.parquet"))
        rows = pds.dataset(files).to_table() if files else schema.empty_table()
        shutil.rmtree(folder, ignore_errors=True)
        return rows.cast(schema)

    def numbers_of(self, name: str, column: str) -> NDArray[np.int64]:
        """Return one column of a staged frame, of whole numbers, in no order, shape (n,).

        Some rows are decoded at a time, so that of a hundred million no more is held than these.
        """
        files = [pq.ParquetFile(path) for path in sorted((self.folder / name).glob("*.parquet"))]
        numbers = np.empty(sum(file.metadata.num_rows for file in files), np.int64)
        begin = 0
        for file in files:
            for batch in file.iter_batches(columns=[column], batch_size=2**20):
                numbers[begin : begin + len(batch)] = batch[column].to_numpy()
                begin += len(batch)
        return numbers

    def staged_by_tasks(
        self, frame: DataFrame, task: Task, schema: StructType, name: str
    ) -> DataFrame:
        """Run a task on every partition of a frame, stage what it gives, and return it read back.

        Args:
            frame: What the tasks take.
            task: From Arrow batches to Arrow batches, as for ``mapInArrow``.
            schema: The columns of what it gives.
            name: Of the folder below the staging folder.
        """
        return self.read_back(self.written_by_tasks(frame, task, schema, name), schema)

    def written_by_tasks(
        self, frame: DataFrame, task: Task, schema: StructType, name: str
    ) -> list[Path]:
        """Do the first part of ``staged_by_tasks``; return the files, in order."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        files = TaskFiles(str(folder), to_arrow_schema(schema))
        write: Task = partial(files.write, task=task)
        names = frame.mapInArrow(write, NAMES).toArrow()["name"].to_pylist()
        return [folder / file for file in sorted(names)]

    def read_back(self, files: Sequence[Path], schema: StructType) -> DataFrame:
        """Return the rows of files that tasks wrote, in one scan."""
        if not files:
            return self.spark.createDataFrame([], schema)
        to_read = dialect_of(self.spark).to_read
        stored = StructType([StructField(f.name, f.dataType) for f in schema.fields])
        return self.spark.read.schema(stored).parquet(*(to_read(f"file://{f}") for f in files))

    def stored(self, table: pa.Table, name: str) -> DataFrame:
        """Return a table as a frame, through a file: some engines take only small ones directly."""
        # An engine that had no rows to write may not have made the folder.
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name}.parquet"
        pq.write_table(table, path)
        reader = self.spark.read.schema(from_arrow_schema(table.schema))
        return reader.parquet(dialect_of(self.spark).to_read(f"file://{path}"))
