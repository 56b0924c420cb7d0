"""Delta tables of other writers as logs: their rows, or a refusal that names what is not read."""

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from winnow.contracts.log import Log
from winnow.errors import InputError
from winnow.logs.delta.table_log import list_delta
from winnow.logs.files.locations import Location

from tests.contracts.delta_tables import write_table
from tests.contracts.logs_for_tests import DAY, NOON_S, config, impressions, opened, rows
from tests.near_equal import near_equal

DATED: dict[str, Any] = {"partition": {"column": "dt"}}


def items(*numbers: int) -> pa.Table:
    return rows(*((1, 2, number, NOON_S) for number in numbers))


def read(log: Log) -> list[tuple[int, date | None]]:
    found = log.frame.select("item_id", "partition_date").collect()
    assert log.rows_in_files == len(found), "what the engine read is what is counted beforehand"
    return sorted((row.item_id, row.partition_date) for row in found)


class DescribeDeletionVectors:
    @pytest.mark.parametrize("stats", [4, *near_equal(None)])
    @pytest.mark.parametrize(
        ("deleted", "left"),
        [([0, 3], [4, 5]), *near_equal(([3], [3, 4, 5])), ([0, 1, 2, 3], [])],
    )
    def it_reads_the_rows_that_are_left(
        self,
        spark: SparkSession,
        tmp_path: Path,
        deleted: Sequence[int],
        left: list[int],
        stats: int | None,
    ) -> None:
        files: dict[str, Any] = {
            "a b.parquet": (items(3, 4, 5, 6), {}),
            "c.parquet": (items(7, 8, 9, 10), {}),
        }
        write_table(tmp_path / "impressions", files, deleted={"a b.parquet": deleted}, stats=stats)
        log = opened(spark, config(impressions()), tmp_path)
        assert log.rows_in_files == (None if stats is None else len(left) + 4)
        found = sorted(row.item_id for row in log.frame.select("item_id").collect())
        assert found == [*left, 7, 8, 9, 10]

    def it_counts_those_of_the_wanted_dates_only(self, spark: SparkSession, tmp_path: Path) -> None:
        files: dict[str, Any] = {
            "a.parquet": (items(3, 4), {"dt": "2026-01-02"}),
            "b.parquet": (items(5, 6), {"dt": "2026-01-03"}),
        }
        write_table(
            tmp_path / "impressions",
            files,
            partition={"dt": "date"},
            deleted={"a.parquet": [0], "b.parquet": [0]},
            stats=2,
        )
        assert read(opened(spark, config(impressions(**DATED)), tmp_path)) == [(4, DAY)]


class DescribeColumnMapping:
    @pytest.mark.parametrize("deleted", [*near_equal(None), {"a.parquet": [1]}])
    @pytest.mark.parametrize("mapping", ["name", "id"])
    @pytest.mark.parametrize("partition", [*near_equal(None), {"dt": "date"}])
    def it_reads_columns_under_their_own_names(
        self,
        spark: SparkSession,
        tmp_path: Path,
        mapping: str,
        partition: dict[str, str] | None,
        deleted: dict[str, Sequence[int]] | None,
    ) -> None:
        values: dict[str, str | None] = {"dt": "2026-01-02"} if partition else {}
        write_table(
            tmp_path / "impressions",
            {"a.parquet": (items(3, 4), values)},
            partition=partition,
            mapping=mapping,
            deleted=deleted,
            stats=2,
        )
        log = opened(spark, config(impressions(**(DATED if partition else {}))), tmp_path)
        day = DAY if partition else None
        assert read(log) == ([(3, day)] if deleted else [(3, day), (4, day)])


class DescribePartitionValues:
    @pytest.mark.parametrize(
        ("kind", "value", "other", "pattern"),
        [
            *near_equal(
                ("string", "20260102", "20260103", None),
                ("string", "2026-01-02", "20260103", None),
                ("long", "20260102", "20260103", None),
            ),
            ("string", "02.01.2026", "03.01.2026", "%d.%m.%Y"),
            ("integer", "20260102", "20260103", None),
            ("date", "2026-01-02", "2026-01-03", None),
        ],
    )
    def it_reads_dates_however_they_are_written(
        self,
        spark: SparkSession,
        tmp_path: Path,
        kind: str,
        value: str,
        other: str,
        pattern: str | None,
    ) -> None:
        files: dict[str, Any] = {
            "a.parquet": (items(3), {"dt": value}),
            "b.parquet": (items(4), {"dt": other}),
        }
        write_table(tmp_path / "impressions", files, partition={"dt": kind})
        partition = {"column": "dt", "pattern": pattern}
        log = opened(spark, config(impressions(partition=partition)), tmp_path, required=[DAY])
        assert read(log) == [(3, DAY)]
        assert log.dates == (DAY,)

    @pytest.mark.fault(13)
    @pytest.mark.one_engine
    def it_passes_over_rows_whose_date_is_null_and_names_them(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        files: dict[str, Any] = {
            "a.parquet": (items(3), {"dt": "20260102"}),
            "b.parquet": (items(4), {"dt": None}),
        }
        write_table(tmp_path / "impressions", files, partition={"dt": "string"})
        log = opened(spark, config(impressions(**DATED)), tmp_path)
        assert read(log) == [(3, DAY)]
        size = (tmp_path / "impressions" / "b.parquet").stat().st_size
        assert log.warnings == (
            f"logs.impressions: partition dt NULL passed over: 1 file, {size:,} bytes",
        )

    @pytest.mark.one_engine
    def it_refuses_a_value_that_is_no_date(self, spark: SparkSession, tmp_path: Path) -> None:
        files: dict[str, Any] = {
            "a.parquet": (items(3), {"dt": "20260102"}),
            "b.parquet": (items(4), {"dt": "latest"}),
        }
        write_table(tmp_path / "impressions", files, partition={"dt": "string"})
        with pytest.raises(InputError, match="partitions that are no date, found 'latest'"):
            opened(spark, config(impressions(**DATED)), tmp_path)


class DescribeFilesOfOtherFolders:
    def it_reads_absolute_addresses(self, spark: SparkSession, tmp_path: Path) -> None:
        files: dict[str, Any] = {
            "a b.parquet": (items(3), {"dt": "2026-01-02", "kind": "x"}),
            "sub/b.parquet": (items(4), {"dt": "2026-01-02", "kind": None}),
            "c.parquet": (items(5), {"dt": "2026-01-03", "kind": "x"}),
        }
        write_table(
            tmp_path / "impressions",
            files,
            partition={"dt": "date", "kind": "string"},
            elsewhere=tmp_path / "else where",
        )
        log = opened(spark, config(impressions(**DATED), carry=["kind"]), tmp_path)
        assert read(log) == [(3, DAY), (4, DAY)]
        found = log.frame.select("item_id", "kind").collect()
        assert sorted(found) == [(3, "x"), (4, None)]
        assert opened(spark, config(impressions()), tmp_path).frame.count() == 3

    @pytest.mark.one_engine
    def it_refuses_them_with_deletion_vectors_or_column_mapping(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        files: dict[str, Any] = {"a.parquet": (items(3, 4), {})}
        for name, more in (("x", {"deleted": {"a.parquet": [0]}}), ("y", {"mapping": "name"})):
            write_table(tmp_path / name, files, elsewhere=tmp_path / f"of {name}", **more)
        for name, feature in (("x", "deletionVectors"), ("y", "columnMapping")):
            with pytest.raises(InputError, match=f"absolute addresses.*{feature}.*deep copy"):
                opened(spark, config(impressions(name)), tmp_path)

    @pytest.mark.one_engine
    def it_names_a_file_that_is_gone(self, spark: SparkSession, tmp_path: Path) -> None:
        files: dict[str, Any] = {"a.parquet": (items(3), {})}
        write_table(tmp_path / "impressions", files, elsewhere=tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "a.parquet").unlink()
        with pytest.raises(InputError, match=r"elsewhere/a\.parquet is named by the Delta log but"):
            opened(spark, config(impressions()), tmp_path)


class DescribeFeatures:
    @pytest.mark.one_engine
    @pytest.mark.parametrize("feature", ["typeWidening", "variantType", "someFutureFeature"])
    def it_refuses_one_that_not_every_engine_reads(
        self, spark: SparkSession, tmp_path: Path, feature: str
    ) -> None:
        files: dict[str, Any] = {"a.parquet": (items(3), {})}
        write_table(tmp_path / "impressions", files, features=[feature])
        with pytest.raises(InputError, match=f"(?i){feature}"):
            opened(spark, config(impressions()), tmp_path)

    @pytest.mark.parametrize("feature", ["v2Checkpoint", "vacuumProtocolCheck", "timestampNtz"])
    def it_reads_a_table_that_has_one_that_changes_no_row(
        self, spark: SparkSession, tmp_path: Path, feature: str
    ) -> None:
        files: dict[str, Any] = {"a.parquet": (items(3), {})}
        write_table(tmp_path / "impressions", files, features=[feature])
        assert read(opened(spark, config(impressions()), tmp_path)) == [(3, None)]


class DescribeWrongCounts:
    def it_does_not_believe_a_writers_statistics(self, spark: SparkSession, tmp_path: Path) -> None:
        files: dict[str, Any] = {"a.parquet": (items(3, 4), {})}
        write_table(tmp_path / "impressions", files, stats=7)
        assert read(opened(spark, config(impressions()), tmp_path)) == [(3, None), (4, None)]


class DescribeAPathThatLooksLikeAnAddress:
    def it_is_refused_and_the_folder_that_it_is_taken_for_is_not_read(self, tmp_path: Path) -> None:
        """delta-rs takes ``%20`` for a space."""
        for name in ("a%20b", "a b"):
            write_deltalake(tmp_path / "made", pa.table({"x": [1]}), mode="overwrite")
            shutil.copytree(tmp_path / "made", tmp_path / name)
        with pytest.raises(InputError, match=r"logs\.clicks\.path: a Delta table must have no %"):
            list_delta("clicks", Location.of(str(tmp_path / "a%20b"), tmp_path), None)
        assert len(list_delta("clicks", Location.of(str(tmp_path / "a b"), tmp_path), None)) == 1
