"""Parquet types that no engine has: nanoseconds, unsigned numbers, old timestamps in structs."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.errors import InputError

from tests.contracts.logs_for_tests import NOON_S, config, impressions, opened, rows, write

ROW = (1, 2, 3, NOON_S)


class DescribeTypesThatNoEngineHas:
    def it_reads_what_no_engine_has_as_what_holds_it(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = rows(ROW).drop_columns(["ts", "user_id"])
        table = table.append_column("at", pa.array([NOON_S * 10**9 + 999], pa.timestamp("ns")))
        table = table.append_column("user_id", pa.array([2**32 - 1], pa.uint32()))
        table = table.append_column("born", pa.array([date(1969, 12, 31)], pa.date64()))
        write(tmp_path / "impressions" / "a.parquet", table)
        settings = config(impressions(columns={"impression_ts": "at"}), carry=["born"])
        found = opened(spark, settings, tmp_path).frame.select("user_id", "event_us", "born")
        assert found.collect() == [(2**32 - 1, NOON_S * 1_000_000, date(1969, 12, 31))]

    def it_does_not_let_a_time_that_is_out_of_range_wrap_around(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        table = rows(ROW).append_column("born", pa.array([2**63 - 1], pa.timestamp("ms", "UTC")))
        table = table.append_column("small", pa.array([7], pa.uint32()))
        write(tmp_path / "impressions" / "a.parquet", table)
        settings = config(impressions(), carry=["born", "small"])
        with pytest.raises(Exception, match="out of bounds"):
            opened(spark, settings, tmp_path).frame.select("born", "small").collect()

    @pytest.mark.one_engine
    @pytest.mark.parametrize("kind", [pa.uint64(), pa.dictionary(pa.int8(), pa.uint64())])
    def it_refuses_numbers_that_nothing_holds_where_they_are_used_and_only_there(
        self, spark: SparkSession, tmp_path: Path, kind: pa.DataType
    ) -> None:
        table = rows(ROW).append_column("id", pa.array([7], kind))
        write(tmp_path / "impressions" / "a.parquet", table)
        assert opened(spark, config(impressions()), tmp_path).frame.count() == 1
        with pytest.raises(InputError, match=r"type that engines cannot read, found .*uint64"):
            opened(spark, config(impressions(columns={"user_id": "id"})), tmp_path)

    @pytest.mark.one_engine
    def it_leaves_out_what_would_have_to_be_converted_where_it_is_not_used(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        at = pa.array([NOON_S * 10**9], pa.timestamp("ns"))
        write(tmp_path / "impressions" / "a.parquet", rows(ROW).append_column("at", at))
        frame = opened(spark, config(impressions()), tmp_path).frame
        fields = frame.schema["source_row"].dataType.fieldNames()  # type: ignore[attr-defined]
        assert fields == ["request_id", "user_id", "item_id", "ts"]

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
    def it_reads_old_spark_timestamps_in_structs_as_instants(
        self, spark: SparkSession, tmp_path: Path, zone: str
    ) -> None:
        kind = pa.struct([("at", pa.timestamp("ns")), ("all", pa.list_(pa.timestamp("ns")))])
        context = pa.array([{"at": NOON_S * 10**9, "all": [0]}], kind)
        table = rows(ROW).drop_columns("ts").append_column("context", context)
        write(tmp_path / "impressions" / "a.parquet", table, use_deprecated_int96_timestamps=True)
        at = {"column": "context.at", "zone": zone}
        settings = config(impressions(columns={"impression_ts": at}))
        found = opened(spark, settings, tmp_path).frame.select("event_us").collect()
        assert found == [(NOON_S * 1_000_000,)]
