"""An items log that keeps history: every period is a true row, and any on the date is enough."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pyspark.sql import SparkSession
from winnow.spark.limits import DEFAULT_LIMITS

from tests.events.handmade import Built, Logs, at, build_day, config

Period = tuple[datetime | None, datetime | None]
START, END = at("00:00"), at("00:00", 1)
N_ITEMS = 60


def periods() -> dict[int, list[Period]]:
    """Up to four periods an item, in no order: closed, open, overlapping, ending on the date."""
    drawn = random.Random(18)
    edges = [None, at("00:00", -40), at("00:00", -9), START, at("12:00"), END, at("00:00", 9)]

    def period() -> Period:
        first, last = drawn.choice(edges), drawn.choice(edges)
        if first is not None and last is not None and last < first:
            first, last = last, first
        return first, last

    return {item: [period() for _ in range(drawn.randint(1, 4))] for item in range(1, N_ITEMS)}


def logs(order: int) -> Logs:
    day = Logs()
    day.item(900)
    day.show(1, 1, 900, at("10:00"), impression="seen")
    day.click(1, 1, 900, at("10:01"), impression="seen")
    rows = [(item, *of_item) for item, several in periods().items() for of_item in several]
    random.Random(order).shuffle(rows)
    for item, first, last in rows:
        day.item(item, first, last)
    return day


def expected() -> dict[int, Period]:
    """Of each item the period on the date that began last, and of such the one that ends last."""
    long_ago, never = datetime.min.replace(tzinfo=START.tzinfo), END + timedelta(days=9999)
    found: dict[int, Period] = {900: (None, None)}
    for item, several in periods().items():
        on_date = [p for p in several if (p[0] or long_ago) < END and (p[1] or never) > START]
        if on_date:
            found[item] = max(on_date, key=lambda p: (p[0] or long_ago, p[1] or never))
    return found


@pytest.fixture(scope="module", params=[1, 2])
def built(
    request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    base = tmp_path_factory.mktemp("periods")
    logs(request.param).write(base)
    settings = config(
        base,
        logs=("impressions", "clicks", "items"),
        negatives={"hard": [], "per_positive": 40},
    )
    # The second time as if these were more items than a driver should know much of.
    limits = DEFAULT_LIMITS if request.param == 1 else replace(DEFAULT_LIMITS, audited_items=0)
    return build_day(settings, spark, allow_empty=True, immature=True, limits=limits)


class DescribeItemsWithPeriods:
    def it_takes_an_item_when_any_of_its_periods_reaches_into_the_date(self, built: Built) -> None:
        found = {row["item_id"]: row for row in built.rows("item_stats")}
        assert {
            item: (row["eligible_from"], row["eligible_to"]) for item, row in found.items()
        } == expected()
        assert 20 < len(found) < N_ITEMS

    def it_counts_every_period_as_valid_and_only_equal_rows_as_duplicates(
        self, built: Built
    ) -> None:
        rows = [(item, *p) for item, several in periods().items() for p in several]
        counts = built.summary.logs["items"]
        assert counts.read == len(rows) + 1
        assert counts.valid == len(set(rows)) + 1
        assert counts.duplicate == len(rows) - len(set(rows))

    def it_draws_only_items_of_the_catalogue(self, built: Built) -> None:
        assert built.negatives() <= set(expected()) - {900}
