"""A ``where`` of many values is planned soon, and means what a short one means."""

import time

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.contracts.mapping.values import equals_one_of


class DescribeAListOfManyValues:
    @pytest.mark.both_engines
    def it_is_looked_up_and_not_walked_through(self, spark: SparkSession) -> None:
        rows = spark.createDataFrame(
            [("v5",), ("7",), (" 7",), ("true",), ("1.5",), ("v5000000",), (None,), ("8",)],
            "text string",
        )
        values: tuple[bool | int | float | str, ...] = (
            7,
            True,
            1.5,
            "8",
            *(f"v{n}" for n in range(10_000)),
        )
        began = time.monotonic()
        kept = rows.select("text", equals_one_of(F.col("text"), "string", values).alias("kept"))
        found = {row["text"]: row["kept"] for row in kept.collect()}
        assert time.monotonic() - began < 60
        assert {text for text, is_kept in found.items() if is_kept} >= {"v5", "7", "true", "1.5"}
        assert found["8"] is True
        assert found["v5000000"] is False
        assert found[None] is False

    def it_tells_a_number_from_the_text_of_it(self, spark: SparkSession) -> None:
        rows = spark.createDataFrame([("1",), ("01",), ("1.0",)], "text string")

        def kept(*values: bool | int | float | str) -> list[str]:
            found = rows.where(equals_one_of(F.col("text"), "string", values)).collect()
            return sorted(row["text"] for row in found)

        assert kept("1") == ["1"]
        assert kept("1", "01") == ["01", "1"]
        assert set(kept(1, 1.0, "01")) >= {"1", "01", "1.0"}
