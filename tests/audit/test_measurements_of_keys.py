"""A staged table by itself: its rows, its keys, its columns, and the rules on single rows."""

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.audit.gates import keys, row_rules
from winnow.audit.gates.keys import schema_figure
from winnow.audit.gates.row_rules import count_table
from winnow.audit.recompute.row_sample import RowSample
from winnow.contracts.counts import RowCounts
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import table_contract
from winnow.spark.limits import DEFAULT_LIMITS, Limits

from tests.audit.small import THE_DAY, by_name, config, evidence, frame, measured
from tests.events.handmade import DAY

SETTINGS = config(negatives={"per_positive": 4})

OF_FILES = ("schema_differs", "reader_protocol")


class DescribeTablesAsSuch:
    CONTRACT = table_contract("positives").resolved(SETTINGS.ids)

    def rows(self, spark: SparkSession, *items: int) -> DataFrame:
        made = [{"ds": DAY, "user_id": 7, "request_id": 1, "item_id": i} for i in items]
        rows = frame(spark, "positives", made or [{"ds": DAY}], SETTINGS)
        keys = ("user_id", "request_id", "item_id")
        return rows.withColumn("sample_id", F.xxhash64(*keys)) if items else rows

    def figures(
        self,
        rows: DataFrame,
        wanted: int,
        *,
        table: str = "positives",
        allow_empty: bool = False,
        limits: Limits = DEFAULT_LIMITS,
    ) -> dict[str, float | int | None]:
        shown = RowCounts(wanted, wanted, 0, 0, 0, 0)
        found = evidence(
            rows.sparkSession, SETTINGS, {table: rows}, allow_empty=allow_empty,
            totals={"positives": wanted, "easy": 0, "fill": 0, "hard": 0},
            counts={"impressions": shown}, limits=limits,
        )  # fmt: skip
        figures = by_name(measured(found, keys, row_rules))
        return {name: n for name, n in figures.items() if not name.startswith(OF_FILES)}

    @pytest.mark.parametrize("most_hashed", [0, 1_000_000])
    def it_counts_rows_and_repeated_keys(self, spark: SparkSession, most_hashed: int) -> None:
        """Few keys by sets of hashes, many by sorting them."""
        limits = Limits(hashed_keys=most_hashed)
        assert (
            self.figures(self.rows(spark, 1, 2), 2, limits=limits)["duplicate_keys.positives"] == 0
        )
        assert self.figures(self.rows(spark, 1, 2, 2), 2, limits=limits) == {
            "duplicate_keys.positives": 1, "rows_differ.positives": 1, "rows.positives": 3,
            "sample_id_differs.positives": 0,
        }  # fmt: skip

    @pytest.mark.parametrize("most_hashed", [0, 1_000_000])
    def it_tells_two_impressions_of_one_item_apart(
        self, spark: SparkSession, most_hashed: int
    ) -> None:
        limits = Limits(hashed_keys=most_hashed)
        key = {"ds": DAY, "user_id": 7, "request_id": 1, "item_id": 5}
        rows = frame(
            spark, "ranking_samples", [key | {"impression_id": i} for i in "abb"], SETTINGS
        )
        found = self.figures(rows, 3, table="ranking_samples", limits=limits)
        assert found["duplicate_keys.ranking_samples"] == 1

    def it_looks_at_single_rows_of_a_stretch_and_at_the_keys_of_all(
        self, spark: SparkSession
    ) -> None:
        ids = spark.range(200).select(F.col("id").alias("request_id"))
        rows = self.rows(spark, 1).drop("request_id", "shuffle_key").crossJoin(ids)
        keyed = rows.withColumn("shuffle_key", F.shiftleft(F.col("request_id") % 4, 62))
        wrong_ids = keyed.withColumn("sample_id", F.lit(1).cast("bigint"))
        twice = wrong_ids.unionByName(wrong_ids.where("request_id = 7"))
        looked_at = []
        for number in range(4):
            found = count_table(
                "positives", twice, self.CONTRACT.key, SETTINGS, THE_DAY, RowSample(4, number),
                mature=True, with_keys=True,
            )  # fmt: skip
            looked_at.append(found["sample_id_differs"])
            assert (found["rows"], found["keys"]) == (201, 200)
        assert looked_at == [50, 51, 50, 50], "the keys from -2^63 up: 2, 3, 0, 1"

    def it_lets_no_empty_table_prove_anything(self, spark: SparkSession) -> None:
        empty = self.rows(spark, 1).limit(0)
        assert self.figures(empty, 0)["rows.positives"] == 0
        assert "rows.positives" not in self.figures(empty, 0, allow_empty=True)

    def it_names_columns_that_are_not_as_in_the_contract(self, spark: SparkSession) -> None:
        schema = spark_schema(self.CONTRACT)
        right = spark.createDataFrame([], schema)
        assert schema_figure("positives", right, self.CONTRACT).value == 0
        wrong_ones = right.drop("position").withColumn("extra", F.lit(1))
        found = schema_figure("positives", wrong_ones, self.CONTRACT)
        assert (found.value, found.detail) == (2, "extra, position")
        moved = right.select(*reversed(right.columns))
        assert schema_figure("positives", moved, self.CONTRACT).detail == "the order of columns"
