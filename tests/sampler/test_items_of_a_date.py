"""Which items a date may draw, and how often each was clicked before it."""

from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from winnow.dates import CalendarDay, DateRange
from winnow.events.eligibility import eligible_items, items_seen_in
from winnow.events.keys import key_of
from winnow.events.periods import latest_first, periods_on
from winnow.events.popularity import clicks_per_item, history_days, popularity_dates

DAY = CalendarDay(date(2026, 1, 10), "Asia/Tokyo")
START = datetime(2026, 1, 9, 15)
"""The first moment of the date in UTC, in which the session reads a naive datetime."""
END = START + timedelta(days=1)
TICK = timedelta(microseconds=1)


def periods(spark: SparkSession, *rows: tuple[int, datetime | None, datetime | None]) -> DataFrame:
    return spark.createDataFrame(
        list(rows), "item_id bigint, valid_from timestamp, valid_to timestamp"
    )


class DescribePeriodsOn:
    def it_takes_periods_that_reach_into_the_date(self, spark: SparkSession) -> None:
        cases = {
            "always": (None, None, True),
            "born in the last microsecond": (END - TICK, None, True),
            "born with the next date": (END, None, False),
            "retired in the first microsecond": (None, START + TICK, True),
            "retired with the end of the date before": (None, START, False),
            "valid for a moment": (START + TICK, START + 2 * TICK, True),
            "past": (START - 9 * TICK, START - TICK, False),
        }
        rows = [(n, begin, end) for n, (begin, end, _) in enumerate(cases.values())]
        found = {row["item_id"] for row in periods_on(periods(spark, *rows), DAY).collect()}
        assert {name: n in found for n, name in enumerate(cases)} == {
            name: expected for name, (_, _, expected) in cases.items()
        }

    def it_keeps_every_period_of_an_item(self, spark: SparkSession) -> None:
        noon = START + timedelta(hours=12)
        frame = periods(spark, (1, None, noon), (1, noon, None), (1, START - 2 * TICK, START))
        found = periods_on(frame, DAY).orderBy("valid_from").collect()
        assert found == [(1, None, noon), (1, noon, None)]


class DescribeLatestFirst:
    def it_puts_the_period_first_that_began_last_and_is_open(self, spark: SparkSession) -> None:
        frame = periods(
            spark, (1, None, None), (2, START, END), (3, START, None), (4, START - TICK, None)
        )
        ordered = frame.orderBy(*latest_first()).select("item_id").collect()
        assert [row["item_id"] for row in ordered] == [3, 2, 4, 1]


class DescribeEligibleItems:
    def it_keeps_the_times_and_names_them_eligible(self, spark: SparkSession) -> None:
        assert eligible_items(periods(spark, (1, START, None))).collect() == [
            Row(item_id=1, eligible_from=START, eligible_to=None)
        ]


class DescribeItemsSeenIn:
    def it_takes_each_item_of_any_log_once(self, spark: SparkSession) -> None:
        logs = [
            spark.createDataFrame([(i,) for i in ids], "item_id string")
            for ids in (["a", "b", "b"], ["b"], [])
        ] + [spark.createDataFrame([("c", 1)], "item_id string, other int")]
        assert sorted(row["item_id"] for row in items_seen_in(logs).collect()) == ["a", "b", "c"]


class DescribeClicksPerItem:
    def it_counts_whole_dates_before_the_date(self, spark: SparkSession) -> None:
        first = DAY.shifted(-2).start_us
        rows = [
            (1, first - 1),
            (2, first),
            (3, DAY.start_us - 1),
            (3, DAY.start_us - 1),
            (4, DAY.start_us),
            (5, DAY.end_us),
        ]
        frame = spark.createDataFrame(rows, "item_id bigint, event_us bigint")
        found = {r["item_id"]: r["clicks"] for r in clicks_per_item(frame, DAY, 2).collect()}
        assert found == {2: 1, 3: 2}


class DescribeHistory:
    def it_is_the_dates_before_the_date(self) -> None:
        window = popularity_dates(DAY, 3)
        assert window == DateRange(date(2026, 1, 7), date(2026, 1, 9))

    @pytest.mark.parametrize(
        ("there", "days"),
        [
            (None, None),
            ((), 0),
            ((date(2026, 1, 6), date(2026, 1, 9), date(2026, 1, 10)), 1),
        ],
    )
    def it_counts_the_dates_of_the_window_that_the_log_has(
        self, there: tuple[date, ...] | None, days: int | None
    ) -> None:
        assert history_days(there, popularity_dates(DAY, 3)) == days


class DescribeKeys:
    def it_is_the_integer_itself_or_a_hash_of_the_text(self, spark: SparkSession) -> None:
        frame = spark.createDataFrame([(-3, "-3"), (None, None)], "n bigint, t string")
        rows = frame.select(key_of("n", "bigint").alias("n"), key_of("t", "string").alias("t"))
        first, second = rows.collect()
        assert first["n"] == -3
        assert first["t"] not in (-3, None)
        assert (second["n"], second["t"]) == (None, None)
