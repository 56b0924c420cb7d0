"""Which items a date may draw, and how often each was clicked before it."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from winnow.config.tree import Config
from winnow.dates import CalendarDay, DateRange
from winnow.events.eligibility import eligible_items, items_seen_in
from winnow.events.keys import key_of
from winnow.events.periods import latest_first, periods_on
from winnow.events.popularity import counted_per_item, history_days, popularity_dates
from winnow.sampler.weights import popularity_of

from tests.events.handmade import config

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


def made(**popularity: Any) -> Config:
    weights = {"cart": 2.5, "buy": 0.0}
    return config(Path("x"), popularity=popularity, positives={"weights": weights})


Counted = dict[int, tuple[int, float]]


def counted(frame: DataFrame, settings: Config) -> Counted:
    """Clicks and popularity of each item."""
    table = counted_per_item(frame, settings, DAY).toArrow()
    ids, clicks = (table[name].to_pylist() for name in ("item_id", "clicks"))
    return dict(zip(ids, zip(clicks, popularity_of(table).tolist(), strict=True), strict=True))


class DescribeWhatIsCountedPerItem:
    def it_is_clicks_of_whole_dates_before_the_date(self, spark: SparkSession) -> None:
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
        assert counted(frame, made(window_days=2)) == {2: (1, 1), 3: (2, 2)}

    def it_is_half_as_much_after_each_half_life(self, spark: SparkSession) -> None:
        starts = [DAY.shifted(-n).start_us for n in range(4)]
        rows = [(n, at) for n in (1, 2, 3) for at in (starts[n], starts[n - 1] - 1)]
        frame = spark.createDataFrame(
            [*rows, (9, starts[3]), (9, starts[1])], "item_id bigint, event_us bigint"
        )
        found = counted(frame, made(window_days=3, half_life_days=1.0))
        assert found == {1: (2, 2.0), 2: (2, 1.0), 3: (2, 0.5), 9: (2, 1.25)}
        # 2^(-1/3) and 2^(-2/3), to the nearest 64th.
        found = counted(frame, made(window_days=3, half_life_days=3.0))
        assert found[2] == (2, 102 / 64)
        assert found[3] == (2, 81 / 64)

    def it_ends_at_an_hour_of_the_date(self, spark: SparkSession) -> None:
        six = DAY.start_us + 6 * 3_600_000_000
        rows = [(1, six - 1), (2, six), (3, DAY.start_us - 1)]
        frame = spark.createDataFrame(rows, "item_id bigint, event_us bigint")
        assert counted(frame, made(until="06:00")) == {1: (1, 1), 3: (1, 1)}
        found = counted(frame, made(until="06:00", half_life_days=1.0))
        assert found == {1: (1, 1.0), 3: (1, 0.5)}

    def it_is_each_action_by_its_weight(self, spark: SparkSession) -> None:
        rows = [(1, DAY.start_us - 1, action) for action in (0, 2, 2)] + [(2, DAY.start_us - 1, 3)]
        frame = spark.createDataFrame(rows, "item_id bigint, event_us bigint, action tinyint")
        assert counted(frame, made(of="actions")) == {1: (3, 6.0), 2: (1, 0.0)}

    def it_is_each_user_once_by_their_latest_click(self, spark: SparkSession) -> None:
        new, old = DAY.start_us - 1, DAY.shifted(-1).start_us - 1
        rows = [(1, new, 7), (1, old, 7), (1, old, 8), (2, old, 7)]
        frame = spark.createDataFrame(rows, "item_id bigint, event_us bigint, user_key bigint")
        assert counted(frame, made(of="users")) == {1: (3, 2.0), 2: (1, 1.0)}
        found = counted(frame, made(of="users", half_life_days=1.0))
        assert found == {1: (3, 1.5), 2: (1, 0.5)}


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
