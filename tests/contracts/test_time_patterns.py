"""Time patterns: those that leave a moment open or that an engine misreads are refused by name."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.contracts.mapping.time_patterns import engine_problem, pattern_problem
from winnow.errors import ConfigError

from tests.contracts.impressions_file import parquet
from tests.contracts.logs_for_tests import NOON_US, config, impressions, opened

READ_BY_BOTH = [
    ("yyyy-MM-dd HH:mm:ss", "2026-01-02 12:00:00"),
    ("yyyy-MM-dd HH:mm:ss.SSS", "2026-01-02 12:00:00.000"),
    ("yyyy-MM-dd HH:mm:ss[.SSSSSS]", "2026-01-02 12:00:00"),
    ("dd.MM.yyyy HH:mm", "02.01.2026 12:00"),
    ("M/d/yyyy h:mm:ss a", "1/2/2026 12:00:00 PM"),
    ("dd/MMM/yyyy:HH:mm:ss Z", "02/Jan/2026:13:00:00 +0100"),
    ("d MMMM yyyy, HH 'h' mm", "2 January 2026, 12 h 00"),
    ("yyyyMMddHHmmss", "20260102120000"),
    ("yy-DDD HH", "26-002 12"),
    ("yyyy-MM-dd'T'HH:mm:ssXXX", "2026-01-02T14:00:00+02:00"),
    ("yyyy-MM-dd HH:mm VV", "2026-01-02 13:00 Europe/Berlin"),
    ("H:m:s d.M.y", "12:0:0 2.1.2026"),
]

OPEN_OR_UNKNOWN = [
    ("EEE MMM dd HH:mm:ss yyyy", "letters that are not read"),
    ("%Y-%m-%d", "letters that are not read"),
    ("yyyy-MM-dd hh:mm", "which half of the day"),
    ("HH:mm:ss", "does not say the date"),
    ("yyyy-MM", "does not say the date"),
    ("", "does not say the date"),
    ("yyyy-MM-dd '", "without its other half"),
    ("yyyy-MM-dd [HH", "without its other half"),
]


def times(pattern: str, **more: Any) -> dict[str, Any]:
    mapping = {"column": "ts", "unit": "pattern", "pattern": pattern, **more}
    return impressions(columns={"impression_ts": mapping})


class DescribeTimePatterns:
    @pytest.mark.parametrize(("pattern", "text"), READ_BY_BOTH)
    def it_reads_the_same_moment_on_every_engine(
        self, spark: SparkSession, tmp_path: Path, pattern: str, text: str
    ) -> None:
        parquet(tmp_path, ts=pa.array([text]))
        log = opened(spark, config(times(pattern)), tmp_path)
        assert [row.event_us for row in log.frame.select("event_us").collect()] == [NOON_US]

    @pytest.mark.one_engine
    @pytest.mark.parametrize(("pattern", "why"), OPEN_OR_UNKNOWN)
    def it_refuses_what_leaves_the_moment_open_before_it_looks_at_a_file(
        self, spark: SparkSession, tmp_path: Path, pattern: str, why: str
    ) -> None:
        with pytest.raises(ConfigError, match=why) as caught:
            opened(spark, config(times(pattern)), tmp_path)
        assert [p.where for p in caught.value.problems] == [
            "logs.impressions.columns.impression_ts.pattern"
        ]

    @pytest.mark.parametrize("pattern", ["yyyyMMddHHmmssSSS", "yyyyy-MM-dd"])
    def it_refuses_what_this_engine_reads_as_no_or_another_time(
        self, spark: SparkSession, tmp_path: Path, pattern: str
    ) -> None:
        assert pattern_problem("here", pattern, "UTC") is None
        with pytest.raises(ConfigError, match=r"the engine (sail|spark) does not read pattern"):
            opened(spark, config(times(pattern)), tmp_path)

    def it_never_lets_the_engines_differ_about_names_of_zones(self, spark: SparkSession) -> None:
        problem = engine_problem("here", "yyyy-MM-dd HH:mm:ss z", spark)
        assert problem is None or "read as no time" in str(problem)

    def it_refuses_a_zone_that_may_be_left_out_where_texts_are_of_another_zone(self) -> None:
        pattern = "yyyy-MM-dd HH:mm[XXX]"
        assert pattern_problem("here", pattern, "UTC") is None
        assert "may be left out" in str(pattern_problem("here", pattern, "Asia/Tokyo"))
