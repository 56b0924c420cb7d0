"""Files of a staged or published table as frames, without the engine's own Delta reader."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path

from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from winnow.release.metadata import open_version
from winnow.spark.dialect import dialect_of
from winnow.storage.object_path import Place, uri_of


def frame_of_files(
    spark: SparkSession, files: Sequence[Place], schema: StructType, day: date | None
) -> DataFrame:
    """Return the rows of Parquet files of one date.

    Of a published table they are the files that the Delta log names. Spark's ``versionAsOf``
    rebuilds the whole state of the table in jobs of its own, which takes longer than writing a
    date; Sail's Delta reader does not find a table whose path holds a space.

    Args:
        spark: The session.
        files: The files; none give no rows.
        schema: The columns, ``ds`` in its place; ``ds`` is not in the files.
        day: What ``ds`` is in every row.
    """
    if not files:
        return spark.createDataFrame([], schema)
    # All nullable: Sail takes NOT NULL for another type where the column is an array.
    stored = StructType([StructField(f.name, f.dataType) for f in schema.fields if f.name != "ds"])
    frame = spark.read.schema(stored).parquet(*_named(spark, files))
    return frame.withColumn("ds", F.lit(day).cast("date")).select(*schema.names)


def frame_of_file(spark: SparkSession, file: Path) -> DataFrame:
    """Return the rows of one Parquet file that holds all columns, ``ds`` among them."""
    return spark.read.parquet(*_named(spark, [file]))


def frame_as_written(
    spark: SparkSession, files: Sequence[Place], names: Sequence[str], day: date | None
) -> DataFrame:
    """Return the rows of Parquet files of one date with the columns and types that the files have.

    Args:
        spark: The session.
        files: The files, at least one.
        names: The columns that are expected; ``ds`` gets its place among them.
        day: What ``ds`` is in every row.
    """
    frame = spark.read.parquet(*_named(spark, files))
    found = frame.columns
    found.insert(list(names).index("ds"), "ds")
    return frame.withColumn("ds", F.lit(day).cast("date")).select(*found)


def read_schema(path: Place, version: int) -> StructType:
    """Return the Spark schema of one version of a table.

    Raises:
        ReleaseError: The version is not there (any more).
    """
    return spark_schema_of(open_version(path, version))


def spark_schema_of(table: DeltaTable) -> StructType:
    """Return the Spark schema of a table at its version."""
    return StructType.fromJson(json.loads(table.schema().to_json()))


def files_by_day(files: Iterable[Path]) -> list[tuple[date | None, list[Path]]]:
    """Return files, in order, by the date of the folder that each lies in."""
    found = groupby(sorted(files), key=lambda file: file.parent)
    return [(day_of_folder(folder), list(own)) for folder, own in found]


def day_of_folder(folder: Place) -> date | None:
    """Return the date that a folder ``ds=date`` is named by; None where it is named otherwise."""
    try:
        return date.fromisoformat(folder.name.partition("=")[2])
    except ValueError:
        return None


def _named(spark: SparkSession, files: Sequence[Place]) -> list[str]:
    to_read = dialect_of(spark).to_read
    return [to_read(uri_of(file)) for file in files]
