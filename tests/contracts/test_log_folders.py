"""Folders of logs: dates by any pattern, hours below, patterns in paths."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.config.date_patterns import date_in
from winnow.errors import InputError

from tests.contracts.logs_for_tests import (
    DAY,
    NOON_S,
    config,
    impressions,
    item,
    items_of,
    opened,
    write,
    write_text,
)
from tests.near_equal import near_equal

HEADER = "request_id,user_id,item_id,ts\n"
LINE = f"1,2,3,{NOON_S}\n"


class DescribeDateFolders:
    @pytest.mark.parametrize(
        ("folder", "partition"),
        [
            ("dt=2026-01-02/hr=07", {"column": "dt"}),
            ("dt=20260102/country=__HIVE_DEFAULT_PARTITION__", {"column": "dt"}),
            ("dt=2026%2D01%2D02", {"column": "dt"}),
            ("2026/01/02/07", {"pattern": "%Y/%m/%d"}),
            *near_equal(
                ("dt=20260102", {"column": "dt"}),
                ("dt=02.01.2026", {"column": "dt", "pattern": "%d.%m.%Y"}),
                ("year=2026/month=01/day=02", {"pattern": "year=%Y/month=%m/day=%d"}),
                ("20260102", {"pattern": "%Y%m%d"}),
                ("2026-002", {"pattern": "%Y-%j"}),
            ),
        ],
    )
    def it_reads_the_wanted_date_and_no_other(
        self, spark: SparkSession, tmp_path: Path, folder: str, partition: dict[str, str]
    ) -> None:
        other = folder.replace("2026", "2025")
        write(tmp_path / "impressions" / folder / "a.parquet", item(3))
        write(tmp_path / "impressions" / other / "a.parquet", item(4))
        log = opened(spark, config(impressions(partition=partition)), tmp_path, required=[DAY])
        assert items_of(log) == [(3, DAY)]
        assert log.dates == (DAY,)
        assert log.rows_in_files == 1

    @pytest.mark.one_engine
    def it_reads_every_hour_of_a_date(self, spark: SparkSession, tmp_path: Path) -> None:
        for hour in ("07", "23"):
            folder = tmp_path / "impressions" / f"d=20260102{hour}"
            write_text(folder / "a.csv", HEADER + LINE.replace("3,", f"{hour},".lstrip("0")))
        partition = {"column": "d", "pattern": "%Y%m%d%H"}
        log = opened(spark, config(impressions(partition=partition)), tmp_path)
        assert items_of(log) == [(7, DAY), (23, DAY)]
        names = [Path(folder).name for folder in log.folders]
        assert names == ["d=2026010207", "d=2026010223"]

    @pytest.mark.fault(13)
    @pytest.mark.one_engine
    def it_passes_over_rows_whose_date_was_null_and_names_them(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        home = tmp_path / "impressions"
        write(home / f"dt={DAY}" / "a.parquet", item(3))
        null = write(home / "dt=__HIVE_DEFAULT_PARTITION__" / "a.parquet", item(4))
        log = opened(spark, config(impressions(partition={"column": "dt"})), tmp_path)
        assert items_of(log) == [(3, DAY)]
        assert log.warnings == (
            "logs.impressions: folder dt=__HIVE_DEFAULT_PARTITION__ passed over, its rows have no "
            f"date: 1 file, {null.stat().st_size:,} bytes",
        )

    @pytest.mark.one_engine
    def it_refuses_one_date_under_two_names_until_a_pattern_says_which(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "dt=20260102" / "a.parquet", item(3))
        write(tmp_path / "impressions" / "dt=2026-01-02" / "a.parquet", item(4))
        with pytest.raises(InputError, match="dt=2026-01-02 and dt=20260102"):
            opened(spark, config(impressions(partition={"column": "dt"})), tmp_path)

    @pytest.mark.one_engine
    def it_says_which_date_is_not_there_as_its_pattern_writes_it(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / "2026" / "01" / "02" / "a.parquet", item(3))
        settings = config(impressions(partition={"pattern": "%Y/%m/%d"}))
        with pytest.raises(InputError, match="impressions/2026/01/03 does not exist"):
            opened(spark, settings, tmp_path, required=[DAY + timedelta(days=1)])

    @pytest.mark.parametrize(
        ("text", "pattern", "found"),
        [
            ("2026-01-02", None, DAY),
            ("20260102", None, DAY),
            ("02012026", None, None),
            ("12312026", None, None),
            ("2026-1-2", "%Y-%m-%d", None),
            ("20260230", None, None),
            ("00010102", None, None),
            ("2026-01-02 ", None, None),
            ("٢٠٢٦٠١٠٢", None, None),
        ],
    )
    def it_takes_nothing_else_for_a_date(
        self, text: str, pattern: str | None, found: date | None
    ) -> None:
        assert date_in(text, pattern) == found


class DescribeNamesOfFolders:
    """An engine makes columns of folders' names, and puts them in the place of the files' own."""

    @pytest.mark.parametrize("partition", [None, {"column": "dt"}])
    def it_keeps_what_the_file_says(
        self, spark: SparkSession, tmp_path: Path, partition: dict[str, str] | None
    ) -> None:
        for hour in (7, 8):
            table = item(hour).append_column("hr", pa.array([3], pa.int32()))
            table = table.append_column("dt", pa.array(["of the file"]))
            table = table.append_column("HOUR", pa.array([hour * 10], pa.int64()))
            folder = tmp_path / "impressions" / f"dt={DAY}" / f"hr=0{hour}" / f"hour=0{hour}"
            write(folder / "a.parquet", table)
        settings = config(impressions(partition=partition), carry=["hr", "dt", "HOUR"])
        log = opened(spark, settings, tmp_path)
        day = DAY if partition else None
        found = log.frame.select("item_id", "hr", "dt", "HOUR", "partition_date").collect()
        assert sorted(found) == [(7, 3, "of the file", 70, day), (8, 3, "of the file", 80, day)]
        assert dict(log.carry) == {"hr": "int", "dt": "string", "HOUR": "bigint"}

    @pytest.mark.one_engine
    def it_makes_no_column_of_a_folder(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / f"dt={DAY}" / "hr=07" / "a.parquet", item(3))
        settings = config(impressions(partition={"column": "dt"}), carry=["hr"])
        with pytest.raises(InputError, match="column hr is missing"):
            opened(spark, settings, tmp_path)


class DescribePatternsInPaths:
    @pytest.mark.parametrize(
        ("path", "found"),
        [
            ("logs/region=[u]*/*.parquet", [4]),
            *near_equal(
                ("logs/region=*", [3, 4]), ("logs/region=e?", [3]), ("logs/*/a.parquet", [3, 4])
            ),
        ],
    )
    def it_reads_what_the_pattern_matches(
        self, spark: SparkSession, tmp_path: Path, path: str, found: list[int]
    ) -> None:
        write(tmp_path / "logs" / "region=eu" / "a.parquet", item(3))
        write(tmp_path / "logs" / "region=us" / "a.parquet", item(4))
        write(tmp_path / "logs" / "_region=old" / "a.parquet", item(5))
        log = opened(spark, config(impressions(path)), tmp_path)
        assert items_of(log) == [(number, None) for number in found]

    @pytest.mark.one_engine
    def it_finds_date_folders_below_each(self, spark: SparkSession, tmp_path: Path) -> None:
        for number, region in ((3, "eu"), (4, "us")):
            folder = tmp_path / "logs" / f"region={region}"
            write(folder / f"dt={DAY}" / "a.parquet", item(number))
            write(folder / "dt=2020-01-01" / "a.parquet", item(9))
        settings: dict[str, Any] = impressions("logs/region=*", partition={"column": "dt"})
        assert items_of(opened(spark, config(settings), tmp_path)) == [(3, DAY), (4, DAY)]

    @pytest.mark.one_engine
    def it_says_that_nothing_matches(self, spark: SparkSession, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"region=\* does not exist"):
            opened(spark, config(impressions("logs/region=*")), tmp_path)
