"""Several tables that are made of the same rows, staged in one pass."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.errors import GateError
from winnow.release.sorted_files import SortedFiles
from winnow.release.task_writer import Maker, TableWriter, folder_of_tasks, take_over
from winnow.spark.limits import DEFAULT_LIMITS, Limits

from tests.release.things import MONDAY, STATS, THINGS, Run, store_of, thing, things


def things_and_stats() -> Maker:
    """The rows as they are, and two rows of stats for each that has a score."""

    # By value to the tasks: they need not be able to import this file.
    def make(rows: pa.Table) -> Iterable[tuple[str, pa.Table]]:
        scored = rows.filter(pc.is_valid(rows["score"]))
        twice = pa.concat_tables([scored, scored])
        stats = {"ds": twice["ds"], "item_id": twice["id"], "q": twice["score"]}
        return [("things", rows), ("stats", pa.table(stats))]

    return make


class DescribeStageTogether:
    def it_stages_each_table_as_if_it_were_staged_alone(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        store = store_of(spark, tmp_path)
        frame = things(spark, *(thing(i, score=None if i % 3 else 0.25) for i in range(20)))
        together = store.stage_together(
            frame.repartition(3), things_and_stats(), [THINGS, STATS], "together"
        )
        alone = store.stage(frame, THINGS, "alone")
        assert list(together) == ["things", "stats"]
        assert together["things"].content == alone.content
        folder = tmp_path / "_staging" / "together" / "things" / f"ds={MONDAY}"
        assert {file.parent for file in together["things"].files} == {folder}
        assert (together["things"].first_day, together["things"].last_day) == (MONDAY, MONDAY)
        rows = store.read_staged(together["stats"]).collect()
        wanted = [(MONDAY, i, 0.25) for i in range(0, 20, 3) for _ in range(2)]
        assert sorted(tuple(row) for row in rows) == wanted

    def it_can_be_published(self, spark: SparkSession, tmp_path: Path) -> None:
        run = Run(store_of(spark, tmp_path))
        frame = things(spark, *(thing(i) for i in range(9)))
        run_id = run.record.run_id
        staged = run.store.stage_together(frame, things_and_stats(), [THINGS, STATS], run_id)
        release = run.publish(staged).release
        assert {pin.table: pin.content.rows for pin in release.tables} == {"things": 9, "stats": 18}

    @pytest.mark.one_engine
    def it_replaces_what_the_run_staged_before(self, spark: SparkSession, tmp_path: Path) -> None:
        store, contracts = store_of(spark, tmp_path), [THINGS, STATS]
        for rows in (things(spark, thing(1), thing(2)), things(spark, thing(3))):
            staged = store.stage_together(rows, things_and_stats(), contracts, "run1")
        assert (staged["things"].content.rows, staged["stats"].content.rows) == (1, 2)

    def it_stages_no_rows(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path)
        staged = store.stage_together(things(spark), things_and_stats(), [THINGS, STATS], "run1")
        assert [table.content.rows for table in staged.values()] == [0, 0]
        for read in (store.read_staged, store.read_as_written):
            assert read(staged["things"]).columns == list(THINGS.names)
            assert read(staged["things"]).count() == 0

    @pytest.mark.one_engine
    def it_names_what_does_not_fit_before_a_row_is_made(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        frame = things(spark, thing(1)).withColumn("score", F.lit("half"))
        with pytest.raises(GateError) as caught:
            store_of(spark, tmp_path).stage_together(
                frame, things_and_stats(), [STATS, THINGS], "run1"
            )
        assert str(caught.value).splitlines() == [
            "things: the column score has another type, found string, expected double.",
            "stats: the column q has another type, found string, expected double.",
        ]
        assert not (tmp_path / "_staging").exists()

    def it_refuses_a_null_where_none_may_be(self, spark: SparkSession, tmp_path: Path) -> None:
        frame = things(spark, thing(1), thing(2)).withColumn(
            "id", F.when(F.col("id") == 1, F.col("id"))
        )
        with pytest.raises(GateError, match=r"things\.id: the contract says NOT NULL"):
            store_of(spark, tmp_path).stage_together(
                frame, things_and_stats(), [THINGS, STATS], "run1"
            )


class DescribeTakeOver:
    @pytest.mark.parametrize("names", [["a.parquet", "ds=2026-01-05/b.parquet"], []])
    def it_moves_what_is_named_and_removes_what_an_attempt_left(
        self, tmp_path: Path, names: list[str]
    ) -> None:
        staged = tmp_path / "run1" / "things"
        written = folder_of_tasks(staged)
        (written / "ds=2026-01-05").mkdir()
        for name in ("a.parquet", "ds=2026-01-05/b.parquet", "stray.parquet", "ds=2026-01-05/c"):
            (written / name).write_text(name)
        take_over(written, names, staged)
        found = [path for path in staged.rglob("*") if path.is_file()]
        assert sorted(path.relative_to(staged).as_posix() for path in found) == names
        assert [path.read_text() for path in found] == [
            path.relative_to(staged).as_posix() for path in found
        ]
        assert not written.exists()

    def it_begins_with_empty_folders(self, tmp_path: Path) -> None:
        staged = tmp_path / "run1" / "things"
        for folder in (folder_of_tasks(staged), staged):
            (folder / "old.parquet").write_text("of an earlier try")
        assert not [*folder_of_tasks(staged).iterdir(), *staged.iterdir()]


SCHEMA = pa.schema({"id": pa.int64(), "shuffle_key": pa.int64()})


def batches(n: int, rows: int) -> list[pa.RecordBatch]:
    """So many batches with so many rows each, whose keys count down over all of them."""
    keys = list(range(n * rows, 0, -1))
    table = pa.table({"id": keys, "shuffle_key": keys}, SCHEMA)
    return list(table.to_batches(max_chunksize=rows))


def together(folder: Path, limits: Limits = DEFAULT_LIMITS) -> TableWriter:
    """One table with all rows, in order, and one with five of each."""

    def make(rows: pa.Table) -> Iterable[tuple[str, pa.Table]]:
        rows = rows.sort_by("shuffle_key")
        yield "few", rows
        yield "many", pa.concat_tables([rows] * 5).sort_by("shuffle_key")

    files = {}
    for table in ("few", "many"):
        (folder / table).mkdir()
        files[table] = SortedFiles(str(folder / table), SCHEMA, None, "shuffle_key", limits)
    return TableWriter(make, files, limits)


def keys_of(folder: Path, written: Iterable[pa.RecordBatch], table: str) -> list[list[int]]:
    """The keys in each file of a table, in the order in which the files are named."""
    named = [row for batch in written for row in batch.to_pylist()]
    files = [folder / table / row["name"] for row in named if row["table"] == table]
    assert set(files) == set((folder / table).iterdir())
    return [pq.ParquetFile(file).read()["shuffle_key"].to_pylist() for file in files]


class DescribeTableWriter:
    @pytest.mark.parametrize("rows_in", [batches(3, 8), batches(6, 4), batches(1, 24)])
    def it_writes_what_is_made_at_a_time_into_as_few_files_as_may_be(
        self, tmp_path: Path, rows_in: list[pa.RecordBatch]
    ) -> None:
        few = Limits(bytes_at_a_time=128, rows_per_file=40)
        # Eight rows are 128 bytes, so they are what is made at a time; 24 rows in all.
        written = list(together(tmp_path, few).write(rows_in))
        # Five of each of the first eight fill a file, with which no other rows are sorted.
        thrice = [range(17, 25), range(9, 17), range(1, 9)]
        five = [[key for key in keys for _ in range(5)] for keys in thrice]
        assert keys_of(tmp_path, written, "many") == five
        assert keys_of(tmp_path, written, "few") == [list(range(1, 25))]

    def it_writes_more_at_once_than_a_file_should_hold(self, tmp_path: Path) -> None:
        written = list(together(tmp_path, Limits(rows_per_file=3)).write(batches(1, 8)))
        assert keys_of(tmp_path, written, "few") == [list(range(1, 9))]

    def it_names_no_file_where_there_are_no_rows(self, tmp_path: Path) -> None:
        (names,) = together(tmp_path).write([])
        assert names.num_rows == 0
        assert names.schema.names == ["table", "name"]
