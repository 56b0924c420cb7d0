"""What tasks write themselves is what they would have given back, and nothing more."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import (
    ArrayType,
    ByteType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)
from winnow.engine.choice import engine_of
from winnow.spark.scratch import Scratch

pytestmark = pytest.mark.both_engines

GROUPS = StructType(
    [
        StructField("id", LongType(), nullable=False),
        StructField("name", StringType(), nullable=True),
        StructField("stage", ArrayType(ByteType()), nullable=False),
        StructField("value", ArrayType(DoubleType()), nullable=False),
    ]
)

Task = Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def task(*, with_text: bool = False) -> Task:
    """By value to the tasks: they need not be able to import this file."""

    def groups_of(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Give a group for every even id, in two batches; nothing where no id is even."""
        ids = [i for batch in batches for i in batch.column(0).to_pylist() if i % 2 == 0]
        for part in (ids[:1], ids[1:]):
            if part:
                yield pa.RecordBatch.from_pydict(
                    {
                        "id": pa.array(["x" for _ in part] if with_text else part),
                        "name": pa.array([None if i % 3 else f"n{i}" for i in part], pa.string()),
                        "stage": pa.array([[i % 7, None] for i in part], pa.list_(pa.int8())),
                        "value": pa.array(
                            [[i / 2] * (i % 4) for i in part], pa.list_(pa.float64())
                        ),
                    }
                )

    return groups_of


@pytest.fixture
def scratch(spark: SparkSession, tmp_path: Path) -> Scratch:
    return Scratch(spark, engine_of(spark).ship, tmp_path / "a folder", "tag")


def ids(spark: SparkSession, first: int, last: int) -> DataFrame:
    return spark.range(first, last).repartition(4, "id")


class DescribeStagedByTasks:
    def it_holds_what_the_tasks_gave(self, spark: SparkSession, scratch: Scratch) -> None:
        frame = ids(spark, 0, 50)
        staged = scratch.staged_by_tasks(frame, task(), GROUPS, "groups/0")
        given = frame.mapInArrow(task(), GROUPS)
        assert [f.name for f in staged.schema.fields] == GROUPS.names
        assert [f.dataType for f in staged.schema.fields] == [f.dataType for f in GROUPS.fields]
        assert staged.count() == 25
        assert sorted(map(str, staged.collect())) == sorted(map(str, given.collect()))

    def it_has_the_columns_where_no_task_gave_a_row(
        self, spark: SparkSession, scratch: Scratch
    ) -> None:
        staged = scratch.staged_by_tasks(ids(spark, 1, 2), task(), GROUPS, "groups/0")
        assert (staged.columns, staged.count()) == (GROUPS.names, 0)

    def it_reads_the_files_of_this_call_only(self, spark: SparkSession, scratch: Scratch) -> None:
        """Files of an attempt that failed later, or of a run before, have names nobody told."""
        scratch.staged_by_tasks(ids(spark, 0, 50), task(), GROUPS, "groups/0")
        staged = scratch.staged_by_tasks(ids(spark, 0, 10), task(), GROUPS, "groups/0")
        assert sorted(row["id"] for row in staged.collect()) == [0, 2, 4, 6, 8]

    def it_packs_whole_numbers_and_compresses_text_alone(
        self, spark: SparkSession, scratch: Scratch
    ) -> None:
        scratch.staged_by_tasks(ids(spark, 0, 50), task(), GROUPS, "groups/0")
        file = pq.ParquetFile(next((scratch.folder / "groups/0").glob("*.parquet")))
        group = file.metadata.row_group(0)
        columns = {
            column.path_in_schema.split(".")[0]: column
            for column in (group.column(i) for i in range(group.num_columns))
        }
        packed = {name for name, c in columns.items() if "DELTA_BINARY_PACKED" in c.encodings}
        assert packed == {"id", "stage"}
        assert {name for name, c in columns.items() if "RLE_DICTIONARY" in c.encodings} == set()
        compressed = {name for name, c in columns.items() if c.compression == "SNAPPY"}
        assert compressed == {"name"}

    def it_refuses_a_row_with_another_type(self, spark: SparkSession, scratch: Scratch) -> None:
        with pytest.raises(Exception, match="Failed to parse string: 'x' as a scalar"):
            scratch.staged_by_tasks(ids(spark, 0, 50), task(with_text=True), GROUPS, "groups/0")
