"""Logs in an object store give the rows that they give on disk, in every format."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from winnow.config.loading import load_config
from winnow.config.tree import Config
from winnow.contracts.counts import count_rows
from winnow.contracts.open_logs import open_logs
from winnow.dates import CalendarDay, DateRange
from winnow.errors import InputError
from winnow.logs.files.locations import Location
from winnow.operations.dates.stale import judge_dates
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import DAY, Shop, contents, upload

FORMATS = """
warehouse: warehouse
ids: {user: bigint, item: bigint, request: bigint}
logs:
  impressions: {path: IMPRESSIONS, format: KIND, partition: {column: dt}}
  clicks: {path: CLICKS, format: parquet}
negatives: {per_positive: 2, easy: [{source: popularity}], hard: []}
"""
FIRST, SECOND = date(2026, 1, 1), date(2026, 1, 2)


def rows(day: date, n: int) -> pa.Table:
    at = pa.scalar(f"{day}T08:00:00Z").cast(pa.timestamp("us", "UTC"))
    return pa.table(
        {
            "request_id": range(n),
            "user_id": range(n),
            "item_id": range(n),
            "impression_ts": pa.repeat(at, n),
        }
    )


class DescribeABuildOfLogsInAStore:
    def it_has_the_rows_of_a_build_on_disk(self, in_store: str, on_disk: Path) -> None:
        found = contents(in_store)
        assert found == contents(on_disk)
        assert found["training_samples"][0] == 5

    def it_tells_the_files_that_it_was_made_of(self, shop: Shop, in_store: str) -> None:
        config = load_config(shop.in_store).model_copy(update={"warehouse": in_store})
        _, (state,) = judge_dates(config, DAY, DAY)
        assert (state.state, state.reasons) == ("current", ())

    def it_is_stale_once_a_log_is_written_again(
        self, shop: Shop, in_store: str, bucket: str
    ) -> None:
        logs = ObjectPath.of(f"{bucket}/logs")
        upload(shop.folder / "logs", logs)
        text = (logs / "shown.csv").read_text()
        (logs / "shown.csv").write_text(f"{text}\n")
        tree = shop.in_store.read_text(encoding="utf-8").replace(shop.logs, str(logs))
        changed = shop.folder / f"{bucket.removeprefix('s3://')}.yaml"
        changed.write_text(tree, encoding="utf-8")
        config = load_config(changed).model_copy(update={"warehouse": in_store})
        _, (state,) = judge_dates(config, DAY, DAY)
        assert state.state == "stale"
        assert [reason.kind for reason in state.reasons] == ["inputs"]
        assert "shown.csv" in state.text


class DescribeTheFormatsInAStore:
    @pytest.fixture
    def folder(self, bucket: str) -> ObjectPath:
        return ObjectPath.of(f"{bucket}/a b")

    def config(self, folder: ObjectPath, kind: str, tmp_path: Path) -> Config:
        pq.write_table(
            rows(FIRST, 3).rename_columns(["request_id", "user_id", "item_id", "click_ts"]),
            tmp_path / "clicks.parquet",
        )
        (folder / "clicks").joinpath("one.parquet").upload(tmp_path / "clicks.parquet")
        text = FORMATS.replace("IMPRESSIONS", f"{folder}/impressions")
        text = text.replace("CLICKS", f"{folder}/clicks").replace("KIND", kind)
        (tmp_path / "winnow.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path / "winnow.yaml")

    def read(self, config: Config, spark: SparkSession) -> int:
        """Rows that a build of the first date would read of the impressions."""
        dates, required = {"impressions": DateRange(FIRST, FIRST)}, {"impressions": [FIRST]}
        logs = open_logs(config, Path("/"), dates, required=required, spark=spark)
        return count_rows(logs["impressions"], CalendarDay(FIRST)).read

    def it_reads_date_folders_of_parquet_and_passes_markers_over(
        self, folder: ObjectPath, spark: SparkSession, tmp_path: Path
    ) -> None:
        for day, n in ((FIRST, 3), (SECOND, 4)):
            pq.write_table(rows(day, n), tmp_path / "part.parquet")
            of_date = folder.joinpath("impressions", f"dt={day}")
            (of_date / "part.parquet").upload(tmp_path / "part.parquet")
            (of_date / "_SUCCESS").write_text("")
        assert self.read(self.config(folder, "parquet", tmp_path), spark) == 3

    def it_reads_the_newest_version_of_a_delta_table(
        self, bucket: str, spark: SparkSession, tmp_path: Path
    ) -> None:
        folder = ObjectPath.of(f"{bucket}/plain")
        table = rows(FIRST, 3).append_column("dt", pa.repeat(pa.scalar(FIRST), 3))
        for mode in ("error", "append"):
            write_deltalake(f"{folder}/impressions", table, partition_by=["dt"], mode=mode)
        assert self.read(self.config(folder, "delta", tmp_path), spark) == 6

    @pytest.mark.parametrize("name", ["a b", "env=prod", "é (1)"])
    def it_reads_a_delta_table_at_any_address(
        self, name: str, bucket: str, spark: SparkSession, tmp_path: Path
    ) -> None:
        """Sail finds no log at these, however they are quoted: the files are read by name."""
        folder = ObjectPath.of(f"{bucket}/{name}")
        for day, n in ((FIRST, 3), (SECOND, 4)):
            table = rows(day, n).append_column("dt", pa.repeat(pa.scalar(day), n))
            write_deltalake(f"{folder}/impressions", table, partition_by=["dt"], mode="append")
        assert self.read(self.config(folder, "delta", tmp_path), spark) == 3

    @pytest.mark.parametrize("name", ["a|b", "x^y", "a%41b"])
    def it_refuses_an_address_at_which_delta_rs_ends_the_process(
        self, name: str, bucket: str, spark: SparkSession, tmp_path: Path
    ) -> None:
        folder = ObjectPath.of(f"{bucket}/{name}")
        entry = folder.joinpath("impressions", "_delta_log", f"{0:020}.json")
        entry.write_text("{}")
        with pytest.raises(InputError, match="a Delta table cannot be read at this address"):
            self.read(self.config(folder, "delta", tmp_path), spark)

    def it_finds_files_by_a_pattern(self, folder: ObjectPath) -> None:
        for name in ("a.csv", "b.csv", "c.txt"):
            (folder / "logs").joinpath(name).write_text("x")
        found = Location.of(f"{folder}/logs/*.csv", Path("/")).roots()
        assert [info.base_name for info in found] == ["a.csv", "b.csv"]

    def it_names_a_damaged_file(
        self, folder: ObjectPath, spark: SparkSession, tmp_path: Path
    ) -> None:
        folder.joinpath("impressions", f"dt={FIRST}", "cut.parquet").write_text("PAR1 and no more")
        with pytest.raises(InputError) as caught:
            self.read(self.config(folder, "parquet", tmp_path), spark)
        assert "cut.parquet is not a complete Parquet file" in str(caught.value)

    def it_says_which_date_is_missing(
        self, folder: ObjectPath, spark: SparkSession, tmp_path: Path
    ) -> None:
        of_date = folder.joinpath("impressions", f"dt={SECOND}")
        pq.write_table(rows(SECOND, 1), tmp_path / "part.parquet")
        (of_date / "part.parquet").upload(tmp_path / "part.parquet")
        with pytest.raises(InputError) as caught:
            self.read(self.config(folder, "parquet", tmp_path), spark)
        assert f"dt={FIRST} does not exist or holds no files" in str(caught.value)
