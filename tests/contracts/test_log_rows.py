"""Rules, derived logs, ownership: what stands against a row, and which rows are taken."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.contracts.rows import deduplicated, on_date, readable_rows, valid_rows
from winnow.dates import CalendarDay
from winnow.errors import ConfigError

from tests.contracts.impressions_file import parquet
from tests.contracts.logs_for_tests import (
    DAY,
    NOON_S,
    NOON_US,
    TODAY,
    codes,
    config,
    impressions,
    opened,
    rows,
    write,
    write_text,
)
from tests.near_equal import near_equal


class DescribeRules:
    def it_gives_every_reason_of_a_ranking_row(self, spark: SparkSession, tmp_path: Path) -> None:
        nan, inf = float("nan"), float("inf")
        table = pa.table(
            {
                "request_id": pa.array([1, 1, None, 1], pa.int64()),
                "item_id": pa.array([3, 4, 5, 6], pa.int64()),
                "stage": ["coarse", "fine", "final", ""],
                "score": pa.array([0.5, nan, -inf, None], pa.float32()),
                "rank": pa.array([1, -1, None, 2**31], pa.int64()),
            }
        )
        write(tmp_path / "ranking" / "a.parquet", table)
        settings = config({**impressions(), "ranking_log": {"path": "ranking"}})
        log = opened(spark, settings, tmp_path, "ranking_log")
        found = {
            r.item_id: r.reject_reasons
            for r in log.frame.select("item_id", "reject_reasons").collect()
        }
        assert found == {
            3: [],
            4: [
                "score_not_finite: score is NaN or infinite",
                "rank_negative: rank must not be negative, found '-1'",
            ],
            5: [
                "missing: request_id is NULL or empty",
                "stage_unknown: stage is not one of the configured stages, found 'final'",
                "score_not_finite: score is NaN or infinite",
            ],
            6: [
                "missing: stage is NULL or empty",
                "unreadable: rank cannot be read as int, found '2147483648'",
            ],
        }
        never_null = ("reject_reasons", "filtered", "anonymous")
        no_null = [F.count_if(F.col(name).isNull()) == 0 for name in never_null]
        assert log.frame.agg(*no_null).collect() == [(True, True, True)]

    def it_accepts_items_that_are_valid_for_ever(self, spark: SparkSession, tmp_path: Path) -> None:
        text = (
            "item_id,valid_from,valid_to\n"
            "1,2020-01-01,9999-12-31\n2,,\n3,2021-01-01,2020-01-01\n4,x,\n"
        )
        write_text(tmp_path / "items.csv", text)
        settings = config({**impressions(), "items": {"path": "items.csv"}})
        log = opened(spark, settings, tmp_path, "items")
        assert codes(log) == [[], [], ["validity_reversed"], ["unreadable"]]


class DescribeDerivedLogs:
    @pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
    def it_takes_clicks_from_impressions_by_value(
        self, spark: SparkSession, tmp_path: Path, name: str
    ) -> None:
        clicked: list[int | None] = [1, 0, None, 1]
        if name == "a.parquet":
            parquet(tmp_path, click=pa.array(clicked, pa.int8()))
        else:
            lines = [
                f"1,2,{3 + n},{NOON_S},{'' if c is None else c}" for n, c in enumerate(clicked)
            ]
            header = "request_id,user_id,item_id,ts,click"
            write_text(tmp_path / "impressions" / name, "\n".join([header, *lines]))
        clicks = {"from": "impressions", "where": {"click": [1]}}
        log = opened(spark, config({**impressions(), "clicks": clicks}), tmp_path, "clicks")
        found = valid_rows(log).select("item_id", "event_us", "action_type").collect()
        assert sorted(found) == [(3, NOON_US, "click"), (6, NOON_US, "click")]
        assert log.frame.where("filtered").count() == 2
        assert "viewed" not in log.frame.columns

    def it_refuses_a_value_that_the_column_cannot_have(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        parquet(tmp_path, click=pa.array([1], pa.int8()))
        clicks = {"from": "impressions", "where": {"click": ["1) OR (1=1"]}}
        with pytest.raises(ConfigError, match="a value does not fit the column"):
            opened(spark, config({**impressions(), "clicks": clicks}), tmp_path, "clicks")


class DescribeOwnership:
    def it_gives_a_row_without_time_to_the_build_of_its_folder(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        tomorrow = date(2026, 1, 3)
        for folder in (DAY, tomorrow):
            path = tmp_path / "impressions" / f"date={folder}" / "a.parquet"
            write(path, rows((1, 2, 3, NOON_S), (1, 2, 4, -1)))
        partition = {"column": "date", "lag_days": 1}
        log = opened(spark, config(impressions(partition=partition)), tmp_path)
        assert log.dates == (DAY, tomorrow)

        def owned(day: CalendarDay) -> list[tuple[int, date]]:
            mine = log.frame.where(on_date(log, day))
            return sorted(mine.select("item_id", "partition_date").collect())

        assert owned(TODAY) == [(3, DAY), (3, tomorrow), (4, DAY)]
        assert owned(CalendarDay(tomorrow)) == [(4, tomorrow)]
        assert owned(CalendarDay(DAY, "Pacific/Auckland")) == [(4, DAY)]

    def it_gives_a_row_without_time_and_folder_to_every_build(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows((1, 2, 4, -1)))
        log = opened(spark, config(impressions()), tmp_path)
        assert log.frame.where(on_date(log, CalendarDay(date(2030, 1, 1)))).count() == 1


class DescribeRowsTaken:
    def it_reads_users_and_items_of_rejected_rows_too(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        parquet(
            tmp_path,
            request_id=pa.array([1, None, 1, 1], pa.int64()),
            user_id=pa.array([2, 2, 0, None], pa.int64()),
        )
        log = opened(spark, config(impressions()), tmp_path)
        assert sorted(r.item_id for r in readable_rows(log).collect()) == [3, 4]
        assert [r.item_id for r in valid_rows(log).collect()] == [3]

    @pytest.mark.parametrize("parts", [7, *near_equal(1)])
    def it_keeps_the_same_winner_in_any_order(
        self, spark: SparkSession, tmp_path: Path, parts: int
    ) -> None:
        values = [(r, 2, 3, NOON_S + s) for r in (1, None) for s in (0, 0, 5)]
        table = rows(*values).append_column("scene", pa.array(list("bacxyz")))
        write(tmp_path / "impressions" / "a.parquet", table)
        settings = config(impressions(), carry=["scene"])
        found = opened(spark, settings, tmp_path).frame.drop("source_row")
        contract = opened(spark, settings, tmp_path).contract
        once = deduplicated(found, contract).select("request_id", "event_us", "scene").collect()
        assert len(once) == 2, "NULL equals NULL in keys"
        assert {r.event_us for r in once} == {NOON_US}
        shuffled = found.orderBy("scene", ascending=parts == 1).repartition(parts, "scene")
        again = deduplicated(shuffled, contract).select("request_id", "event_us", "scene").collect()
        assert sorted(again, key=str) == sorted(once, key=str)

    @pytest.mark.fault(22)
    def it_takes_hostile_column_names_literally(self, spark: SparkSession, tmp_path: Path) -> None:
        hostile = ["a.b c", "x;--", "`tick`", "ITEM", 'q"q', "日付"]
        more = {name: pa.array([1, 2], pa.int64()) for name in hostile}
        parquet(tmp_path, **more)
        mapped = impressions(columns={"request_id": "a.b c", "user_id": "x;--"})
        found = valid_rows(opened(spark, config(mapped), tmp_path))
        assert sorted(found.select("request_id", "user_id").collect()) == [(1, 1), (2, 2)]
