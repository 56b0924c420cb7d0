"""The first release of a warehouse: there is no table yet, and no release before."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.contracts.spark_schema import spark_schema
from winnow.errors import GateError
from winnow.release.creation import ensure_table
from winnow.release.file_frames import read_schema
from winnow.release.promotion import release
from winnow.release.release import ContentHash, TablePin
from winnow.release.releases import ReleasesSnapshot

from tests.release.things import MONDAY, THINGS, Run, store_of


class DescribeAFirstRelease:
    def it_works_in_an_empty_warehouse(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path / "new")
        assert store.releases_snapshot() == ReleasesSnapshot(-1, ())
        run = Run(store, MONDAY)
        pins = (TablePin("things", 1, ContentHash(5, "7")),)
        made = release(store, pins, run.record, run.since)
        assert made.seq == 1
        snapshot = store.releases_snapshot()
        assert (snapshot.version, snapshot.releases) == (1, (made,))

    @pytest.mark.one_engine
    def it_needs_at_least_one_table(self, spark: SparkSession, tmp_path: Path) -> None:
        run = Run(store_of(spark, tmp_path), MONDAY)
        with pytest.raises(GateError, match="there is no table to release for 2026-01-05"):
            run.publish({})
        assert list(tmp_path.iterdir()) == []

    def it_may_be_prepared_by_several_runs_at_once(self, tmp_path: Path) -> None:
        def prepare(_: int) -> None:
            ensure_table(tmp_path / "things", THINGS, 400)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(prepare, range(8)))
        table = DeltaTable(str(tmp_path / "things"))
        assert table.version() == 0, "a second creation is a change that other writers run into"
        assert table.file_uris() == []
        assert list((tmp_path / "_staging").iterdir()) == []
        assert read_schema(tmp_path / "things", table.version()) == spark_schema(THINGS)
