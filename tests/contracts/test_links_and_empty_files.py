"""What lies in the folders of a log and is no plain file with rows: links, empty files, others."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
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

HEADER = "request_id,user_id,item_id,ts\n"
LINE = f"1,2,3,{NOON_S}\n"

# What is refused or passed over is found out before an engine reads: one engine is enough.
pytestmark = pytest.mark.one_engine


class DescribeEmptyParts:
    def it_passes_over_text_files_of_zero_bytes_beside_others(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write_text(tmp_path / "impressions" / "part-00000", b"")
        write_text(tmp_path / "impressions" / "part-00001", HEADER + LINE)
        log = opened(spark, config(impressions(format="csv")), tmp_path)
        assert items_of(log) == [(3, None)]
        assert log.warnings == ("logs.impressions: 1 file (part-00000) of zero bytes passed over",)

    @pytest.mark.parametrize(
        ("name", "body"),
        [
            ("a.csv.gz", b""),
            ("a.csv", b"\xef\xbb\xbf"),
            ("a.csv", b"\r\n\n"),
            ("a.csv", "\n".encode("utf-16")),
        ],
    )
    def it_passes_over_files_in_which_no_line_is(
        self, spark: SparkSession, tmp_path: Path, name: str, body: bytes
    ) -> None:
        write_text(tmp_path / "impressions" / name, body)
        with pytest.raises(InputError, match=r"a\.csv.* has no line, so no header"):
            opened(spark, config(impressions()), tmp_path)
        write_text(tmp_path / "impressions" / "b.csv", HEADER + LINE)
        log = opened(spark, config(impressions()), tmp_path)
        assert items_of(log) == [(3, None)]
        assert log.warnings == (f"logs.impressions: 1 file ({name}) without a line passed over",)

    @pytest.mark.parametrize("partition", [None, {"column": "dt"}])
    @pytest.mark.parametrize("allow_empty", [False, True])
    def it_refuses_a_log_of_which_all_files_are_empty(
        self,
        spark: SparkSession,
        tmp_path: Path,
        partition: dict[str, str] | None,
        allow_empty: bool,
    ) -> None:
        folder = tmp_path / "impressions" / (f"dt={DAY}" if partition else "")
        write_text(folder / "part-00000.csv", b"")
        write_text(folder / "part-00001.csv", b"")
        with pytest.raises(InputError, match=r"2 files .* of zero bytes, no others"):
            opened(
                spark,
                config(impressions(partition=partition)),
                tmp_path,
                allow_empty=allow_empty,
            )

    @pytest.mark.parametrize(
        ("name", "body", "what"),
        [("a.csv", b"", "files of zero bytes"), ("a.csv.gz", b"", "files without a line")],
    )
    def it_does_not_take_a_date_of_empty_files_for_a_date_that_is_there(
        self, spark: SparkSession, tmp_path: Path, name: str, body: bytes, what: str
    ) -> None:
        before = DAY - timedelta(days=1)
        write_text(tmp_path / "impressions" / f"dt={DAY}" / "a.csv", HEADER + LINE)
        write_text(tmp_path / "impressions" / f"dt={before}" / name, body)
        settings = config(impressions(partition={"column": "dt"}))
        log = opened(spark, settings, tmp_path, first=before)
        assert log.dates == (DAY,)
        with pytest.raises(InputError, match=f"dt={before} holds only {what}"):
            opened(spark, settings, tmp_path, first=before, required=[before, DAY])


class DescribeLinks:
    @pytest.mark.both_engines
    def it_follows_links_to_files_and_folders(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "elsewhere" / "in" / "a.parquet", item(3))
        write(tmp_path / "elsewhere" / "b.parquet", item(4))
        home = tmp_path / "impressions"
        home.mkdir()
        (home / "folder").symlink_to(tmp_path / "elsewhere" / "in")
        (home / "file.parquet").symlink_to(tmp_path / "elsewhere" / "b.parquet")
        assert items_of(opened(spark, config(impressions()), tmp_path)) == [(3, None), (4, None)]

    def it_reads_each_file_once_however_many_links_lead_to_it(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        home = tmp_path / "impressions"
        write(home / "b" / "a.parquet", item(3))
        (home / "a").symlink_to("b")
        (home / "z.parquet").symlink_to(Path("b") / "a.parquet")
        log = opened(spark, config(impressions()), tmp_path)
        assert items_of(log) == [(3, None)]
        assert log.warnings == (
            "logs.impressions: 2 links (a/a.parquet, z.parquet) to what is read already "
            "passed over",
        )

    @pytest.mark.parametrize("partition", [None, {"column": "dt"}])
    def it_refuses_a_link_that_leads_nowhere(
        self, spark: SparkSession, tmp_path: Path, partition: dict[str, str] | None
    ) -> None:
        home = tmp_path / "impressions" / f"dt={DAY}"
        write(home / "a.parquet", item(3))
        (home / "b.parquet").symlink_to("gone.parquet")
        with pytest.raises(InputError, match=r"b\.parquet is a link that leads nowhere"):
            opened(spark, config(impressions(partition=partition)), tmp_path)

    def it_refuses_a_date_folder_that_leads_nowhere(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / f"dt={DAY}" / "a.parquet", item(3))
        (tmp_path / "impressions" / "dt=2026-01-01").symlink_to("gone")
        with pytest.raises(InputError, match="dt=2026-01-01 is a link that leads nowhere"):
            opened(spark, config(impressions(partition={"column": "dt"})), tmp_path)

    @pytest.mark.parametrize("target", [".", "..", "../..", "../beside"])
    def it_refuses_a_circle_of_links(
        self, spark: SparkSession, tmp_path: Path, target: str
    ) -> None:
        home = tmp_path / "impressions"
        write(home / "inside" / "a.parquet", item(3))
        (home / "inside" / "round").symlink_to(target)
        (home / "beside").mkdir()
        (home / "beside" / "back").symlink_to("../inside")
        with pytest.raises(InputError, match="a circle"):
            opened(spark, config(impressions()), tmp_path)

    def it_refuses_one_file_in_the_folders_of_two_dates(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "impressions" / f"dt={DAY}" / "a.parquet", item(3))
        (tmp_path / "impressions" / "dt=2026-01-03").symlink_to(f"dt={DAY}")
        settings = config(impressions(partition={"column": "dt"}))
        last = DAY + timedelta(days=1)
        with pytest.raises(InputError, match="one file in the folders of two dates"):
            opened(spark, settings, tmp_path, last=last)


class DescribeWhatIsNoFile:
    def it_refuses_a_pipe(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / "a.parquet", item(3))
        os.mkfifo(tmp_path / "impressions" / "b.parquet")
        with pytest.raises(InputError, match="neither a file nor a folder"):
            opened(spark, config(impressions()), tmp_path)

    def it_refuses_a_table_inside_of_a_folder(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / "a.parquet", item(3))
        write_deltalake(str(tmp_path / "impressions" / "table"), item(4))
        with pytest.raises(InputError, match="table is a Delta table inside of the log's folder"):
            opened(spark, config(impressions()), tmp_path)

    def it_refuses_names_of_two_formats(self, spark: SparkSession, tmp_path: Path) -> None:
        write(tmp_path / "impressions" / "a.parquet", item(3))
        write_text(tmp_path / "impressions" / "b.csv", HEADER + LINE)
        with pytest.raises(InputError, match="tell two formats"):
            opened(spark, config(impressions()), tmp_path)
