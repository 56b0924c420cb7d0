"""Rows that come through files are those that the engine hands over, types and all."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from winnow.engine.choice import engine_of
from winnow.spark.scratch import Scratch

pytestmark = pytest.mark.both_engines

COLUMNS = [
    "id",
    "id % 3 = 0 AS yes",
    "CAST(id AS STRING) AS text",
    "id / 4 AS part",
    "IF(id % 2 = 0, TIMESTAMP '9999-12-31 23:59:59.999999', NULL) AS until",
    "ARRAY(CAST(id AS INT), NULL) AS list",
    "CAST(id AS DECIMAL(20, 2)) AS price",
]


@pytest.fixture
def scratch(spark: SparkSession, tmp_path: Path) -> Scratch:
    return Scratch(spark, engine_of(spark).ship, tmp_path / "a folder", "tag")


def rows(spark: SparkSession, n: int) -> DataFrame:
    return spark.range(n).selectExpr(*COLUMNS)


class DescribeFetched:
    @pytest.mark.parametrize("n", [50, 0])
    def it_gives_the_rows_of_the_engine(
        self, n: int, spark: SparkSession, scratch: Scratch
    ) -> None:
        found, wanted = scratch.fetched(rows(spark, n), "rows"), rows(spark, n).toArrow()
        assert found.num_rows == n
        assert found.schema.names == wanted.schema.names
        assert [str(t) for t in found.schema.types] == [str(t) for t in wanted.schema.types]
        assert found.sort_by("id").to_pylist() == wanted.sort_by("id").to_pylist()

    def it_leaves_no_file(self, spark: SparkSession, scratch: Scratch) -> None:
        scratch.fetched(rows(spark, 5), "rows")
        assert list(scratch.folder.iterdir()) == []
