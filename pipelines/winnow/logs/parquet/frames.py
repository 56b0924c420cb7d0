"""Parquet files as frames: exactly these files, their own columns, the dates of their folders."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StructField, StructType

from winnow.config.log_shapes import Partition
from winnow.logs.files.locations import Location, SourceFile
from winnow.logs.opened import FileGroup, Opened
from winnow.logs.parquet.nested import resolve
from winnow.logs.split_files import parquet_by_arrow
from winnow.logs.types import SourceColumn
from winnow.spark.dialect import dialect_of

FOLDER_DATE = "__winnow_date"
"""The date of the folder; the files may have a column of the folder's name, with other values."""


def quoted(name: str) -> str:
    """Return a column name that is taken literally, dots and backticks included."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def readable_columns(opened: Opened, used: Collection[str]) -> list[SourceColumn]:
    """Return the columns that are read: the rest is unmapped, so it is only left out of raw.

    Among the rest are columns that engines cannot read as they stand, unless they are ``used``.
    """
    differing = {column.name for pair in opened.differing for column in pair}
    return [
        column
        for column in opened.columns
        if column.type is not None
        and column.name not in differing
        and (column.name in used or not column.converted)
    ]


def parquet_frame(
    opened: Opened,
    columns: Sequence[SourceColumn],
    partition: Partition | None,
    nested: Mapping[str, str],
    spark: SparkSession,
) -> DataFrame:
    """Return the rows of a log's Parquet files.

    Columns: ``columns``, some of ``readable_columns``, NULL where a file lacks one; the fields of
    structs that ``nested`` names, as it calls them; and where the log has date folders,
    ``FOLDER_DATE``.
    """
    names = {column.name for column in columns}
    frames = [
        _group_frame(opened, group, names, partition, nested, spark) for group in opened.groups
    ]
    return reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), frames)


def _group_frame(
    opened: Opened,
    group: FileGroup,
    readable: Collection[str],
    partition: Partition | None,
    nested: Mapping[str, str],
    spark: SparkSession,
) -> DataFrame:
    """Read exactly these files, with the date of their folder as a column where there is one."""
    columns = [column for column in group.columns if column.type and column.name in readable]
    fields = [StructField(column.name, column.type) for column in columns if column.type]
    found = {name: resolve({c.name: c for c in group.columns}, name) for name in nested}
    leaves = {name: leaf for name, leaf in found.items() if leaf is not None}
    struct_fields = {field.name: field for field in fields}
    by_arrow = any(path[0] not in struct_fields for _, path in leaves.values())
    if by_arrow or any(column.by_arrow for column in columns):
        date_name = FOLDER_DATE if partition else None
        kinds = [StructField(nested[n], leaf.type) for n, (leaf, _) in leaves.items() if leaf.type]
        ways = {nested[name]: path for name, (_, path) in leaves.items()}
        all_fields = [*fields, *kinds]
        frame = parquet_by_arrow(spark, opened.location, group.files, all_fields, date_name, ways)
    else:
        frame = _by_engine(opened.location, group.files, fields, partition, spark)
        frame = with_fields(frame, {nested[name]: path for name, (_, path) in leaves.items()})
    kept = [quoted(field.name) for field in fields]
    dates = [FOLDER_DATE] if partition else []
    frame = frame.select(*kept, *(nested[name] for name in leaves), *dates)
    return frame.where(F.lit(False)) if opened.hollow else frame


def with_fields(frame: DataFrame, ways: Mapping[str, Sequence[str]]) -> DataFrame:
    """Return a frame with fields of its structs as columns too, by the ways to them."""
    fields = [
        reduce(Column.getField, way[1:], F.col(quoted(way[0]))).alias(name)
        for name, way in ways.items()
    ]
    return frame.select("*", *fields) if fields else frame


def _by_engine(
    location: Location,
    files: Sequence[SourceFile],
    fields: list[StructField],
    partition: Partition | None,
    spark: SparkSession,
) -> DataFrame:
    dialect = dialect_of(spark)

    def read(some: Sequence[SourceFile], reader: DataFrameReader) -> DataFrame:
        return reader.parquet(*[dialect.to_read(location.uri(file.path)) for file in some])

    if partition is None:
        return read(files, spark.read.schema(StructType(fields)))
    column = partition.column
    if column and dialect.folder_dates and _only_dates(location, column, files, fields):
        schema = StructType([*fields, StructField(column, DateType())])
        frame = read(
            files, spark.read.schema(schema).option("basePath", location.uri(location.path))
        )
        return frame.withColumnRenamed(column, FOLDER_DATE)
    days: dict[date | None, list[SourceFile]] = {}
    for file in files:
        days.setdefault(file.date, []).append(file)
    reader = spark.read.schema(StructType(fields))
    parts = [
        read(some, reader).withColumn(FOLDER_DATE, F.lit(day).cast("date"))
        for day, some in days.items()
    ]
    return reduce(DataFrame.unionByName, parts)


def _only_dates(
    location: Location, column: str, files: Sequence[SourceFile], fields: Sequence[StructField]
) -> bool:
    """Return whether an engine that makes columns of folders' names makes the date's, no other.

    It puts such a column in the place of the files' own column of that name.
    """
    if column.lower() in {field.name.lower() for field in fields}:
        return False
    return all(
        file.path.startswith(f"{location.path}/{column}={file.date}/")
        and file.path.count("=", len(location.path)) == 1
        for file in files
    )
