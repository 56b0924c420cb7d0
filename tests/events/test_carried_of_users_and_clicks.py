"""Columns of users and of clicks that samples carry."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import TABLES, Config
from winnow.release.opening import open_release

from tests.events.handmade import DAY, Built, Logs, at, build_day, config

OF_USERS, OF_CLICKS = ("country", "ages"), ("seconds", "clip")

WRITTEN = [table for table in TABLES if table not in ("cascade_samples", "evaluation_samples")]
"""There is no ranking log, which that one is made of."""


def logs(order: int = 1) -> Logs:
    day = Logs()
    for item in (1, 2, 3, 9):
        day.item(item)
    day.show(1, 1, [1, 2], at("10:00"))
    day.show(2, 2, [1, 2], at("10:00"))
    day.show(3, 3, [3], at("10:00"))
    day.show(4, 4, [9], at("10:00"))
    # The click that decides is the first one, wherever it stands and whatever comes of it.
    clicks: list[tuple[Any, ...]] = [
        (1, 1, 1, at("10:09"), "buy", 90.0, ["late"]),
        (1, 1, 1, at("10:01"), "click", 12.5, ["first", None]),
        (1, 1, 1, at("10:05"), "click", None, None),
        # At one time: either might, so it must be the same one each time.
        (2, 2, 2, at("10:02"), "click", 7.0, ["a"]),
        (2, 2, 2, at("10:02"), "cart", 8.0, ["b"]),
        (2, 2, 2, at("10:02"), "cart", 9.0, ["c"]),
        (3, 3, 3, at("10:03"), "click", None, None),
    ]
    for user, request, item, when, action, seconds, clip in clicks[::order]:
        day.click(user, request, item, when, action, seconds=seconds, clip=clip)
    # Of two periods on the date the one that began last; none of other dates; of 3 nothing.
    users: list[tuple[Any, ...]] = [
        (1, None, at("12:00"), "NO", [30, 31]),
        (1, at("06:00"), None, "SE", [32]),
        (2, None, None, "FI", None),
        (3, at("00:00", 1), None, "DK", [1]),
        (4, at("00:00", -5), at("00:00"), "DK", [1]),
    ]
    for user, first, last, country, ages in users[::order]:
        day.user(user, first, last, country=country, ages=ages)
    return day


def settings(base: Path) -> Config:
    names = ("impressions", "clicks", "items", "users")
    made = config(base, logs=names, negatives={"hard": []}, tables=WRITTEN)
    tree = made.model_dump(mode="json", by_alias=True)
    tree["logs"]["users"] |= {"carry": OF_USERS}
    tree["logs"]["clicks"] |= {"carry": OF_CLICKS}
    return Config.model_validate(tree, strict=False)


@pytest.fixture(scope="module")
def build_of(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Built]:
    """Build the logs in an order of their rows: once for each order."""

    @cache
    def build(order: int) -> Built:
        base = tmp_path_factory.mktemp("carried")
        logs(order).write(base)
        return build_day(settings(base), spark, allow_empty=True, immature=True)

    return build


@pytest.fixture(scope="module", params=[pytest.param(1, marks=pytest.mark.both_engines), -1])
def built(request: pytest.FixtureRequest, build_of: Callable[[int], Built]) -> Built:
    return build_of(request.param)


class DescribeWhatIsCarriedOfUsers:
    @pytest.mark.parametrize("table", ["positives", "training_samples", "ranking_samples"])
    def it_is_what_holds_on_the_date(self, built: Built, table: str) -> None:
        found = {row["user_id"]: tuple(row[name] for name in OF_USERS) for row in built.rows(table)}
        expected = {1: ("SE", [32]), 2: ("FI", None), 3: (None, None), 4: (None, None)}
        assert found == {user: expected[user] for user in found}
        assert len(found) == (4 if table == "ranking_samples" else 3)

    def it_loses_no_impression(self, built: Built) -> None:
        assert len(built.rows("ranking_samples")) == 6


class DescribeWhatIsCarriedOfClicks:
    @pytest.mark.parametrize("table", ["positives", "training_samples"])
    def it_is_what_stands_with_the_click_that_made_the_positive(
        self, built: Built, table: str
    ) -> None:
        row = built.only(table, user_id=1)
        assert (row["seconds"], row["clip"]) == (12.5, ["first", None])
        assert (row["click_ts"], row["action_type"]) == (at("10:01"), "buy")
        row = built.only(table, user_id=3)
        assert (row["seconds"], row["clip"]) == (None, None)

    def it_is_of_one_click_where_several_have_its_time(self, built: Built) -> None:
        row = built.only("positives", user_id=2)
        assert (row["seconds"], row["clip"]) in [(7.0, ["a"]), (8.0, ["b"]), (9.0, ["c"])]
        assert row["action_type"] == "cart"

    def it_stands_behind_what_is_carried_of_impressions(self, built: Built) -> None:
        warehouse = Path(built.summary.warehouse)
        names = open_release(warehouse, ds=DAY).arrow("positives").schema.names
        assert tuple(names[-4:]) == (*OF_CLICKS, *OF_USERS)


class DescribeAnotherOrderOfTheLogs:
    def it_carries_the_same(self, build_of: Callable[[int], Built]) -> None:
        found = [build_of(order).rows("positives") for order in (1, -1)]
        assert found[0] == found[1]
