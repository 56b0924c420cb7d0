"""What changes a content hash and what does not."""

import math
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.errors import GateError
from winnow.release.content_hash import content_hash, measure, row_hash
from winnow.release.release import ContentHash

from tests.near_equal import near_equal
from tests.release.things import THINGS, thing, things


def hashed(spark: SparkSession, *rows: tuple[object, ...]) -> ContentHash:
    return content_hash(things(spark, *rows), THINGS)


def many(spark: SparkSession) -> DataFrame:
    rows = [
        thing(i, name=None if i % 3 else "n", score=i / 7, left=tuple(range(i % 4)))
        for i in range(300)
    ]
    return things(spark, *rows)


class DescribeContentHash:
    def it_counts_rows_and_adds_up_the_row_hashes(self, spark: SparkSession) -> None:
        frame = things(spark, *(thing(i) for i in range(50)))
        hashes = [row[0] for row in frame.select(row_hash(frame.schema)).collect()]
        assert len(set(hashes)) == 50
        assert content_hash(frame, THINGS) == ContentHash(50, str(sum(hashes)))

    def it_is_zero_for_no_rows(self, spark: SparkSession) -> None:
        assert hashed(spark) == ContentHash(0, "0")

    @pytest.mark.parametrize("parts", [7, *near_equal(1, 31)])
    def it_is_the_same_for_any_partitioning_and_row_order(
        self, spark: SparkSession, parts: int
    ) -> None:
        frame = many(spark)
        shuffled = frame.orderBy(F.xxhash64("id")).repartition(parts)
        assert content_hash(shuffled, THINGS) == content_hash(frame, THINGS)

    def it_sees_a_doubled_and_a_tripled_table(self, spark: SparkSession) -> None:
        once = many(spark)
        twice = once.unionByName(once)
        found = [content_hash(f, THINGS) for f in (once, twice, twice.unionByName(once))]
        assert len({h.total for h in found}) == 3
        assert [h.rows for h in found] == [300, 600, 900]

    def it_sees_a_null_that_moved_one_column(self, spark: SparkSession) -> None:
        one = hashed(spark, thing(1, name="a", nick=None))
        assert one != hashed(spark, thing(1, name=None, nick="a"))

    def it_sees_an_element_that_moved_between_two_arrays(self, spark: SparkSession) -> None:
        one = hashed(spark, thing(1, left=(1, 2), right=(3,)))
        assert one != hashed(spark, thing(1, left=(1,), right=(2, 3)))

    def it_sees_the_ids_of_two_rows_swapped(self, spark: SparkSession) -> None:
        one = hashed(spark, thing(1, name="a"), thing(2, name="b"))
        assert one != hashed(spark, thing(2, name="a"), thing(1, name="b"))

    def it_sees_a_null_element_at_another_place(self, spark: SparkSession) -> None:
        one = hashed(spark, thing(1, log_q=(None, -1.5)))
        assert one != hashed(spark, thing(1, log_q=(-1.5, None)))

    def it_sees_a_null_that_became_zero_or_empty_text(self, spark: SparkSession) -> None:
        nothing = hashed(spark, thing(1, score=None, nick=None))
        assert nothing != hashed(spark, thing(1, score=0.0, nick=None))
        assert nothing != hashed(spark, thing(1, score=None, nick=""))

    def it_sees_two_elements_of_an_array_swapped(self, spark: SparkSession) -> None:
        assert hashed(spark, thing(1, left=(1, 2))) != hashed(spark, thing(1, left=(2, 1)))

    @pytest.mark.parametrize(
        ("value", "same"),
        [(0.1 + 0.2, 0.3), (-12.345678901, math.nextafter(-12.345678901, 0)), (0.0, -0.0)],
    )
    def it_ignores_float_noise_below_the_rounding(
        self, spark: SparkSession, value: float, same: float
    ) -> None:
        one = hashed(spark, thing(1, score=value, log_q=(value,)))
        assert one == hashed(spark, thing(1, score=same, log_q=(same,)))

    @pytest.mark.parametrize(("value", "other"), [(1e-12, 2e-12), (0.3, 0.30001), (1e9, 1.1e9)])
    def it_sees_floats_that_really_differ_at_any_size(
        self, spark: SparkSession, value: float, other: float
    ) -> None:
        one = hashed(spark, thing(1, score=value, log_q=()))
        assert one != hashed(spark, thing(1, score=other, log_q=()))
        one = hashed(spark, thing(1, log_q=(value,)))
        assert one != hashed(spark, thing(1, log_q=(other,)))

    def it_takes_every_nan_for_the_same_and_not_for_null(self, spark: SparkSession) -> None:
        negative = -float("nan")
        one = hashed(spark, thing(1, score=float("nan"), log_q=(float("nan"),)))
        assert one == hashed(spark, thing(1, score=negative, log_q=(negative,)))
        assert one != hashed(spark, thing(1, score=None, log_q=(None,)))

    def it_refuses_a_frame_with_other_columns(self, spark: SparkSession) -> None:
        with pytest.raises(GateError) as caught:
            content_hash(things(spark, thing(1)).drop("nick"), THINGS)
        assert str(caught.value) == "things: the column nick is missing."


class DescribeMeasure:
    def it_counts_nulls_only_where_none_may_be(self, spark: SparkSession) -> None:
        frame = things(spark, thing(1), thing(2, day=date(2026, 1, 7), nick=None)).withColumn(
            "id", F.when(F.col("id") == 1, F.col("id"))
        )
        measured = measure(frame, THINGS)
        assert measured.content == content_hash(frame, THINGS)
        assert measured.nulls == {"id": 1}
        assert (measured.first_day, measured.last_day) == (date(2026, 1, 5), date(2026, 1, 7))
