"""Readers see the audited rows of the dates that they ask for, and nothing else."""

import builtins
import pickle
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, QueryBuilder
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from winnow.errors import ConfigError, MissingExtraError, ReleaseError
from winnow.release.commits import Label
from winnow.release.opening import open_dates, open_release
from winnow.release.store import Store

from tests.child_process import ROOT
from tests.release.things import MONDAY, THINGS, TUESDAY, Run, thing, things


def dicts(frame: DataFrame) -> list[dict[str, Any]]:
    return sorted((row.asDict() for row in frame.collect()), key=lambda r: (r["ds"], r["id"]))


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda r: (r["ds"], r["id"]))


class DescribeOpenDates:
    def it_gives_the_audited_rows_though_the_head_holds_others(
        self, spark: SparkSession, store: Store
    ) -> None:
        staged = store.stage(things(spark, thing(99, name="never audited")), THINGS, "run1")
        store.promote(staged, MONDAY, Label("run1", 1, "c", "v"))
        reader = open_dates(store.warehouse, MONDAY, TUESDAY)
        expected = [(MONDAY, i, "a") for i in range(5)] + [(TUESDAY, i, "b") for i in range(5)]
        seen = reader.arrow("things").to_table().to_pylist()
        assert [(r["ds"], r["id"], r["name"]) for r in in_order(seen)] == expected
        rows = dicts(reader.spark(spark, "things"))
        assert [(r["ds"], r["id"], r["name"]) for r in rows] == expected

    @pytest.mark.one_engine
    def it_lists_only_the_files_of_its_dates(self, store: Store) -> None:
        for day in (MONDAY, TUESDAY):
            files = open_release(store.warehouse, ds=day).files("things")
            assert files
            assert {Path(file).parent.name for file in files} == {f"ds={day}"}
            assert sum(pq.ParquetFile(file).metadata.num_rows for file in files) == 5

    @pytest.mark.one_engine
    def it_tells_when_the_dates_have_different_configs(
        self, spark: SparkSession, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert open_dates(store.warehouse, MONDAY, TUESDAY).config_hashes == ("c1",)
        assert caplog.messages == []
        Run(store, TUESDAY, mark="b", config="c2").go(spark)
        assert open_dates(store.warehouse, MONDAY, TUESDAY).config_hashes == ("c1", "c2")
        assert caplog.messages == ["2026-01-05 to 2026-01-06 were built with 2 different configs"]

    @pytest.mark.one_engine
    def it_names_the_dates_that_are_missing(self, store: Store) -> None:
        with pytest.raises(ReleaseError) as caught:
            open_dates(store.warehouse, TUESDAY, date(2026, 1, 8))
        (problem,) = caught.value.problems
        assert problem.what == "there is no release of 2026-01-07 to 2026-01-08"
        assert problem.found == "2026-01-05 to 2026-01-06"

    @pytest.mark.one_engine
    def it_skips_the_dates_that_are_missing_where_it_is_told_to(
        self, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, last = date(2026, 1, 2), date(2026, 1, 9)
        reader = open_dates(store.warehouse, first, last, missing="skip")
        assert reader.dates == (MONDAY, TUESDAY)
        assert reader.arrow("things").to_table().num_rows == 10
        assert caplog.messages == [
            "skipped, as there is no release: 2026-01-02 to 2026-01-04, 2026-01-07 to 2026-01-09"
        ]
        with pytest.raises(ReleaseError, match="no release of 2026-01-07 to 2026-01-09, found"):
            open_dates(store.warehouse, date(2026, 1, 7), last, missing="skip")
        with pytest.raises(ConfigError, match="lies after the last date, found 2026-01-09"):
            open_dates(store.warehouse, last, first, missing="skip")
        with pytest.raises(ConfigError, match="found 'ignore', expected refuse or skip"):
            open_dates(store.warehouse, first, last, missing="ignore")  # type: ignore[arg-type]


@pytest.mark.one_engine
class DescribeOpenRelease:
    def it_opens_the_newest_of_a_date_or_one_by_its_id(
        self, spark: SparkSession, store: Store
    ) -> None:
        old = open_release(store.warehouse, ds=MONDAY).releases[0]
        Run(store, MONDAY, mark="new").go(spark)
        for reader, mark in (
            (open_release(store.warehouse, ds=MONDAY), "new"),
            (open_release(str(store.warehouse), old.release_id), "a"),
            (open_release(store.warehouse), "b"),
        ):
            assert set(reader.arrow("things").to_table()["name"].to_pylist()) == {mark}
        assert open_release(store.warehouse).dates == (TUESDAY,)
        assert open_release(store.warehouse).tables == ("stats", "things")

    def it_says_what_is_there_instead(self, store: Store, tmp_path: Path) -> None:
        with pytest.raises(ReleaseError) as caught:
            open_release(store.warehouse, "nope")
        assert str(caught.value) == (
            f"{store.warehouse}: there is no release nope, found 2026-01-05 to 2026-01-06. "
            "Build it first; winnow releases shows what there is."
        )
        with pytest.raises(ReleaseError, match="there is no release, found no release at all"):
            open_release(tmp_path / "empty")
        with pytest.raises(ReleaseError, match="has no table nothing"):
            open_release(store.warehouse).files("nothing")
        with pytest.raises(ConfigError):
            open_release(store.warehouse, ds="2026-01-05")  # type: ignore[arg-type]

    @pytest.mark.fault(19)
    def it_says_expired_where_a_file_is_gone(self, spark: SparkSession, store: Store) -> None:
        reader = open_release(store.warehouse, ds=MONDAY)
        Path(reader.files("things")[0]).unlink()
        with pytest.raises(ReleaseError, match="the release of 2026-01-05 has expired"):
            reader.arrow("things")
        with pytest.raises(ReleaseError, match="the release of 2026-01-05 has expired"):
            reader.spark(spark, "things")


class DescribeTheSameRowsForEveryReader:
    def it_shows_them_to_spark_arrow_polars_and_delta_rs(
        self, spark: SparkSession, store: Store
    ) -> None:
        reader = open_dates(store.warehouse, MONDAY, TUESDAY)
        arrow = reader.arrow("things").to_table()
        assert arrow.schema.names == list(THINGS.names)
        polars = reader.polars("things").collect()
        assert polars.columns == list(THINGS.names)
        frame = reader.spark(spark, "things")
        by_spark = frame.withColumn("seen_ts", F.col("seen_ts").cast("string"))
        expected = [r | {"seen_ts": None} for r in dicts(by_spark)]
        assert len(expected) == 10
        assert {r["seen_ts"] for r in dicts(by_spark)} == {"2026-01-05 12:00:00.123456"}
        for rows in (arrow.to_pylist(), polars.to_dicts()):
            assert {r["seen_ts"].isoformat() for r in rows} == {"2026-01-05T12:00:00.123456+00:00"}
            assert [r | {"seen_ts": None} for r in in_order(rows)] == expected
        pin = reader.releases[0].pin("things")
        assert pin is not None
        table = DeltaTable(str(store.warehouse / "things"), version=pin.version)
        query = f"SELECT * FROM things WHERE ds = DATE '{MONDAY}'"
        by_delta_rs = pa.table(QueryBuilder().register("things", table).execute(query).read_all())
        monday = [r | {"seen_ts": None} for r in in_order(by_delta_rs.to_pylist())]
        assert monday == expected[:5]

    def it_keeps_files_in_the_order_of_the_shuffle_key(
        self, spark: SparkSession, store: Store
    ) -> None:
        Run(store, MONDAY, mark="many").go(spark, rows=200)
        keys = [
            pq.ParquetFile(file).read()["shuffle_key"].to_pylist()
            for file in open_release(store.warehouse, ds=MONDAY).files("things")
        ]
        assert sum(len(part) for part in keys) == 200
        assert all(part == sorted(part) for part in keys)

    @pytest.mark.one_engine
    def it_reads_timestamps_that_were_written_as_int96(self, store: Store) -> None:
        """As Spark writes them by default, and as another writer may have rewritten a file."""
        reader = open_release(store.warehouse, ds=MONDAY)
        for path in reader.files("things"):
            rows = pq.ParquetFile(path).read()
            pq.write_table(rows, path, use_deprecated_int96_timestamps=True)
            file = pq.ParquetFile(path)
            column = file.schema.column(file.schema.names.index("seen_ts"))
            assert column.physical_type == "INT96"
        times = {
            *reader.arrow("things").to_table()["seen_ts"].to_pylist(),
            *reader.polars("things").collect()["seen_ts"].to_list(),
        }
        assert {t.isoformat() for t in times} == {"2026-01-05T12:00:00.123456+00:00"}

    @pytest.mark.one_engine
    def it_says_so_where_polars_is_missing(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = builtins.__import__

        def without_polars(name: str, *more: Any, **named: Any) -> Any:
            if name == "polars":
                raise ImportError(name)
            return real(name, *more, **named)

        monkeypatch.setattr(builtins, "__import__", without_polars)
        with pytest.raises(
            MissingExtraError, match=r"polars: is not installed\. pip install 'winnow\[polars\]'"
        ):
            open_release(store.warehouse).polars("things")


FORKED = """
import os, sys
from winnow.errors import ReleaseError
from winnow.release.opening import open_release

reader = open_release(sys.argv[1])
if sys.argv[2] == "before":
    reader.table_files("things")
if os.fork() == 0:
    code = 1
    try:
        code = 10 + reader.arrow("things").count_rows()
    except ReleaseError as error:
        assert "Call table_files('things') before the workers start." in str(error)
        code = 2
    finally:
        os._exit(code)
_, status = os.wait()
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.one_engine
class DescribeWorkersOfADataLoader:
    @pytest.mark.parametrize(("when", "code"), [("before", "15"), ("after", "2")])
    def it_has_files_that_were_looked_up_before_it_was_forked(
        self, store: Store, when: str, code: str
    ) -> None:
        child = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FORKED, str(store.warehouse), when],
            capture_output=True, text=True, cwd=ROOT, check=True, timeout=120,
        )  # fmt: skip
        assert child.stdout.strip() == code

    def it_needs_nothing_but_pyarrow_to_read_them(self, store: Store, tmp_path: Path) -> None:
        files = open_release(store.warehouse, ds=MONDAY).table_files("things")
        (tmp_path / "files").write_bytes(pickle.dumps(files))
        code = (
            "import pickle, sys\n"
            f"files = pickle.loads(open({str(tmp_path / 'files')!r}, 'rb').read())\n"
            "print(files.dataset().count_rows(), len(files.paths))\n"
            "print({'deltalake', 'pyspark', 'numba', 'polars', 'pydantic'} & set(sys.modules))\n"
        )
        child = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, cwd=ROOT, check=True, timeout=120,
        )  # fmt: skip
        assert child.stdout.split("\n")[:2] == [f"5 {len(files.paths)}", "set()"]
