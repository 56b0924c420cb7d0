"""Real faults of the machine around a run: SIGTERM, a full disk, a vacuum from outside, zones."""

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.cli.exit_codes import run_to_exit_code
from winnow.errors import ReleaseError
from winnow.operations.retention.clean import find_old_staging, remove_staging
from winnow.release.commits import Label
from winnow.release.opening import open_release
from winnow.release.release import Release
from winnow.release.releases import ReleasesSnapshot, list_releases
from winnow.release.staged_table import StagedTable
from winnow.release.store import Store
from winnow.release.verify import verify_release

from tests.release.conftest import store, two_dates
from tests.release.released import contents, marks, rows_of
from tests.release.things import MONDAY, THINGS, TUESDAY, Run, store_of, thing, things

__all__ = ["store", "two_dates"]

# What is asked here is the same Python code for every engine.
pytestmark = pytest.mark.one_engine


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "winnow-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


class DescribeSigterm:
    @pytest.mark.fault(25)
    @pytest.mark.parametrize("step", ["promoted:things", "promoted:stats"])
    def it_ends_with_143_and_without_a_release_and_the_next_run_is_right(
        self, spark: SparkSession, store: Store, step: str
    ) -> None:
        before = list_releases(store.folder)
        run = Run(store, MONDAY, mark="new")
        staged = run.stage(spark)

        def terminate(name: str) -> None:
            if name == step:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(30)

        def command() -> None:
            run.publish(staged, terminate)

        assert run_to_exit_code(command, []) == 143
        assert list_releases(store.folder) == before
        assert marks(store, MONDAY) == {"a"}
        # What was staged is there and audited: another try may publish it as it is.
        released = run.publish(staged).release
        assert contents(released) == {name: table.content for name, table in staged.items()}
        assert verify_release(released, store) == ()


class DescribeAFullDisk:
    @pytest.mark.fault(17)
    def it_leaves_releases_readable_and_cleaning_lets_the_next_run_succeed(
        self, spark: SparkSession, store: Store, small_disk: Path
    ) -> None:
        warehouse = small_disk / "warehouse"
        shutil.copytree(store.folder, warehouse)
        small = store_of(spark, warehouse)
        before = list_releases(warehouse)
        dead = warehouse / "_staging" / "dead"
        dead.mkdir(parents=True)
        with pytest.raises(OSError) as full, (dead / "rest.parquet").open("wb") as rest:
            while True:
                rest.write(b"x" * 4096)
        assert full.value.errno == errno.ENOSPC
        # As of a run of another machine, of long ago.
        for path in (dead / "rest.parquet", dead):
            os.utime(path, (1, 1))
        with pytest.raises(Exception, match=r"No space left|disk is full|os error 28"):
            Run(small, MONDAY, mark="new").go(spark)
        assert list_releases(warehouse) == before
        assert (marks(small, MONDAY), marks(small, TUESDAY)) == ({"a"}, {"b"})
        assert find_old_staging(warehouse).freed > 500_000
        remove_staging(find_old_staging(warehouse))
        made = Run(small, MONDAY, mark="new").go(spark).release
        assert marks(small, MONDAY) == {"new"}
        assert [verify_release(one, small) for one in (*before, made)] == [()] * 3


class DescribeAVacuumFromOutside:
    @pytest.mark.fault(18)
    def it_deletes_nothing_within_the_retention_and_a_reader_is_told_what_it_forced(
        self, spark: SparkSession, store: Store
    ) -> None:
        """By delta-rs' own vacuum, which knows of no release."""
        (old, _) = list_releases(store.folder)
        Run(store, MONDAY, mark="new").go(spark)
        table = DeltaTable(str(store.folder / "things"))
        assert table.vacuum(dry_run=False) == []
        assert verify_release(old, store) == ()
        gone = table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        assert len(gone) == 1
        with pytest.raises(ReleaseError, match="is gone: deleted or expired"):
            open_release(store.folder, old.release_id).arrow("things")
        assert {fault.kind for fault in verify_release(old, store)} == {"missing_file"}
        assert marks(store, MONDAY) == {"new"}


class DescribeALostAppend:
    @pytest.mark.fault(20)
    def it_is_found_by_reading_the_release_back(self, spark: SparkSession, store: Store) -> None:
        class Lost(type(store)):  # type: ignore[misc]
            def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
                pass

        before = list_releases(store.folder)
        with pytest.raises(ReleaseError, match=r"cannot be read back .* no such release"):
            Run(Lost(spark, store.folder), MONDAY, mark="new").go(spark)
        assert list_releases(store.folder) == before
        assert marks(store, MONDAY) == {"a"}


class DescribeADateThatIsReleasedAnew:
    @pytest.mark.fault(9)
    def it_leaves_the_rows_of_its_older_release_as_they_were(
        self, spark: SparkSession, store: Store
    ) -> None:
        old = list_releases(store.folder)
        rows = [rows_of(store, one) for one in old]
        made = Run(store, MONDAY, mark="late").go(spark, rows=7)
        assert not made.already
        assert list_releases(store.folder) == (*old, made.release)
        assert [rows_of(store, one) for one in old] == rows
        assert len(rows_of(store, made.release)["things"]) == 7


class DescribeAnotherTimeZone:
    @pytest.mark.fault(24)
    @pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
    def it_stages_and_publishes_the_same_content(
        self, spark: SparkSession, store: Store, zone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = _staged(spark, store, "here")
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            there = _staged(spark, store, "there")
            assert time.strftime("%z", time.localtime(0)) != "+0000"
            version = store.promote(there, MONDAY, Label("there", 1, "c", "0"))
            found = store.content_of_version(here, version, MONDAY)
        finally:
            monkeypatch.undo()
            time.tzset()
        assert there.content == here.content == found
        assert (there.first_day, there.last_day) == (MONDAY, MONDAY)


def _staged(spark: SparkSession, store: Store, run: str) -> StagedTable:
    return store.stage(things(spark, *(thing(n) for n in range(5))), THINGS, run)
