"""Columns of the items log that are carried: attributes of the items, in item_stats."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.gates.carried import carried_items
from winnow.config.tree import Config
from winnow.contracts.open_logs import open_log
from winnow.dates import CalendarDay, DateRange
from winnow.errors import ConfigError, InputError
from winnow.release.opening import open_release

from tests.events.handmade import DAY, Built, Logs, at, build_day, config

CARRIED = ["city", "brand", "levels"]


def logs() -> Logs:
    day = Logs()
    day.show(1, 1, [1, 2, 9], at("10:00"))
    day.click(1, 1, 1, at("10:01"))
    periods: list[tuple[int, datetime | None, datetime | None, str | None, int | None, Any]] = [
        # Of two periods on the date the one that began last, wherever it stands.
        (1, at("06:00"), None, "Oslo", 11, ["a", "b"]),
        (1, None, at("06:00"), "Rome", 12, ["c"]),
        # One that is over, and one that is not there yet, say nothing.
        (2, at("00:00", -9), at("00:00"), "Rome", 13, ["c"]),
        (2, at("00:00"), at("00:00", 1), "Bern", 14, []),
        (2, at("00:00", 1), None, "Rome", 15, ["c"]),
        # Nothing is known of one, and a part of another.
        (3, None, None, None, None, None),
        (4, None, None, "Bern", None, ["a", None]),
    ]
    for item, first, last, city, brand, levels in periods:
        day.item(item, first, last, city=city, brand=brand, levels=levels)
    return day


def settings(base: Path, **items: Any) -> Config:
    made = config(base, logs=("impressions", "clicks", "items"), negatives={"hard": []})
    tree = made.model_dump(mode="json", by_alias=True)
    tree["logs"]["items"] |= {"carry": CARRIED} | items
    return Config.model_validate(tree, strict=False)


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("attributes")
    logs().write(base)
    return build_day(settings(base), spark, allow_empty=True, immature=True)


@pytest.mark.both_engines
class DescribeAttributesOfItems:
    def it_are_those_of_the_period_on_the_date(self, built: Built) -> None:
        found = {
            row["item_id"]: tuple(row[name] for name in CARRIED) for row in built.rows("item_stats")
        }
        assert found == {
            1: ("Oslo", 11, ["a", "b"]),
            2: ("Bern", 14, []),
            3: (None, None, None),
            4: ("Bern", None, ["a", None]),
        }

    def it_have_the_types_of_the_log(self, built: Built) -> None:
        warehouse = Path(built.summary.warehouse)
        schema = open_release(warehouse, ds=DAY).arrow("item_stats").schema
        assert [str(schema.field(name).type) for name in CARRIED] == [
            "string",
            "int64",
            "list<element: string>",
        ]

    def it_change_no_weight(self, built: Built) -> None:
        assert {row["clicks"] for row in built.rows("item_stats")} == {0}
        assert len({row["weight"] for row in built.rows("item_stats")}) == 1

    def it_are_compared_with_the_log(self, built: Built) -> None:
        assert "carried_differs.items" in built.release.quality_json


@pytest.mark.both_engines
class DescribeTheGate:
    def it_counts_items_that_the_log_has_otherwise(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs().write(tmp_path)
        chosen = settings(tmp_path)
        dates = DateRange(DAY, DAY)
        items = open_log("items", chosen, tmp_path, dates, required=(), spark=spark)
        rows: list[tuple[Any, ...]] = [
            (1, "Oslo", 11, ["a", "b"]),
            (2, "Rome", 13, ["c"]),
            (3, None, None, []),
            (4, "Bern", None, ["a"]),
            (5, "Bern", None, None),
        ]
        kinds = "item_id bigint, city string, brand bigint, levels array<string>"
        stats = spark.createDataFrame(rows, kinds)
        figure = carried_items(stats, items, CalendarDay(DAY))
        assert (figure.name, figure.value) == ("carried_differs.items", 4)


class DescribeWhatIsRefused:
    def it_is_a_column_that_the_log_does_not_have(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        logs().write(tmp_path)
        with pytest.raises(InputError, match=r"logs\.items\.carry: column town is missing"):
            build_day(settings(tmp_path, carry=["town"]), spark, allow_empty=True, immature=True)

    def it_is_a_name_that_a_frame_of_a_log_has(self, spark: SparkSession, tmp_path: Path) -> None:
        logs().write(tmp_path)
        with pytest.raises(ConfigError, match=r"logs\.items\.carry: valid is a name"):
            build_day(settings(tmp_path, carry=["valid"]), spark, allow_empty=True, immature=True)
