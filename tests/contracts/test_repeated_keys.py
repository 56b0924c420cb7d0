"""Repeated keys are found exactly, and only the rows behind them are chosen from."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.contracts import repeated_keys
from winnow.contracts.repeated_keys import (
    KEPT,
    KEPT_CLASSES,
    count_distinct_keys,
    key_census,
    repeated_hashes,
    rows_by_class,
    with_hash_alone,
    with_hash_among,
)
from winnow.contracts.rows import (
    deduplicated,
    deduplicated_where_repeated,
    valid_rows,
    without_duplicates,
)
from winnow.spark.limits import Limits, ShuffleLimit

from tests.contracts.logs_for_tests import NOON_S, config, impressions, opened, rows, write

KEY = ("a", "b")


def as_it_is(frame: DataFrame, name: str) -> DataFrame:
    return frame


def repeated_in(frame: DataFrame, key: Sequence[str] = KEY) -> DataFrame:
    return repeated_hashes(key_census(frame, key, F.lit(KEPT), 100, as_it_is))


def distinct_keys(frame: DataFrame) -> int:
    return count_distinct_keys(frame, KEY, frame.count(), repeated_in(frame))


class DescribeCountDistinctKeys:
    def it_counts_keys_with_nulls_exactly(self, spark: SparkSession) -> None:
        values = [(1, None), (None, 1), (1, 1), (1, None), (None, None), (None, None)]
        frame = spark.createDataFrame(values * 3, "a bigint, b bigint").repartition(5)
        assert distinct_keys(frame) == 4
        wide = spark.range(20_000).select((F.col("id") % 7_000).alias("a"), F.lit("x").alias("b"))
        assert distinct_keys(wide.repartition(3)) == 7_000
        assert distinct_keys(wide.where("a < 0")) == 0

    def it_does_not_take_two_keys_with_one_hash_for_one(
        self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(repeated_keys, "_short_hash", lambda key: F.lit(7).cast("bigint"))
        frame = spark.createDataFrame([(1, 1), (1, 2), (1, 2)], "a bigint, b bigint")
        assert distinct_keys(frame) == 2


class DescribeKeyCensus:
    def it_gives_each_repeated_key_and_how_many_have_it(self, spark: SparkSession) -> None:
        frame = spark.createDataFrame([(1, 1), (1, 2), (1, 1), (1, 1), (2, 2)], "a bigint, b int")
        found = repeated_in(frame)
        assert [row["n"] for row in found.collect()] == [3]
        behind = with_hash_among(frame, KEY, found, n_repeated=1).collect()
        assert [tuple(row) for row in behind] == [(1, 1)] * 3
        others = with_hash_alone(frame, KEY, found, n_repeated=1).collect()
        assert sorted(map(tuple, others)) == [(1, 2), (2, 2)]

    def it_counts_the_rows_of_every_place_and_compares_the_keys_of_one(
        self, spark: SparkSession
    ) -> None:
        ids = F.col("id")
        frame = spark.range(1_000).select((ids % 10).alias("a"), (ids % 10).alias("b"))
        row_class = F.when(F.col("a") < 9, F.col("a") % 4 + KEPT_CLASSES).otherwise(F.lit(KEPT))
        census = key_census(frame, KEY, row_class, 1_000, as_it_is)
        assert rows_by_class(census) == {
            KEPT: 100,
            KEPT_CLASSES: 300,
            **{KEPT_CLASSES + extra: 200 for extra in (1, 2, 3)},
        }
        assert [row["n"] for row in repeated_hashes(census).collect()] == [100]

    def it_compares_the_keys_of_all_rows_that_are_kept_whatever_is_odd_about_them(
        self, spark: SparkSession
    ) -> None:
        ids = F.col("id")
        frame = spark.range(3_000).select((ids % 1_500).alias("a"), (ids % 1_500).alias("b"))
        frame = frame.withColumn("row_class", F.pmod("b", F.lit(7)).cast("int"))
        odd = frame.unionByName(frame.withColumn("row_class", F.lit(KEPT_CLASSES - 1)))
        census = key_census(odd, KEY, F.col("row_class"), 6_000_000, as_it_is)
        assert [row["n"] for row in repeated_hashes(census).collect()] == [4] * 1_500

    def it_gives_nothing_for_no_rows(self, spark: SparkSession) -> None:
        census = key_census(spark.range(0).withColumn("a", F.lit(1)), ("a",), F.lit(KEPT), 0)
        assert (rows_by_class(census), repeated_hashes(census).count()) == ({}, 0)

    def it_gives_the_same_in_several_passes(self, spark: SparkSession) -> None:
        ids = F.col("id")
        frame = spark.range(3_000).select((ids % 2_000).alias("a"), F.lit(1).alias("b"))
        once = repeated_in(frame).collect()
        few = Limits(compared_keys=ShuffleLimit(200, 700), memory_gib=1.0)
        names: list[str] = []

        def kept(part: DataFrame, name: str) -> DataFrame:
            names.append(name)
            return part

        census = key_census(frame, KEY, F.lit(KEPT), 3_000, kept, few)
        assert len(once) == 1_000
        assert sorted(map(tuple, repeated_hashes(census).collect())) == sorted(map(tuple, once))
        assert rows_by_class(census) == {KEPT: 3_000}
        assert names == ["0", "1", "2", "3", "4"]


class DescribeDeduplicatedOfFew:
    @pytest.mark.parametrize("duplicates", [3, 6])
    def it_chooses_the_winners_that_a_look_at_all_rows_would(
        self, spark: SparkSession, tmp_path: Path, duplicates: int
    ) -> None:
        times = [(r, 2, 3, NOON_S + s) for r in (1, None) for s in (0, 9, 5)]
        write(tmp_path / "impressions" / "a.parquet", rows(*times, (4, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        found = log.frame.drop("source_row")
        repeated = repeated_in(found, log.contract.key)
        few = deduplicated_where_repeated(found, log.contract, repeated, duplicates)
        chosen = few.select("request_id", "event_us").collect()
        assert sorted(row.request_id or 0 for row in chosen) == [0, 1, 4]
        assert {row.event_us for row in chosen} == {NOON_S * 1_000_000}

    def it_has_the_winners_kept_and_takes_them_from_there(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        times = [(r, 2, 3, NOON_S + s) for r in (1, 5) for s in (0, 9, 5)]
        write(tmp_path / "impressions" / "a.parquet", rows(*times, (4, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        found = log.frame.drop("source_row")
        repeated = repeated_in(found, log.contract.key)
        kept: list[int] = []

        def keep(winners: DataFrame) -> DataFrame:
            kept.extend(row.request_id for row in winners.collect())
            return winners.where("request_id = 5")

        few = deduplicated_where_repeated(found, log.contract, repeated, 4, keep=keep)
        assert sorted(kept) == [1, 5]
        assert sorted(row.request_id for row in few.collect()) == [4, 5]

    def it_keeps_ids_that_are_made_of_others(self, spark: SparkSession, tmp_path: Path) -> None:
        times = [(r, 2, 3, NOON_S + s) for r in (1, 5) for s in (0, 9, 5)]
        write(tmp_path / "impressions" / "a.parquet", rows(*times, (4, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        found = valid_rows(log)
        repeated = repeated_in(found, log.contract.key)
        wanted = deduplicated(found, log.contract)
        few = deduplicated_where_repeated(found, log.contract, repeated, 4)
        assert few.columns == wanted.columns
        assert sorted(map(tuple, few.collect())) == sorted(map(tuple, wanted.collect()))
        assert {row.impression_id for row in few.collect()} == {"1/2/3", "4/2/3", "5/2/3"}

    def it_leaves_rows_without_duplicates_alone(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows((1, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        none = repeated_in(log.frame, log.contract.key)
        assert deduplicated_where_repeated(log.frame, log.contract, none, 0) is log.frame


class DescribeWithoutDuplicates:
    @pytest.mark.fault(10)
    @pytest.mark.parametrize("seconds", [(0,), (0, 9, 5)])
    def it_gives_what_a_look_at_all_rows_would(
        self, spark: SparkSession, tmp_path: Path, seconds: tuple[int, ...]
    ) -> None:
        times = [(r, 2, 3, NOON_S + s) for r in (1, None) for s in seconds]
        write(tmp_path / "impressions" / "a.parquet", rows(*times, (4, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        found = log.frame.drop("source_row")
        names: list[str] = []

        def keep(census: DataFrame, name: str) -> DataFrame:
            names.append(name)
            return census

        once = without_duplicates(found, log.contract, 7, keep).select("request_id", "event_us")
        wanted = deduplicated(found, log.contract).select("request_id", "event_us")
        assert sorted(once.collect(), key=str) == sorted(wanted.collect(), key=str)
        assert once.count() == 3
        assert names == ["0"]

    def it_does_not_sort_rows_of_which_none_is_repeated(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows((1, 2, 3, NOON_S), (4, 2, 3, NOON_S)))
        log = opened(spark, config(impressions()), tmp_path)
        assert without_duplicates(log.frame, log.contract, 2) is log.frame
