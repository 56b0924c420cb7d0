"""The smaller side of a join is copied to all tasks, and the join gives the same rows."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from winnow.spark.broadcast import broadcast

from tests.costs.plans import exchanges, explained
from tests.near_equal import near_equal

MANY, FEW = 240_000, 120_000


@pytest.fixture(scope="module", autouse=True)
def no_guess(spark: SparkSession) -> Iterator[None]:
    """Have Spark copy no side that it was not told to: the tables here are small for it."""
    name = "spark.sql.autoBroadcastJoinThreshold"
    before = spark.conf.get(name, None)
    spark.conf.set(name, "-1")
    yield
    if before is None:
        spark.conf.unset(name)
    else:
        spark.conf.set(name, before)


@pytest.fixture(scope="module")
def files(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, DataFrame]:
    """Two tables on disk, each of more than a megabyte; some keys of both are NULL."""
    folder, frames = tmp_path_factory.mktemp("joined"), {}
    for name, n, step in (("many", MANY, 7), ("few", FEW, 11)):
        keys = [None if i % 1000 == 0 else i * step for i in range(n)]
        columns = {"key": pa.array(keys, pa.int64()), name: range(n), f"{name}_twice": range(n)}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
        frames[name] = spark.read.parquet(f"file://{folder / name}.parquet")
    return frames


def moved(frame: DataFrame) -> list[str]:
    return [node.text.partition(":")[0] for node in exchanges(explained(frame))]


class DescribeBroadcast:
    @pytest.mark.parametrize("how", ["left", *near_equal("inner", "left_semi", "left_anti")])
    def it_copies_the_rows_and_leaves_the_others_where_they_are(
        self, files: dict[str, DataFrame], how: str
    ) -> None:
        few = broadcast(files["few"], "key")
        assert moved(files["many"].join(few, "key", how=how)) == ["copied to all tasks"]

    @pytest.mark.parametrize("how", ["left_anti", *near_equal("inner", "left", "left_semi")])
    def it_changes_no_row_of_the_join(self, files: dict[str, DataFrame], how: str) -> None:
        many, few = files["many"], files["few"]
        found = many.join(broadcast(few, "key"), "key", how=how)
        wanted = many.join(few, "key", how=how)
        assert found.count() == wanted.count() > 0
        assert found.exceptAll(wanted).count() == 0

    def it_copies_what_was_grouped_before(self, files: dict[str, DataFrame]) -> None:
        keys = broadcast(files["few"].select("key").distinct(), "key")
        found = files["many"].join(keys, "key", how="left_semi")
        shared = {7 * i for i in range(MANY) if i % 1000} & {11 * i for i in range(FEW) if i % 1000}
        assert found.count() == len(shared)
        # To group the keys they are moved by key, before they are copied.
        assert "copied to all tasks" in moved(found)

    @pytest.mark.parametrize("n", [0, 1])
    def it_takes_hardly_any_rows(self, files: dict[str, DataFrame], n: int) -> None:
        # 7 · 11 is a key of both.
        few = broadcast(files["few"].where(f"few BETWEEN 7 AND {6 + n}"), "key")
        found = files["many"].join(few, "key").collect()
        assert [(row["many"], row["few"]) for row in found] == [(11, 7)] * n


@pytest.mark.sail_only
class DescribeAHintForSail:
    def it_does_nothing(self, files: dict[str, DataFrame]) -> None:
        """The day this fails, a hint is enough for Sail too."""
        from pyspark.sql import functions as F

        hinted = files["many"].join(F.broadcast(files["few"]), "key")
        assert moved(hinted) == ["RepartitionExec", "RepartitionExec"]
