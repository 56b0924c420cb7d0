"""``winnow vacuum``: what a release pins stays, whatever the clock; what nobody needs goes."""

import json
import os
import shutil
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.operations.doctor.repair import repair_releases
from winnow.operations.retention.expire import ExpireRule, expire, find_expiring
from winnow.operations.retention.vacuum import (
    SAFE_AGE,
    UnpinnedFiles,
    delete_unpinned,
    find_unpinned,
)
from winnow.release.creation import ensure_table
from winnow.release.linked_files import DayCommit
from winnow.release.opening import open_release
from winnow.release.paths import staging_path
from winnow.release.promotion import Published
from winnow.release.release import Release
from winnow.release.releases import read_releases
from winnow.release.run_process import at_work
from winnow.release.store import Store
from winnow.release.verify import verify_release
from winnow.storage.object_path import local_path

from tests.release.conftest import store, two_dates
from tests.release.released import LABEL, marks
from tests.release.things import MONDAY, THINGS, TUESDAY, Run

__all__ = ["store", "two_dates"]

LATER = datetime.now(UTC) + timedelta(days=30)
KNOWN = {"things": "training_samples", "stats": "item_stats"}
pytestmark = pytest.mark.one_engine


def parquet(store: Store) -> set[Path]:
    tables = (store.folder / table for table in ("things", "stats"))
    return {path for table in tables for path in table.glob("ds=*/*.parquet")}


def vacuumed(
    store: Store, older_than: timedelta = SAFE_AGE, now: datetime = LATER
) -> UnpinnedFiles:
    found = find_unpinned(store.folder, older_than, now)
    return delete_unpinned(store.folder, found, "test")


def gone(found: UnpinnedFiles) -> set[Path]:
    return {local_path(file.path) for files in found.tables.values() for file in files}


def files_of(store: Store, release: Release) -> set[Path]:
    reader = open_release(store.folder, release.release_id)
    return {Path(file) for table in reader.tables for file in reader.files(table)}


def let_expire(store: Store, rule: ExpireRule, now: datetime | None = None) -> None:
    expire(store.folder, find_expiring(store.folder, rule), now)


def replaced(store: Store, spark: SparkSession, mark: str = "b") -> tuple[Release, Published]:
    """Release Monday a second time; return the release before and what came of it."""
    before = read_releases(store.folder).newest(MONDAY)
    assert before is not None
    return before, Run(store, MONDAY, mark).go(spark)


def all_hold(store: Store) -> None:
    live = read_releases(store.folder).releases
    assert live
    assert [verify_release(release, store) for release in live] == [()] * len(live)


class DescribeWhatIsPinned:
    @pytest.mark.fault(18)
    @pytest.mark.parametrize("years", [-100, 0, 1, 100])
    def it_stays_at_any_clock_and_any_age(
        self, store: Store, spark: SparkSession, years: int
    ) -> None:
        replaced(store, spark)
        path = store.folder / "things"
        DeltaTable(str(path)).alter.set_table_properties(
            {"delta.deletedFileRetentionDuration": "interval 0 hours"}
        )
        for file in parquet(store):
            os.utime(file, (1, 1))
        before = parquet(store)
        now = datetime.now(UTC) + timedelta(days=365 * years)
        assert gone(vacuumed(store, timedelta(0), now=now)) == set()
        assert parquet(store) == before
        all_hold(store)

    def it_goes_once_its_release_has_expired_for_long(
        self, store: Store, spark: SparkSession
    ) -> None:
        old, new = replaced(store, spark)
        own, kept = files_of(store, old), parquet(store) - files_of(store, old)
        let_expire(store, ExpireRule(keep_last=1))
        assert gone(find_unpinned(store.folder)) == set(), "it has just expired"
        assert gone(find_unpinned(store.folder, now=LATER)) == own
        assert parquet(store) == own | kept, "nothing is deleted by looking"
        assert gone(vacuumed(store)) == own
        assert parquet(store) == kept
        assert files_of(store, new.release) <= kept
        assert gone(vacuumed(store)) == set()
        all_hold(store)

    def it_is_read_on_by_who_has_it_open(self, store: Store, spark: SparkSession) -> None:
        old, _ = replaced(store, spark)
        reader = open_release(store.folder, old.release_id)
        let_expire(store, ExpireRule(keep_last=1), LATER - timedelta(days=6))
        assert gone(vacuumed(store)) == set()
        names = reader.arrow("things").to_table(columns=["name"])["name"].to_pylist()
        assert set(names) == {"a"}
        all_hold(store)

    def it_stops_at_a_table_of_which_a_pin_cannot_be_opened(
        self, store: Store, spark: SparkSession, capsys: pytest.CaptureFixture[str]
    ) -> None:
        replaced(store, spark)
        let_expire(store, ExpireRule(keep_last=1), LATER - timedelta(days=60))
        tuesday = read_releases(store.folder).newest(TUESDAY)
        assert tuesday is not None
        pin = tuesday.pin("things")
        assert pin is not None
        entry = store.folder / "things" / "_delta_log" / f"{pin.version:020}.json"
        label = f'"run_id\\":\\"{tuesday.run_id}'
        assert label in entry.read_text(encoding="utf-8")
        entry.write_text(
            entry.read_text(encoding="utf-8").replace(label, '"run_id\\":\\"another'), "utf-8"
        )
        found = find_unpinned(store.folder, now=LATER)
        assert set(found.tables) == {"release_status", "stats"}
        assert {path.parent.parent.name for path in gone(found)} == {"stats"}
        (problem,) = found.problems
        assert problem.what.startswith("nobody knows which files it pins: version 2 is another")
        words = ["vacuum", "--run", "--warehouse", str(store.folder), "--json"]
        assert main(words) == 3
        assert json.loads(capsys.readouterr().out)["tables"].keys() == set(found.tables)


class DescribeAWarehouseThatIsNamedInAnotherWay:
    @pytest.mark.parametrize("way", ["link", "dots"])
    def it_keeps_what_releases_pin(self, store: Store, tmp_path: Path, way: str) -> None:
        (tmp_path / "link").symlink_to(store.folder)
        (tmp_path / "other").mkdir()
        named = tmp_path / ("link" if way == "link" else "other/../ware house")
        found = find_unpinned(named, timedelta(0), LATER)
        assert set(found.tables) == {"stats", "things"}
        assert gone(found) == set()


class DescribeReleasesThatMayComeBack:
    """Files of a release that was lost are needed, and no release that is listed pins them."""

    def it_deletes_nothing_where_the_table_of_releases_is_gone(self, store: Store) -> None:
        shutil.rmtree(store.folder / "releases")
        for table in ("things", "stats"):  # as tables of Winnow are known by their names
            (store.folder / table).rename(store.folder / KNOWN[table])
        found = find_unpinned(store.folder, now=LATER)
        assert (found.tables, [problem.what for problem in found.problems]) == (
            {}, ["there is no table releases"],
        )  # fmt: skip
        assert main(["vacuum", "--run", "--warehouse", str(store.folder)]) == 0, "all is young"

    @pytest.mark.parametrize("seq", [1, 2])
    def it_deletes_nothing_where_rows_of_one_were_deleted(self, store: Store, seq: int) -> None:
        DeltaTable(str(store.folder / "releases")).delete(f"seq = {seq}")
        found = find_unpinned(store.folder, now=LATER)
        assert found.tables == {}
        (problem,) = found.problems
        assert problem.what == "releases are not listed any more that stand in its files"
        repair_releases(store.folder)
        again = find_unpinned(store.folder, now=LATER)
        assert (gone(again), again.problems) == (set(), ())

    def it_deletes_nothing_where_an_entry_of_the_log_was_emptied(self, store: Store) -> None:
        path = store.folder / "releases"
        newest = max((path / "_delta_log").glob("*.json"))
        newest.write_text("", "utf-8")
        assert len(read_releases(store.folder).listed) == 1
        found = find_unpinned(store.folder, now=LATER)
        assert found.tables == {}
        assert [problem.where for problem in found.problems] == ["the Delta log of releases"]


class DescribeADateThatExpiredAsAWhole:
    def it_is_taken_out_of_the_newest_version_and_can_be_released_anew(
        self, store: Store, spark: SparkSession
    ) -> None:
        let_expire(store, ExpireRule(dates=frozenset({MONDAY})))
        vacuumed(store)
        for table in ("things", "stats"):
            head = DeltaTable(str(store.folder / table))
            assert [uri for uri in head.file_uris() if "2026-01-05" in uri] == []
            assert head.file_uris(), "Tuesday is there"
        assert {path.parent.name for path in parquet(store)} == {"ds=2026-01-06"}
        assert Run(store, MONDAY, "a").go(spark).already is False
        assert marks(store, MONDAY) == {"a"}
        all_hold(store)

    def it_is_released_anew_by_a_run_that_began_before_it_expired(
        self, store: Store, spark: SparkSession
    ) -> None:
        """What the run found released at its start, with this very content, is none any more."""
        run = Run(store, MONDAY, "a")
        staged = run.stage(spark)
        let_expire(store, ExpireRule(dates=frozenset({MONDAY})))
        assert run.publish(staged).already is False
        assert marks(store, MONDAY) == {"a"}

    def it_is_released_anew_also_before_its_files_are_gone(
        self, store: Store, spark: SparkSession
    ) -> None:
        let_expire(store, ExpireRule(dates=frozenset({MONDAY})))
        made = Run(store, MONDAY, "a").go(spark)
        assert (made.already, made.release.seq) == (False, 3)
        vacuumed(store)
        all_hold(store)


class DescribeRunsThatDied:
    def it_deletes_what_they_linked_and_what_they_promoted(
        self, store: Store, spark: SparkSession
    ) -> None:
        kept = parquet(store)
        staged = Run(store, MONDAY, "b").stage(spark)
        store.promote(staged["things"], MONDAY, LABEL)
        folder = store.folder / "stats" / f"ds={MONDAY}"
        store.link(staged["stats"], folder, MONDAY)
        orphans = parquet(store) - kept
        assert len(orphans) == 2
        assert gone(vacuumed(store, now=datetime.now(UTC))) == set(), "they are young"
        assert gone(vacuumed(store)) == orphans
        assert parquet(store) == kept
        all_hold(store)

    def it_leaves_a_date_alone_that_was_replaced_meanwhile(
        self, store: Store, spark: SparkSession
    ) -> None:
        staged = Run(store, MONDAY, "b").stage(spark)
        store.promote(staged["things"], MONDAY, LABEL)
        found = find_unpinned(store.folder, now=LATER)
        assert len(gone(found)) == 1
        Run(store, MONDAY, "c").go(spark)
        assert gone(delete_unpinned(store.folder, found, "test")) == set()
        assert gone(vacuumed(store)) == gone(found), "it is named by no version of now"
        all_hold(store)


class DescribeARunAtWork:
    """Its files are older than the age asked for, and no release pins them yet."""

    @pytest.mark.fault(18)
    def it_loses_nothing_at_any_step_of_publishing(self, store: Store, spark: SparkSession) -> None:
        run, steps = Run(store, MONDAY, "b"), []
        folder = staging_path(store.folder, run.record.run_id)

        def vacuum(step: str) -> None:
            found = find_unpinned(store.folder, timedelta(0), LATER)
            assert gone(delete_unpinned(store.folder, found, "test")) == set()
            steps.append(step)

        with at_work(folder):
            run.publish(run.stage(spark), vacuum)
        assert steps[:2] == ["promoted:things", "promoted:stats"]
        assert len(steps) == 5
        all_hold(store)

    def it_has_linked_files_that_no_version_names(self, store: Store, spark: SparkSession) -> None:
        run = Run(store, MONDAY, "b")
        with at_work(staging_path(store.folder, run.record.run_id)):
            staged = run.stage(spark)
            store.link(staged["things"], store.folder / "things" / f"ds={MONDAY}", MONDAY)
            assert gone(find_unpinned(store.folder, timedelta(0), LATER)) == set()
        assert len(gone(find_unpinned(store.folder, timedelta(0), LATER))) == 1


class DescribeTheLog:
    def it_keeps_the_entries_of_pinned_versions_however_old(self, store: Store) -> None:
        """As after 500 days; of a table that lets Delta clean up, the entries go."""
        for table, cleaned in (("things", False), ("stats", True)):
            path = store.folder / table
            if cleaned:
                DeltaTable(str(path)).alter.set_table_properties(
                    {"delta.enableExpiredLogCleanup": "true"}
                )
            commits(path, 12)
            old = time.time() - 500 * 86_400
            for entry in (path / "_delta_log").iterdir():
                os.utime(entry, (old, old))
            commits(path, 12)
            first = path / "_delta_log" / f"{1:020}.json"
            assert first.exists() is not cleaned
        assert marks(store, MONDAY) == {"a"}

    def it_is_kept_also_in_tables_that_were_made_before(self, store: Store) -> None:
        path = store.folder / "things"
        name = "delta.enableExpiredLogCleanup"
        DeltaTable(str(path)).alter.set_table_properties({name: "true"})
        ensure_table(path, THINGS, 400)
        assert DeltaTable(str(path)).metadata().configuration[name] == "false"


def commits(path: Path, many: int, day: date = date(2026, 1, 9)) -> None:
    for _ in range(many):
        DayCommit(path, day).replace_by([], LABEL)
