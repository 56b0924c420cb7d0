"""Source rows as Spark frames: one row per event, whatever format and shape the files have."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StructField, StructType

from pipelines.config.logs import Explode, LogConfig, Partition
from pipelines.contracts.mapping.binding import Binding
from pipelines.contracts.sources.line_rows import LineReader
from pipelines.contracts.sources.opening import FileGroup, Opened
from pipelines.contracts.sources.places import Place, SourceFile
from pipelines.contracts.sources.split_files import (
    frame_of_splits,
    parquet_by_arrow,
    parts_of_files,
    whole_files,
)
from pipelines.contracts.sources.text_lines import CandidateLists, LineFormat
from pipelines.contracts.sources.types import SourceColumn
from pipelines.engines.dialect import dialect_of

_PLACE, _CANDIDATE = "__winnow_place", "__winnow_candidate"
_DATE = "__winnow_date"
"""The date of the folder; the files may have a column of the folder's name, with other values."""


@dataclass(frozen=True)
class SourceRows:
    """Rows as the source has them, and how to get at their parts.

    Attributes:
        frame: One row per event (after exploding).
        column_of: Source column name to its value.
        problem: Why the row as a whole is broken, as ``code: sentence``, or NULL.
        place: The row's place in its request's list, from 0; None where rows are not exploded.
        partition_date: The date of its folder, or NULL.
        source_row: The source columns in source order, as a struct.
    """

    frame: DataFrame
    column_of: Callable[[str], Column]
    problem: Column
    place: Column | None
    partition_date: Column
    source_row: Column


def quoted(name: str) -> str:
    """Return a column name that is taken literally, dots and backticks included."""
    escaped = name.replace("`", "``")
    return f"`{escaped}`"


def source_rows(
    opened: Opened, binding: Binding, log: LogConfig, wanted: Sequence[object], spark: SparkSession
) -> SourceRows:
    """Return the rows of a log's files, not yet conformed.

    Args:
        opened: The files, looked at.
        binding: Which source columns are used.
        log: The log's resolved config.
        wanted: The folder dates to read; only a Delta table needs them here.
        spark: The session.
    """
    if opened.kind in ("csv", "json_lines"):
        return _text_rows(opened, binding, log, spark)
    if opened.kind == "delta":
        frame = _delta_frame(opened, log, wanted, spark)
        partition = log.partition.column if log.partition else None
        # A partition column of a Delta table is a column of the table as well.
        dates = F.col(quoted(partition)).cast("date") if partition else _no_date()
        return _column_rows(frame, opened.columns, log.explode, dates)
    frames = [_parquet_frame(opened, group, log.partition, spark) for group in opened.groups]
    frame = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), frames)
    dates = F.col(_DATE) if log.partition else _no_date()
    return _column_rows(frame, _readable(opened), log.explode, dates)


def _no_date() -> Column:
    return F.lit(None).cast("date")


def _readable(opened: Opened) -> list[SourceColumn]:
    """Return the columns that can be read: the rest is unmapped, so it is only left out of raw."""
    differing = {column.name for pair in opened.differing for column in pair}
    return [c for c in opened.columns if c.type is not None and c.name not in differing]


def _parquet_frame(
    opened: Opened, group: FileGroup, partition: Partition | None, spark: SparkSession
) -> DataFrame:
    """Read exactly these files, with the date of their folder as a column where there is one."""
    readable = {column.name for column in _readable(opened)}
    columns = [column for column in group.columns if column.type and column.name in readable]
    fields = [StructField(column.name, column.type) for column in columns if column.type]
    if any(column.by_arrow for column in columns):
        date_name = _DATE if partition else None
        frame = parquet_by_arrow(spark, opened.place, group.files, fields, date_name)
    else:
        frame = _by_engine(opened.place, group.files, fields, partition, spark)
    kept = [quoted(field.name) for field in fields]
    frame = frame.select(*kept, *([_DATE] if partition else []))
    return frame.where(F.lit(False)) if opened.hollow else frame


def _by_engine(
    place: Place,
    files: Sequence[SourceFile],
    fields: list[StructField],
    partition: Partition | None,
    spark: SparkSession,
) -> DataFrame:
    dialect = dialect_of(spark)

    def read(some: Sequence[SourceFile], reader: DataFrameReader) -> DataFrame:
        return reader.parquet(*[dialect.to_read(place.uri(file.path)) for file in some])

    if partition is None:
        return read(files, spark.read.schema(StructType(fields)))
    column = partition.column
    if column and dialect.folder_dates and _only_dates(place, column, files, fields):
        schema = StructType([*fields, StructField(column, DateType())])
        frame = read(files, spark.read.schema(schema).option("basePath", place.uri(place.path)))
        return frame.withColumnRenamed(column, _DATE)
    days: dict[date | None, list[SourceFile]] = {}
    for file in files:
        days.setdefault(file.date, []).append(file)
    parts = [
        read(some, spark.read.schema(StructType(fields))).withColumn(_DATE, F.lit(day).cast("date"))
        for day, some in days.items()
    ]
    return reduce(DataFrame.unionByName, parts)


def _only_dates(
    place: Place, column: str, files: Sequence[SourceFile], fields: Sequence[StructField]
) -> bool:
    """Return whether an engine that makes columns of folders' names makes the date's, no other.

    It puts such a column in the place of the files' own column of that name.
    """
    if column.lower() in {field.name.lower() for field in fields}:
        return False
    return all(
        file.path.startswith(f"{place.path}/{column}={file.date}/")
        and file.path.count("=", len(place.path)) == 1
        for file in files
    )


def _delta_frame(
    opened: Opened, log: LogConfig, wanted: Sequence[object], spark: SparkSession
) -> DataFrame:
    assert opened.delta is not None
    reader = spark.read.format("delta").option("versionAsOf", opened.delta)
    frame = reader.load(dialect_of(spark).exact(opened.place.uri(opened.place.path)))
    if log.partition is None or log.partition.column is None:
        return frame
    dates = [F.lit(day).cast("date") for day in wanted]
    inside = (
        F.col(quoted(log.partition.column)).cast("date").isin(*dates) if dates else F.lit(False)
    )
    return frame.where(inside)


def _column_rows(
    frame: DataFrame, columns: Sequence[SourceColumn], explode: Explode | None, dates: Column
) -> SourceRows:
    top = {column.name for column in columns}
    row = F.struct(*[F.col(quoted(column.name)) for column in columns])
    if explode is None:
        return SourceRows(
            frame, lambda name: F.col(quoted(name)), F.lit(None).cast("string"), None, dates, row
        )
    lists = [F.col(quoted(name)) for name in explode.columns]
    unequal, found = F.lit(False), F.lit("")
    if explode.kind == "structs":
        candidates = lists[0]
    elif explode.kind == "delimited":
        split = F.split(lists[0], re.escape(explode.delimiter), -1)
        candidates = F.when(lists[0] != "", split)
    else:
        sizes = [F.when(values.isNotNull(), F.size(values)).otherwise(0) for values in lists]
        for size in sizes[1:]:
            unequal = unequal | (size != sizes[0])
        found = F.concat_ws(", ", *[size.cast("string") for size in sizes])
        named = [values.alias(f"v{index}") for index, values in enumerate(lists)]
        candidates = F.when(~unequal, F.arrays_zip(*named))
    exploded = frame.select("*", F.posexplode_outer(candidates).alias(_PLACE, _CANDIDATE))
    problem = F.when(
        unequal, F.concat(F.lit("unreadable: parallel lists have the lengths "), found)
    ).when(F.col(_PLACE).isNull(), F.lit("missing: the list of candidates is NULL or empty"))

    def column_of(name: str) -> Column:
        if explode.kind == "structs":
            prefix = f"{explode.columns[0]}."
            if name.startswith(prefix) and name not in top:
                return F.col(_CANDIDATE).getField(name.removeprefix(prefix))
        elif name in explode.columns:
            if explode.kind == "delimited":
                return F.col(_CANDIDATE)
            return F.col(_CANDIDATE).getField(f"v{explode.columns.index(name)}")
        return F.col(quoted(name))

    return SourceRows(exploded, column_of, problem, F.col(_PLACE), dates, row)


def _text_rows(opened: Opened, binding: Binding, log: LogConfig, spark: SparkSession) -> SourceRows:
    wanted = binding.references()
    frames = []
    for group in opened.groups:
        assert group.text is not None
        lines = LineFormat(
            kind="json_lines" if opened.kind == "json_lines" else "csv",
            wanted=wanted,
            names=tuple(column.name for column in group.columns),
            header=group.text.header,
            dialect=group.text.dialect,
            explode=CandidateLists.of(log.explode),
            encoding=group.text.shape.encoding,
        )
        reader = LineReader(lines, group.text.shape, opened.place.filesystem)
        parts = parts_of_files if group.text.shape.divisible else whole_files
        splits = [] if opened.hollow else parts(group.files)
        frames.append(frame_of_splits(spark, splits, reader.read, reader.schema()))
    frame = reduce(lambda a, b: a.unionByName(b), frames)
    places = {name: f"c{index}" for index, name in enumerate(wanted)}
    return SourceRows(
        frame=frame,
        column_of=lambda name: F.col(places[name]),
        problem=F.col("problem"),
        place=F.col("place") if log.explode else None,
        partition_date=F.col("partition_date"),
        source_row=F.struct(F.col("line")),
    )
