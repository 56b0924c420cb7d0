"""One version of a Delta table as a frame."""

from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from winnow.logs.opened import DeltaVersion, Opened
from winnow.logs.parquet.frames import FOLDER_DATE, quoted
from winnow.logs.split_files import parquet_by_arrow
from winnow.spark.dialect import dialect_of


def delta_frame(opened: Opened, delta: DeltaVersion, spark: SparkSession) -> DataFrame:
    """Return the rows of a Delta table that lie in the wanted partitions.

    Columns: those of the table, and where it has a partition column of dates, ``FOLDER_DATE``.
    """
    if delta.files is None:
        reader = spark.read.format("delta").option("versionAsOf", delta.version)
        frame = reader.load(dialect_of(spark).exact(opened.location.uri(opened.location.path)))
    else:
        frame = _by_address(opened, delta, spark)
    if delta.partition is None:
        return frame
    column = F.col(quoted(delta.partition))
    values = [F.lit(value) for value, _ in delta.dates]
    frame = frame.where(column.isin(*values) if values else F.lit(False))
    day: Column = F.lit(None).cast("date")
    for value, found in delta.dates:
        day = F.when(column == F.lit(value), F.lit(found)).otherwise(day)
    return frame.withColumn(FOLDER_DATE, day)


def _by_address(opened: Opened, delta: DeltaVersion, spark: SparkSession) -> DataFrame:
    """Read files that lie elsewhere, as those of a shallow clone: not every engine finds them."""
    assert delta.files is not None
    types = {column.name: column.type for column in opened.columns if column.type is not None}
    frames = []
    for values, files in delta.files:
        constant = dict(values)
        fields = [StructField(name, kind) for name, kind in types.items() if name not in constant]
        frame = parquet_by_arrow(spark, opened.location, files, fields, None)
        for name in constant.keys() & types.keys():
            frame = frame.withColumn(name, F.lit(constant[name]).cast(types[name]))
        frames.append(frame.select(*[quoted(name) for name in types]))
    if not frames:
        return spark.createDataFrame([], StructType([StructField(n, k) for n, k in types.items()]))
    return reduce(DataFrame.unionByName, frames)
