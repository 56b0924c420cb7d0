"""Which files a date reads, listed without an engine: the very ones that its build reads."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from winnow.building.inputs import open_inputs
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.config.tree import Config
from winnow.dates import DateRange
from winnow.engine.choice import engine_of
from winnow.errors import InputError
from winnow.logs.files.locations import Location, source_file
from winnow.logs.parquet.footers import read_footers
from winnow.operations.dates.logs_now import dates_with_logs, list_logs

from tests.events.handmade import DAY
from tests.operations.few_dates import DATES, LATER, few_dates, write_logs


def with_partition(base: Path, **partition: Any) -> Config:
    """A config whose logs have other date folders."""
    tree = few_dates(base).model_dump(mode="json", by_alias=True, exclude_unset=True)
    for log in tree["logs"].values():
        if log.get("partition"):
            log["partition"] |= partition
    return Config.model_validate_json(json.dumps(tree))


def opened(settings: Config, day: date, spark: SparkSession) -> dict[str, Any]:
    """The files of each log that a build of the date reads."""
    quiet = Progress(quiet=True)
    asked = BuildRequest(settings, day, engine_of(spark), progress=quiet, immature=True)
    return {name: dict(log.files) for name, log in open_inputs(asked).logs.items()}


class DescribeTheFilesOfADate:
    @pytest.mark.parametrize(
        "partition",
        [{}, {"lag_days": 2}, {"zone": "Asia/Tokyo"}, {"zone": "America/New_York", "lag_days": 1}],
        ids=str,
    )
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
    def it_lists_those_that_its_build_reads(
        self, spark: SparkSession, tmp_path: Path, partition: dict[str, Any], zone: str
    ) -> None:
        write_logs(tmp_path)
        settings = with_partition(tmp_path, **partition)
        settings = settings.model_copy(update={"calendar_zone": zone})
        now = list_logs(settings, DateRange(DATES[0], DAY))
        for day in DATES:
            found = {name: now.of_date(name, day) for name in now.logs}
            assert found == opened(settings, day, spark), day
        assert all(found.values())

    def it_knows_the_files_of_a_delta_table(self, spark: SparkSession, tmp_path: Path) -> None:
        write_logs(tmp_path)
        for log in ("impressions", "clicks"):
            rows = pds.dataset(tmp_path / log, partitioning=["folder"]).to_table()
            days = pa.array([date.fromisoformat(t[5:]) for t in rows["folder"].to_pylist()])
            rows = rows.drop_columns("folder").append_column("date", days)
            write_deltalake(tmp_path / "delta" / log, rows, partition_by=["date"])
        tree = few_dates(tmp_path).model_dump(mode="json", by_alias=True, exclude_unset=True)
        for log in ("impressions", "clicks"):
            tree["logs"][log] |= {"path": str(tmp_path / "delta" / log), "format": "delta"}
        settings = Config.model_validate_json(json.dumps(tree))
        now = list_logs(settings, DateRange(DATES[1], DATES[1]))
        found = {name: now.of_date(name, DATES[1]) for name in now.logs}
        assert found == opened(settings, DATES[1], spark)
        assert {len(found[log]) for log in ("impressions", "clicks")} == {2, 3}
        assert set(DATES) <= set(dates_with_logs(settings))

    def it_says_which_folders_are_missing(self, tmp_path: Path) -> None:
        write_logs(tmp_path, later=False)
        now = list_logs(with_partition(tmp_path, lag_days=1), DateRange(DATES[0], LATER))
        assert now.absent(DAY) == {}
        assert now.awaited(DAY) == {
            "impressions": (LATER,), "clicks": (LATER, LATER + timedelta(1)),
            "ranking_log": (LATER,),
        }  # fmt: skip
        assert set(now.absent(LATER)) == {"impressions", "clicks", "ranking_log"}


class DescribeFooters:
    def it_reads_each_once_as_long_as_the_file_stays_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[Any] = []

        def noted(handle: Any) -> pq.ParquetFile:
            opened.append(handle)
            return real(handle)

        real = pq.ParquetFile
        monkeypatch.setattr("winnow.logs.parquet.footers.pq.ParquetFile", noted)
        path = tmp_path / "one.parquet"
        place = Location.of(str(tmp_path), tmp_path)

        def columns() -> list[str]:
            file = source_file(place.filesystem.get_file_info(str(path)), None)
            (found,) = read_footers("clicks", place, [file])
            return [column.name for column in found.columns]

        pq.write_table(pa.table({"a": [1]}), path)
        assert columns() == columns() == ["a"]
        assert len(opened) == 1
        pq.write_table(pa.table({"b": [1]}), path)
        assert columns() == ["b"]
        assert len(opened) == 2
        for _ in range(2):
            path.write_bytes(b"PAR1")
            with pytest.raises(InputError, match="not a complete Parquet file"):
                columns()
