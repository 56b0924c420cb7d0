"""Files of a published table as frames of an engine, without the engine's own Delta reader."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from pipelines.contracts.dialect import dialect_of


def frame_of_files(
    spark: SparkSession, files: Sequence[Path], schema: StructType, day: date | None
) -> DataFrame:
    """Return the rows of Parquet files of one date.

    Reads the files that the Delta log names. Spark's ``versionAsOf`` rebuilds the whole state of
    the table in jobs of its own, which takes longer than writing a date; Sail's Delta reader does
    not find a table whose path holds a space.

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
    to_read = dialect_of(spark).to_read
    frame = spark.read.schema(stored).parquet(*(to_read(f"file://{file}") for file in files))
    return frame.withColumn("ds", F.lit(day).cast("date")).select(*schema.names)
