"""Times and identities: what the values of a row become, and what stands against them."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.contracts.rows import valid_rows
from winnow.errors import ConfigError, InputError

from tests.contracts.impressions_file import parquet
from tests.contracts.logs_for_tests import NOON_S, NOON_US, codes, config, impressions, opened


def event_times(spark: SparkSession, tmp_path: Path, **time: Any) -> list[int | None]:
    settings = config(impressions(columns={"impression_ts": {"column": "ts", **time}}))
    frame = opened(spark, settings, tmp_path).frame.orderBy("item_id")
    return [row.event_us for row in frame.select("event_us").collect()]


class DescribeTimes:
    def it_scales_counts_and_never_overflows(self, spark: SparkSession, tmp_path: Path) -> None:
        huge = 2**63 - 1
        seconds = [NOON_S, 0, -1, huge, -huge, 946_684_800, 4_102_444_800, None]
        parquet(tmp_path, ts=pa.array(seconds, pa.int64()))
        found = event_times(spark, tmp_path, unit="s")
        assert found == [NOON_US, None, None, None, None, 946_684_800_000_000, None, None]
        log = opened(spark, config(impressions()), tmp_path)
        late = ["time_out_of_range"]
        assert codes(log) == [[], late, late, late, late, [], late, ["missing"]]
        stamps = log.frame.orderBy("item_id").select("impression_ts").first()
        assert stamps is not None and stamps[0] == datetime(2026, 1, 2, 12)

    @pytest.mark.parametrize(("unit", "factor"), [("ms", 1000), ("us", 1_000_000)])
    def it_reads_finer_counts(
        self, spark: SparkSession, tmp_path: Path, unit: str, factor: int
    ) -> None:
        parquet(tmp_path, ts=pa.array([NOON_S * factor + 1], pa.int64()))
        assert event_times(spark, tmp_path, unit=unit) == [NOON_US + 1_000_000 // factor]

    @pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 1000), ("us", 1_000_000)])
    def it_reads_fractions_to_the_microsecond(
        self, spark: SparkSession, tmp_path: Path, unit: str, per_second: int
    ) -> None:
        micros = [NOON_US + 250_000, NOON_US + 1, NOON_US - 1, NOON_US + 999_999]
        doubles = [us / 1_000_000 * per_second for us in micros]
        strange = [float("nan"), float("inf"), -1.5, 1e300, 0.0, None]
        parquet(tmp_path, ts=pa.array([*doubles, *strange], pa.float64()))
        assert event_times(spark, tmp_path, unit=unit) == [*micros, *[None] * 6]
        timed = impressions(columns={"impression_ts": {"column": "ts", "unit": unit}})
        late = ["time_out_of_range"]
        log = opened(spark, config(timed), tmp_path)
        assert codes(log)[4:] == [["unreadable"], late, late, late, late, ["missing"]]

    def it_reads_decimal_text_and_decimals_as_counts(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        texts = [f"{NOON_S}.25", f"{NOON_S}", "1.7673552E9", f"{NOON_S}.", "1,5", "nan", "", None]
        parquet(tmp_path, ts=pa.array(texts))
        expected = [NOON_US + 250_000, NOON_US, NOON_US, NOON_US, *[None] * 4]
        assert event_times(spark, tmp_path, unit="s") == expected
        log = opened(spark, config(impressions()), tmp_path)
        assert codes(log)[4:] == [["unreadable"], ["unreadable"], ["missing"], ["missing"]]
        exact = pa.array([Decimal(f"{NOON_S}.250001")], pa.decimal128(18, 6))
        parquet(tmp_path, ts=exact)
        assert event_times(spark, tmp_path, unit="s") == [NOON_US + 250_001]

    @pytest.mark.one_engine
    def it_refuses_single_precision_as_it_holds_no_time(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        parquet(tmp_path, ts=pa.array([float(NOON_S)], pa.float32()))
        with pytest.raises(InputError, match="Write a double"):
            event_times(spark, tmp_path, unit="s")

    def it_reads_events_from_1970_on_but_no_time_of_a_coarser_unit(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        movielens, march = 874_965_758_000, 5_097_600_000
        parquet(tmp_path, ts=pa.array([movielens, march, NOON_S, 0, -1], pa.int64()))
        found = event_times(spark, tmp_path, unit="ms")
        assert found == [movielens * 1000, march * 1000, None, None, None]

    def it_reads_iso_text_in_its_own_or_the_configured_zone(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        texts = [
            "2026-01-02T12:00:00.000001+00:00",
            "2026-01-02T21:00:00+0900",
            "2026-01-02 12:00:00Z",
            "2026-01-02 12:00:00.000001 UTC",
            "2026-01-02 12:00:00 UTC",
            "2026-01-02 21:00:00",
            "2026-01-02",
            "2026-13-45",
            "noon",
            "12:00:00",
            "",
            None,
        ]
        parquet(tmp_path, ts=pa.array(texts))
        midnight = NOON_US - 21 * 3_600_000_000
        expected = [NOON_US + 1, NOON_US, NOON_US, NOON_US + 1, NOON_US, NOON_US, midnight]
        assert event_times(spark, tmp_path, zone="Asia/Tokyo") == [*expected, *[None] * 5]
        log = opened(spark, config(impressions(columns={"impression_ts": "ts"})), tmp_path)
        assert codes(log)[7:] == [["unreadable"]] * 3 + [["missing"]] * 2

    def it_reads_naive_timestamps_and_patterns_in_the_configured_zone(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        parquet(tmp_path, ts=pa.array([datetime(2026, 1, 2, 21)], pa.timestamp("us")))
        assert event_times(spark, tmp_path, zone="Asia/Tokyo") == [NOON_US]
        parquet(tmp_path, ts=pa.array(["02.01.2026 21:00", "2.1.", "99.99.9999 00:00"]))
        pattern = {"unit": "pattern", "pattern": "dd.MM.yyyy HH:mm", "zone": "Asia/Tokyo"}
        assert event_times(spark, tmp_path, **pattern) == [NOON_US, None, None]


class DescribeIdentity:
    def it_takes_the_first_column_that_means_somebody(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        parquet(
            tmp_path,
            uid=pa.array([7, 0, None, 0, None, -1], pa.int64()),
            device=pa.array(["11", "12", "13", "", None, "x"]),
        )
        mapped = impressions(columns={"user_id": {"first_of": ["uid", "device"]}})
        log = opened(spark, config(mapped), tmp_path)
        found = log.frame.orderBy("item_id").select("user_id", "filtered", "anonymous").collect()
        assert found == [
            (7, False, False),
            (12, False, False),
            (13, False, False),
            (None, True, True),
            (None, False, False),
            (None, False, False),
        ]
        assert codes(log) == [[], [], [], [], ["missing"], ["unreadable"]]

    def it_joins_columns_to_one_string(self, spark: SparkSession, tmp_path: Path) -> None:
        parquet(tmp_path, a=pa.array(["x", None, "z"]), b=pa.array([1, 2, 3], pa.int64()))
        mapped = impressions(columns={"user_id": {"concat": ["a", "b"]}})
        with pytest.raises(ConfigError, match="joined columns make a string"):
            opened(spark, config(mapped), tmp_path)
        ids = {"user": "string", "impression": "string"}
        log = opened(
            spark, config(mapped, ids=ids, identity={"anonymous_values": ["z|3"]}), tmp_path
        )
        found = log.frame.orderBy("item_id").select("user_id", "anonymous").collect()
        assert found == [("x|1", False), (None, False), (None, True)]

    def it_makes_the_impression_id_only_as_a_string(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        parquet(tmp_path, ts=pa.array([NOON_S], pa.int64()))
        log = opened(spark, config(impressions()), tmp_path)
        assert [r.impression_id for r in valid_rows(log).collect()] == ["1/2/3"]
        assert log.contract.key == ("request_id", "user_id", "item_id")
        with pytest.raises(ConfigError, match=r"ids\.impression"):
            opened(spark, config(impressions(), ids={"impression": "bigint"}), tmp_path)
