"""Which pairs clicks and impressions make, and whose date a positive is."""

import json
from datetime import date

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from winnow.config.tree import Config
from winnow.contracts.tables import table_contract
from winnow.dates import CalendarDay
from winnow.events.attribution import attributed_pairs
from winnow.sampler.kernels.hashing import U
from winnow.sampler.kernels.positives import Pairs, keep_positives
from winnow.sampler.task import _of_date
from winnow.sampler.task_settings import SamplerSettings
from winnow.spark.sized import Sized

from tests.runs import run_of

DAY = CalendarDay(date(2026, 1, 10))
NOON = DAY.start_us + 12 * 3_600_000_000


def config(join: str) -> Config:
    log = {"path": "x"}
    tree = {
        "logs": {"impressions": log, "clicks": log},
        "negatives": {"hard": []},
        "attribution": {"join": join},
    }
    return Config.model_validate_json(json.dumps(tree))


def shown(spark: SparkSession, *rows: tuple[str, int, int | None, str | None]) -> DataFrame:
    """Impressions (id, item, position, scene) of user 1 in request 1, at noon."""
    return spark.createDataFrame(
        [(id_, 1, 1, item, position, NOON, scene, DAY.date) for id_, item, position, scene in rows],
        "impression_id string, request_id bigint, user_id bigint, item_id bigint, position int, "
        "event_us bigint, scene string, partition_date date",
    )


def clicked(spark: SparkSession, id_: str, item: int) -> DataFrame:
    return spark.createDataFrame(
        [(id_, 1, 1, item, NOON + 1, "click")],
        "impression_id string, request_id bigint, user_id bigint, item_id bigint, "
        "event_us bigint, action_type string",
    )


def pairs_of(impressions: DataFrame, clicks: DataFrame, join: str) -> DataFrame:
    settings = config(join)
    contract = table_contract("impressions").resolved(settings.ids)
    run = run_of(impressions.sparkSession, settings, DAY)
    return attributed_pairs(impressions, Sized(clicks, 1), contract, run)


class DescribeAttribution:
    def it_takes_the_clicked_item_of_an_impression_id_that_stands_for_a_page(
        self, spark: SparkSession
    ) -> None:
        page = shown(spark, ("p", 11, 1, None), ("p", 12, 2, None), ("p", 13, 3, None))
        pairs = pairs_of(page, clicked(spark, "p", 12), "impression_id")
        assert [row["item_id"] for row in pairs.collect()] == [12]

    def it_makes_no_pair_of_a_click_on_another_item_than_its_impression(
        self, spark: SparkSession
    ) -> None:
        one = shown(spark, ("p", 11, 1, None))
        assert pairs_of(one, clicked(spark, "p", 12), "impression_id").count() == 0

    def it_tells_apart_duplicates_that_differ_in_where_a_null_stands(
        self, spark: SparkSession
    ) -> None:
        twice = shown(spark, ("p", 11, None, "home"), ("p", 11, 1, None))
        pairs = pairs_of(twice, clicked(spark, "p", 11), "request_item").collect()
        assert len({row["tie"] for row in pairs}) == 2


class DescribeWhoseDateAPositiveIs:
    def it_is_the_date_of_the_earliest_impression_of_the_request(self) -> None:
        # The same impression, logged one microsecond before midnight and again one after it.
        times = np.array([DAY.start_us - 1, DAY.start_us + 1], np.int64)
        same = np.ones(2, np.uint64)
        clicks, action = times + 10, np.zeros(2, np.int8)
        pairs = Pairs(same, same, same, same, times, clicks, action, np.zeros(2, np.int64))
        kept = keep_positives(pairs, same[:0], np.empty(0), U(0), U(0))
        counts = {}
        for day in (DAY.shifted(-1), DAY):
            settings = SamplerSettings.of(
                config("request_item"), day, "x", "y", by_score=(True, True)
            )
            counts[day.date.day] = len(_of_date(kept, pairs, settings).user)
        assert counts == {9: 1, 10: 0}
