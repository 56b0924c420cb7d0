"""What may be staged, and when a staging folder goes away."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.errors import ConfigError, GateError
from winnow.release.opening import open_release
from winnow.release.paths import staged_table_path, table_path
from winnow.release.staging import drop_staging

from tests.release.things import MONDAY, THINGS, TUESDAY, Run, store_of, thing, things


class DescribeStage:
    def it_gives_back_the_rows_and_their_hash(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path)
        frame = things(spark, thing(1), thing(2, name=None))
        staged = store.stage(frame, THINGS, "run1")
        folder = tmp_path / "_staging" / "run1" / "things" / f"ds={MONDAY}"
        assert {file.parent for file in staged.files} == {folder}
        assert (staged.content.rows, staged.first_day, staged.last_day) == (2, MONDAY, MONDAY)
        assert sorted(store.read_staged(staged).collect()) == sorted(frame.collect())
        assert not (tmp_path / "things").exists()

    def it_replaces_what_the_run_staged_before(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path)
        store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        assert store.stage(things(spark, thing(3)), THINGS, "run1").content.rows == 1

    @pytest.mark.spark_only
    def it_replaces_other_dates_too_whatever_the_session_is_set_to(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        store, name = store_of(spark, tmp_path), "spark.sql.sources.partitionOverwriteMode"
        spark.conf.set(name, "dynamic")
        try:
            store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
            staged = store.stage(things(spark, thing(3, day=TUESDAY)), THINGS, "run1")
        finally:
            spark.conf.unset(name)
        assert (staged.content.rows, staged.first_day, staged.last_day) == (1, TUESDAY, TUESDAY)

    def it_writes_the_files_that_are_published(self, spark: SparkSession, tmp_path: Path) -> None:
        """In the order of the shuffle key, in a folder of their date, and without ``ds``."""
        rows = [thing(i) for i in range(200)]
        staged = store_of(spark, tmp_path).stage(things(spark, *rows), THINGS, "run1")
        files = sorted(staged.files)
        assert {file.parent.name for file in files} == {f"ds={MONDAY}"}
        tables = [pq.ParquetFile(file).read() for file in files]
        assert sum(table.num_rows for table in tables) == 200
        for table in tables:
            assert table.column_names == [name for name in THINGS.names if name != "ds"]
            keys = table["shuffle_key"].to_pylist()
            assert keys == sorted(keys)

    @pytest.mark.one_engine
    def it_names_every_column_that_does_not_fit(self, spark: SparkSession, tmp_path: Path) -> None:
        frame = things(spark, thing(1)).drop("nick").withColumn("id", F.col("id").cast("int"))
        with pytest.raises(GateError) as caught:
            store_of(spark, tmp_path).stage(frame.withColumn("more", F.lit(1)), THINGS, "run1")
        assert str(caught.value).splitlines() == [
            "things: the column id has another type, found int, expected bigint.",
            "things: the column nick is missing.",
            "things: the column more is not in the contract.",
        ]
        assert not (tmp_path / "_staging").exists()

    @pytest.mark.one_engine
    def it_refuses_the_right_columns_in_another_order(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        frame = things(spark, thing(1))
        with pytest.raises(GateError, match="the columns stand in another order"):
            store_of(spark, tmp_path).stage(frame.select(*frame.columns[::-1]), THINGS, "run1")

    def it_refuses_a_null_where_none_may_be(self, spark: SparkSession, tmp_path: Path) -> None:
        frame = things(spark, thing(1), thing(2)).withColumn(
            "id", F.when(F.col("id") == 1, F.col("id"))
        )
        with pytest.raises(GateError) as caught:
            store_of(spark, tmp_path).stage(frame, THINGS, "run1")
        assert str(caught.value) == "things.id: the contract says NOT NULL, found NULL in 1 rows."


class DescribePaths:
    @pytest.mark.fault(23)
    @pytest.mark.parametrize(
        "name", ["x/../../outside", "..", "", "a b", "a\n", "/etc", "a-b", "1a", "ä", "a\x00"]
    )
    def it_refuses_names_that_are_not_identifiers(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ConfigError, match="this table is not a plain name"):
            table_path(tmp_path, name)

    @pytest.mark.fault(23)
    @pytest.mark.parametrize("run_id", ["..", "a/b", "", "-rf", "a\n"])
    def it_refuses_run_ids_that_are_paths(self, tmp_path: Path, run_id: str) -> None:
        with pytest.raises(ConfigError, match="this run id is not a plain name"):
            staged_table_path(tmp_path, run_id, "things")

    @pytest.mark.fault(23)
    def it_refuses_a_table_that_is_a_link_out_of_the_warehouse(self, tmp_path: Path) -> None:
        (tmp_path / "warehouse").mkdir()
        (tmp_path / "warehouse" / "things").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(ConfigError, match="things leads out of the warehouse"):
            table_path(tmp_path / "warehouse", "things")

    @pytest.mark.parametrize("name", ["a%20b", "a%2Fb", "%41"])
    def it_refuses_a_warehouse_whose_name_is_taken_for_another_one(
        self, tmp_path: Path, name: str
    ) -> None:
        """Readers name it in no config; delta-rs would look into another folder."""
        (tmp_path / name).mkdir()
        with pytest.raises(ConfigError, match="without % and two hex digits"):
            open_release(tmp_path / name)


class DescribeDropStaging:
    def it_has_nothing_to_do_in_a_new_warehouse(self, tmp_path: Path) -> None:
        drop_staging(tmp_path, "never_was")


@pytest.mark.one_engine
class DescribePublishOfStagedRows:
    def it_refuses_files_that_hold_other_columns(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path)
        run = Run(store, MONDAY)
        staged = {"things": store.stage(things(spark, thing(1)), THINGS, "run1")}
        (file,) = staged["things"].files
        rows = pq.ParquetFile(file).read()
        pq.write_table(rows, file, use_deprecated_int96_timestamps=True)
        with pytest.raises(GateError) as caught:
            run.publish(staged)
        assert str(caught.value) == (
            f"things: {file} has other columns than the table, found seen_ts timestamp[ns], "
            "expected seen_ts timestamp[us, tz=UTC]."
        )
        assert list((tmp_path / "things").glob("ds=*")) == []

    def it_refuses_rows_of_another_date_before_any_commit(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        store = store_of(spark, tmp_path)
        run = Run(store, MONDAY)
        staged = {"things": store.stage(things(spark, thing(1, day=TUESDAY)), THINGS, "run1")}
        with pytest.raises(GateError) as caught:
            run.publish(staged)
        assert str(caught.value) == (
            "things: the staged rows are of another date, found 2026-01-06 to 2026-01-06, "
            "expected 2026-01-05."
        )
        assert not (tmp_path / "things").exists()
