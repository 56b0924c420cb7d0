"""Files that the tasks read themselves, with PyArrow: the same on every engine.

Text is read this way because engines differ in what a malformed line does, and Parquet whose
types not every engine reads.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import DateType, StructField, StructType

from winnow.logs.files.locations import Location, SourceFile

BYTES_PER_SPLIT = 16 * 2**20
_BYTES_PER_FILE = 2**20
"""What opening a file costs, counted as so many bytes."""
_ROWS_PER_BATCH = 65_536


@dataclass(frozen=True)
class Split:
    """A part of a file.

    Attributes:
        path: The file, on the file system of its log.
        start: The first byte; a line belongs to the split that it begins in.
        end: The byte behind the last one.
        date: The date of the file's folder, or None.
    """

    path: str
    start: int
    end: int
    date: date | None


def whole_files(files: Iterable[SourceFile]) -> list[Split]:
    """Return one split per file."""
    return [Split(file.path, 0, file.size, file.date) for file in files]


def parts_of_files(files: Iterable[SourceFile]) -> list[Split]:
    """Return the splits of text files that may be entered at any line."""
    splits = []
    for file in files:
        for start in range(0, file.size, BYTES_PER_SPLIT):
            end = min(start + BYTES_PER_SPLIT, file.size)
            splits.append(Split(file.path, start, end, file.date))
    return splits


def frame_of_splits(
    spark: SparkSession,
    splits: Sequence[Split],
    read: Callable[[Split], Iterator[pa.RecordBatch]],
    schema: StructType,
) -> DataFrame:
    """Return what ``read`` gives for every split; small splits share a task.

    Args:
        spark: The session.
        splits: The parts of files to read.
        read: Gives the batches of one split; runs in the tasks, so it must be able to travel.
        schema: The columns of the batches.
    """
    tasks = _packed(splits)
    if not tasks:
        return spark.createDataFrame([], schema)

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for split in tasks[number]:
                    yield from read(split)

    return spark.range(0, len(tasks), 1, len(tasks)).mapInArrow(work, schema)


def parquet_by_arrow(
    spark: SparkSession,
    location: Location,
    files: Sequence[SourceFile],
    fields: Sequence[StructField],
    partition: str | None,
    nested: Mapping[str, tuple[str, ...]] | None = None,
) -> DataFrame:
    """Return columns of Parquet files that an engine may fail to read.

    Args:
        spark: The session.
        location: The file system of the files.
        files: They.
        fields: The columns and the types that they shall have; NULL where a file lacks one.
        partition: The name of a column for the date of each file's folder, or None.
        nested: Those of ``fields`` that are fields of structs, and the ways to them.
    """
    ways = {field.name: (field.name,) for field in fields} | dict(nested or {})
    schema = StructType(list(fields))
    target = to_arrow_schema(schema)
    filesystem = location.filesystem

    def read(split: Split) -> Iterator[pa.RecordBatch]:
        with filesystem.open_input_file(split.path) as handle:
            parquet = pq.ParquetFile(handle, coerce_int96_timestamp_unit="us")
            there = set(parquet.schema_arrow.names)
            wanted = [".".join(way) for way in ways.values() if way[0] in there]
            for batch in parquet.iter_batches(_ROWS_PER_BATCH, columns=wanted):
                columns = [_column(batch, ways[field.name], field.type) for field in target]
                table = pa.Table.from_arrays(columns, schema=target)
                if partition is not None:
                    days = pa.array([split.date] * table.num_rows, pa.date32())
                    table = table.append_column(partition, days)
                yield from table.to_batches()

    if partition is not None:
        schema = StructType([*fields, StructField(partition, DateType())])
    return frame_of_splits(spark, whole_files(files), read, schema)


def _column(batch: pa.RecordBatch, way: tuple[str, ...], kind: pa.DataType) -> pa.Array:
    if way[0] not in batch.schema.names:
        return pa.nulls(batch.num_rows, kind)
    values = batch[way[0]]
    values = pc.struct_field(values, list(way[1:])) if way[1:] else values
    # What lies within a microsecond, or a day, is let go; a time out of range must not wrap around.
    return values.cast(kind, safe=not _finer(values.type))


def _finer(kind: pa.DataType) -> bool:
    """Return whether times of a type, or in it, are finer than those of engines."""
    if pa.types.is_nested(kind):
        return any(_finer(kind.field(index).type) for index in range(kind.num_fields))
    return bool(kind == pa.date64() or (pa.types.is_timestamp(kind) and kind.unit == "ns"))


def _packed(splits: Sequence[Split]) -> list[list[Split]]:
    tasks: list[list[Split]] = []
    size = BYTES_PER_SPLIT
    for split in splits:
        cost = max(split.end - split.start, _BYTES_PER_FILE)
        if size + cost > BYTES_PER_SPLIT:
            tasks.append([])
            size = 0
        tasks[-1].append(split)
        size += cost
    return tasks
