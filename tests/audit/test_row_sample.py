"""A stretch of the shuffle key: a fair share of the positives, another one on another date."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.audit.recompute.row_sample import RowSample, aggregate, row_sample_of
from winnow.dates import CalendarDay
from winnow.spark.limits import DEFAULT_LIMITS


def keyed(spark: SparkSession, n: int) -> DataFrame:
    """Rows with the keys that a table has, and the two ends of their range."""
    rows = spark.range(n).select(F.xxhash64("id").alias("shuffle_key"))
    return rows.unionByName(spark.createDataFrame([(-(2**63),), (2**63 - 1,)], rows.schema))


def counted() -> Column:
    return F.count(F.lit(1))


def a_day(number: int) -> CalendarDay:
    return CalendarDay(date(2026, 1, 1) + timedelta(days=number))


def looked_at(n: int, day: CalendarDay) -> RowSample:
    return row_sample_of(n, day, DEFAULT_LIMITS)


class DescribeStretch:
    def it_divides_all_rows_into_equal_parts(self, spark: SparkSession) -> None:
        rows = keyed(spark, 4000)
        counts = [RowSample(8, number).of(rows).count() for number in range(8)]
        assert sum(counts) == 4002
        assert min(counts) > 400

    def it_is_all_rows_of_few_positives(self, spark: SparkSession) -> None:
        assert looked_at(DEFAULT_LIMITS.compared_positives, a_day(0)) == RowSample()
        assert RowSample().of(spark.range(3)).count() == 3, "without a look at the key"
        assert RowSample().described() == ""

    def it_is_a_smaller_share_of_more_positives(self) -> None:
        shares = {n: looked_at(n, a_day(0)).one_in for n in (50_001, 100_001, 10_000_000)}
        assert shares == {50_001: 2, 100_001: 4, 10_000_000: 256}
        assert looked_at(100_001, a_day(0)).described() == "looked at 1 in 4 rows"

    def it_lies_in_that_of_fewer_rows(self) -> None:
        for day in map(a_day, range(10)):
            few, many = looked_at(100_001, day), looked_at(10_000_000, day)
            assert many.number * few.one_in // many.one_in == few.number

    def it_looks_at_all_parts_within_some_dates(self) -> None:
        numbers = [looked_at(555_000, a_day(n)).number for n in range(32)]
        assert set(numbers) == set(range(16))
        assert all(a != b for a, b in pairwise(numbers))

    def it_refuses_keys_that_are_no_hash(self) -> None:
        part = RowSample(16, 3)
        part.require_seen(33_000, 555_000)
        with pytest.raises(ValueError, match="of 555,000 rows 32,000 lie in a part"):
            part.require_seen(32_000, 555_000)
        part.require_seen(32_000, 555_000, rows_per_positive=20)
        part.require_seen(0, 1_500)  # so few may be elsewhere by chance


class DescribeAggregate:
    def it_looks_at_all_rows_and_at_the_stretch(self, spark: SparkSession) -> None:
        rows, part = keyed(spark, 4000), RowSample(4, 1)
        found = aggregate(rows, part, {"rows": counted()}, {"some": counted()})
        assert found == {"rows": 4002, "some": part.of(rows).count()}
        assert 800 < found["some"] < 1200

    def it_gives_the_same_of_both_where_the_stretch_is_all(self, spark: SparkSession) -> None:
        found = aggregate(spark.range(7), RowSample(), {"rows": counted()}, {"some": counted()})
        assert found == {"rows": 7, "some": 7}

    def it_judges_nothing_by_keys_that_hide_the_rows(self, spark: SparkSession) -> None:
        rows = spark.range(20_000).select(F.lit(5).cast("bigint").alias("shuffle_key"))
        with pytest.raises(ValueError, match="of 20,000 rows 0 lie in a part"):
            aggregate(rows, RowSample(8, 0), {"rows": counted()}, {"some": counted()})
