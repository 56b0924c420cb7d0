"""What is found out about a log's files before any engine reads them."""

import gzip
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.config.log_shapes import Partition
from winnow.contracts.open_logs import open_logs
from winnow.contracts.rows import valid_rows
from winnow.dates import DateRange
from winnow.errors import ConfigError, InputError
from winnow.logs.files.date_folders import folder_dates

from tests.contracts.logs_for_tests import (
    DAY,
    NOON_S,
    config,
    impressions,
    opened,
    rows,
    write,
    write_text,
)

ROW = (1, 2, 3, NOON_S)
DATED: dict[str, Any] = {"partition": {"column": "date"}}


class DescribeListing:
    @pytest.mark.one_engine
    def it_refuses_a_missing_path_and_names_it(self, spark: SparkSession, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=f"{tmp_path}/impressions does not exist"):
            opened(spark, config(impressions()), tmp_path)

    def it_gives_an_empty_frame_for_a_missing_path_where_that_is_allowed(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        full = write(tmp_path / "full" / "a.parquet", rows(ROW))
        there = opened(spark, config(impressions(str(full))), tmp_path)
        empty = opened(spark, config(impressions()), tmp_path, allow_empty=True)
        assert empty.frame.count() == 0
        assert valid_rows(empty).dtypes == valid_rows(there).dtypes
        assert empty.frame.columns == there.frame.columns

    @pytest.mark.fault(14)
    @pytest.mark.one_engine
    def it_refuses_a_missing_required_date_and_no_other(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / f"date={DAY}" / "a.parquet", rows(ROW))
        settings = config(impressions(**DATED))
        before = DAY - timedelta(days=1)
        log = opened(spark, settings, tmp_path, first=before, required=[DAY])
        assert log.dates == (DAY,)
        with pytest.raises(InputError, match=f"impressions/date={before} does not exist"):
            opened(spark, settings, tmp_path, first=before, required=[before, DAY])
        opened(spark, settings, tmp_path, first=before, required=[before], allow_empty=True)

    def it_keeps_the_types_where_only_other_dates_are_there(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = rows(ROW).append_column("scene", pa.array([7], pa.int32()))
        write(tmp_path / "impressions" / "date=2020-01-01" / "a.parquet", table)
        log = opened(spark, config(impressions(**DATED), carry=["scene"]), tmp_path)
        assert log.frame.count() == 0
        assert dict(log.carry) == {"scene": "int"}

    @pytest.mark.one_engine
    def it_refuses_a_folder_that_is_no_date(self, spark: SparkSession, tmp_path: Path) -> None:
        for value in ("2026-01-02", "2026-1-2", "20261302", "2026-01-02' OR 1=1"):
            write(tmp_path / "impressions" / f"date={value}" / "a.parquet", rows(ROW))
        with pytest.raises(InputError) as caught:
            opened(spark, config(impressions(**DATED)), tmp_path)
        assert len(caught.value.problems) == 3
        assert {p.expected for p in caught.value.problems} == {"date=YYYY-MM-DD or YYYYMMDD"}

    def it_ignores_hidden_files_and_reads_paths_with_special_signs(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        folder = tmp_path / "im{p}re [x]*%20ss" / f"date={DAY}" / "sub"
        write(folder / "a?b [1].parquet", rows(ROW))
        write_text(folder / "_SUCCESS", "")
        write_text(folder / ".a.crc", "x")
        log = opened(spark, config(impressions("im{p}re [x]*%20ss", **DATED)), tmp_path)
        assert log.frame.select("item_id", "partition_date").collect() == [(3, DAY)]
        assert log.rows_in_files == 1

    @pytest.mark.parametrize(
        ("zone", "lag", "first", "last"),
        [(None, 0, 2, 2), (None, 3, 2, 5), ("Asia/Tokyo", 0, 2, 3), ("America/New_York", 1, 1, 3)],
    )
    def it_reads_every_folder_that_can_hold_the_date(
        self, zone: str | None, lag: int, first: int, last: int
    ) -> None:
        partition = Partition(column="date", lag_days=lag, zone=zone)
        found = folder_dates(DateRange(DAY, DAY), partition, "UTC")
        assert found == tuple(date(2026, 1, day) for day in range(first, last + 1))


class DescribeFileChecks:
    @pytest.mark.fault(15)
    @pytest.mark.one_engine
    def it_names_a_zero_byte_file(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows(ROW))
        write_text(tmp_path / "impressions" / "b.parquet", "")
        with pytest.raises(InputError, match=r"b\.parquet has zero bytes"):
            opened(spark, config(impressions()), tmp_path)

    @pytest.mark.fault(15)
    @pytest.mark.one_engine
    def it_names_a_truncated_parquet_file(self, spark: SparkSession, tmp_path: Path) -> None:
        path = write(tmp_path / "impressions" / "a.parquet", rows(ROW))
        path.write_bytes(path.read_bytes()[:-20])
        with pytest.raises(InputError, match=r"a\.parquet is not a complete Parquet file"):
            opened(spark, config(impressions()), tmp_path)

    @pytest.mark.fault(15)
    @pytest.mark.one_engine
    def it_names_a_truncated_gzip_file(self, spark: SparkSession, tmp_path: Path) -> None:
        body = gzip.compress(b"request_id,user_id,item_id,ts\n" + b"1,2,3,4\n" * 5000)
        path = tmp_path / "impressions" / "a.csv.gz"
        path.parent.mkdir()
        path.write_bytes(body[:-9])
        with pytest.raises(InputError, match=r"a\.csv\.gz is not a complete gzip file"):
            opened(spark, config(impressions()), tmp_path)

    @pytest.mark.fault(11)
    @pytest.mark.one_engine
    def it_names_the_missing_column_and_the_nearest_one(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows(ROW))
        with pytest.raises(InputError) as caught:
            opened(
                spark,
                config(impressions(columns={"item_id": "itm_id", "user_id": "uid"})),
                tmp_path,
            )
        assert [str(p) for p in caught.value.problems] == [
            "logs.impressions.columns.user_id: column uid is missing, found user_id as the nearest "
            "name. Name the right column in the mapping.",
            "logs.impressions.columns.item_id: column itm_id is missing, found item_id as the "
            "nearest name. Name the right column in the mapping.",
        ]

    @pytest.mark.fault(11)
    def it_refuses_a_narrower_type_until_it_is_accepted(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = rows(ROW).set_column(2, "item_id", pa.array([3], pa.int32()))
        path = write(tmp_path / "impressions" / "a.parquet", table)
        with pytest.raises(InputError) as caught:
            opened(spark, config(impressions()), tmp_path)
        assert str(caught.value) == (
            f"logs.impressions.columns.item_id: {path} has column item_id with another type, "
            "found int, expected bigint. Accept it with {column: item_id, type: int}."
        )
        accepted = impressions(columns={"item_id": {"column": "item_id", "type": "int"}})
        log = opened(spark, config(accepted), tmp_path)
        assert valid_rows(log).select("item_id").dtypes == [("item_id", "bigint")]
        assert valid_rows(log).select("item_id").collect() == [(3,)]

    @pytest.mark.one_engine
    @pytest.mark.parametrize(
        ("values", "found"),
        [
            (pa.array([3.0], pa.float64()), "double"),
            (pa.array([3], pa.uint64()), "uint64"),
            (pa.array([[3]], pa.list_(pa.int64())), "array<bigint>"),
        ],
    )
    def it_refuses_an_id_of_a_type_that_is_no_id(
        self, spark: SparkSession, tmp_path: Path, values: pa.Array, found: str
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows(ROW).set_column(2, "item_id", values))
        with pytest.raises(InputError) as caught:
            opened(spark, config(impressions()), tmp_path)
        assert [p.found for p in caught.value.problems] == [found]

    @pytest.mark.one_engine
    def it_reads_no_floating_point_number_as_text(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = rows(ROW).append_column("what", pa.array([1e10], pa.float64()))
        write(tmp_path / "impressions" / "a.parquet", table)
        for mapped, error in (
            ("what", "column what with another type, found double"),
            ({"column": "what", "type": "double"}, "a double cannot be read as string"),
        ):
            columns = {"action_type": mapped, "click_ts": {"column": "ts", "unit": "s"}}
            clicks = {"path": "impressions", "columns": columns}
            with pytest.raises((InputError, ConfigError), match=error):
                opened(spark, config({**impressions(), "clicks": clicks}), tmp_path, "clicks")

    def it_reads_old_spark_timestamps_and_dictionaries(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = rows(ROW).drop_columns("ts")
        table = table.append_column("at", pa.array([NOON_S * 10**9], pa.timestamp("ns")))
        table = table.append_column("scene", pa.array(["home"]).dictionary_encode())
        write(tmp_path / "impressions" / "a.parquet", table, use_deprecated_int96_timestamps=True)
        settings = config(impressions(columns={"impression_ts": "at"}), carry=["scene"])
        found = opened(spark, settings, tmp_path).frame.select("event_us", "scene").collect()
        assert found == [(NOON_S * 1_000_000, "home")]

    @pytest.mark.fault(11)
    @pytest.mark.one_engine
    def it_refuses_files_that_differ_in_a_mapped_column(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows(ROW))
        write(tmp_path / "impressions" / "b.parquet", rows(ROW).rename_columns(list("abcd")))
        with pytest.raises(InputError, match=r"b\.parquet: column item_id is missing"):
            opened(spark, config(impressions()), tmp_path)

    def it_accepts_files_that_differ_elsewhere(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / "a.parquet", rows(ROW).append_column("x", pa.array([1])))
        write(tmp_path / "impressions" / "b.parquet", rows(ROW).append_column("x", pa.array(["1"])))
        write(tmp_path / "impressions" / "c.parquet", rows(ROW).append_column("y", pa.array([1])))
        frame = opened(spark, config(impressions()), tmp_path).frame
        assert frame.count() == 3
        fields = frame.schema["source_row"].dataType.fieldNames()  # type: ignore[attr-defined]
        assert fields == ["request_id", "user_id", "item_id", "ts", "y"]

    @pytest.mark.one_engine
    def it_collects_the_problems_of_all_logs(self, spark: SparkSession, tmp_path: Path) -> None:
        clicks = {"path": "clicks", "columns": {"item_id": {"concat": ["a", "b"]}}}
        settings = config({**impressions(), "clicks": clicks})
        ranges = dict.fromkeys(("impressions", "clicks"), DateRange(DAY, DAY))
        with pytest.raises(ConfigError) as caught:
            open_logs(settings, tmp_path, ranges, required={}, spark=spark)
        assert [p.where for p in caught.value.problems] == [
            "logs.impressions.path",
            "logs.clicks.columns.item_id",
        ]
