"""Two runs at once: one of a date loses, those of two dates both succeed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.errors import ConflictError
from winnow.release.commits import Label, conflict
from winnow.release.release import Documents, Release
from winnow.release.releases import ReleasesSnapshot, list_releases, read_releases
from winnow.release.store import Store
from winnow.release.verify import verify_release

from tests.near_equal import near_equal
from tests.release.released import LABEL, contents, marks
from tests.release.slow_store import slow_store, wait_for
from tests.release.things import MONDAY, THINGS, TUESDAY, Run, thing, things


class DescribeTwoRunsAtOnce:
    @pytest.mark.fault(6)
    @pytest.mark.parametrize("step", ["promoted:stats", *near_equal("promoted:things")])
    def it_lets_one_of_two_runs_of_a_date_lose(
        self, spark: SparkSession, store: Store, step: str
    ) -> None:
        slow, fast = Run(store, MONDAY, mark="slow"), Run(store, MONDAY, mark="fast")
        staged, winner = slow.stage(spark), fast.stage(spark)

        def steps(name: str) -> None:
            if name == step:
                fast.publish(winner)

        with pytest.raises(ConflictError) as caught:
            slow.publish(staged, steps)
        newest = read_releases(store.warehouse).newest(MONDAY)
        assert newest is not None
        assert newest.run_id == fast.record.run_id
        assert str(caught.value) == (
            "releases: another run released 2026-01-05 since this one began, found "
            f"{newest.release_id}. "
            "Run again if its rows should be replaced; nothing was released here."
        )
        assert caught.value.exit_code == 4
        assert contents(newest) == {name: table.content for name, table in winner.items()}
        assert verify_release(newest, store) == ()
        assert len(list_releases(store.warehouse)) == 3

    @pytest.mark.one_engine
    def it_loses_to_a_newer_release_though_its_own_content_was_released_before(
        self, spark: SparkSession, store: Store
    ) -> None:
        slow, fast = Run(store, MONDAY, mark="a"), Run(store, MONDAY, mark="fast")
        staged = slow.stage(spark)
        fast.go(spark)
        with pytest.raises(ConflictError):
            slow.publish(staged)
        assert marks(store, MONDAY) == {"fast"}

    @pytest.mark.fault(7)
    def it_lets_runs_of_two_dates_both_succeed(self, spark: SparkSession, store: Store) -> None:
        slow, fast = Run(store, MONDAY, mark="slow"), Run(store, TUESDAY, mark="fast")
        staged, other = slow.stage(spark), fast.stage(spark)

        def steps(name: str) -> None:
            if name == "promoted:things":
                fast.publish(other)

        slow.publish(staged, steps)
        assert (marks(store, MONDAY), marks(store, TUESDAY)) == ({"slow"}, {"fast"})
        releases = list_releases(store.warehouse)
        assert [(r.seq, r.ds) for r in releases[2:]] == [(3, TUESDAY), (4, MONDAY)]
        for one in releases:
            assert verify_release(one, store) == ()

    def it_waits_out_a_release_of_another_date_that_comes_between_look_and_append(
        self, spark: SparkSession, store: Store
    ) -> None:
        other = Run(store, TUESDAY, mark="fast")
        staged = other.stage(spark)

        class Interrupted(type(store)):  # type: ignore[misc]
            appends = 0

            def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
                self.appends += 1
                if self.appends == 1:
                    other.publish(staged)
                super().append_release(release, snapshot)

        interrupted = Interrupted(spark, store.warehouse)
        run = Run(interrupted, MONDAY, mark="slow")
        assert run.go(spark).release.seq == 4
        assert interrupted.appends == 2
        assert [r.seq for r in list_releases(store.warehouse)] == [1, 2, 3, 4]

    def it_takes_its_own_release_for_no_other_runs_where_the_answer_to_the_commit_was_lost(
        self, spark: SparkSession, store: Store
    ) -> None:
        """As on a network file system: the release is there, and the answer is an error."""

        class Unanswered(type(store)):  # type: ignore[misc]
            def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
                super().append_release(release, snapshot)
                raise conflict("releases", release.ds)

        published = Run(Unanswered(spark, store.warehouse), MONDAY, mark="new").go(spark)
        assert not published.already
        assert [r.seq for r in list_releases(store.warehouse)] == [1, 2, 3]
        assert marks(store, MONDAY) == {"new"}

    def it_lets_exactly_one_of_several_appends_from_one_snapshot_succeed(
        self, store: Store
    ) -> None:
        snapshot = store.releases_snapshot()
        start = Barrier(3)
        pins = snapshot.releases[0].tables

        def append(number: int) -> str:
            run = Run(store, date(2026, 2, 1 + number))
            start.wait()
            wanted = Release(
                f"r{number}", 3, run.record.day, run.record.run_id, datetime.now(UTC), "c", "v",
                pins, lambda: Documents("{}", "{}", "{}"),
            )  # fmt: skip
            try:
                store.append_release(wanted, snapshot)
            except ConflictError:
                return "conflict"
            return "appended"

        with ThreadPoolExecutor(3) as pool:
            outcomes = sorted(pool.map(append, range(3)))
        assert outcomes == ["appended", "conflict", "conflict"]
        releases = store.releases_snapshot().releases
        assert [r.seq for r in releases] == [1, 2, 3]
        assert releases[2].tables == pins

    @pytest.mark.one_engine
    def it_turns_a_race_for_one_date_of_a_table_into_a_conflict(
        self, spark: SparkSession, store: Store, tmp_path: Path
    ) -> None:
        begun, go_on = tmp_path / "begun", tmp_path / "go_on"
        slow = slow_store(spark, store, begun, go_on)
        staged = {
            name: store.stage(things(spark, thing(1, name=name)), THINGS, name)
            for name in ("slow", "fast")
        }
        with ThreadPoolExecutor(1) as pool:
            losing = pool.submit(slow.promote, staged["slow"], MONDAY, LABEL)
            try:
                wait_for(begun)
                store.promote(staged["fast"], MONDAY, LABEL)
            finally:
                go_on.touch()
            with pytest.raises(ConflictError, match="another run committed while this one was"):
                losing.result(timeout=60)
        head = DeltaTable(str(store.warehouse / "things")).version()
        rows = store.read_version("things", head, MONDAY).collect()
        assert [row["name"] for row in rows] == ["fast"]

    @pytest.mark.one_engine
    def it_commits_after_another_date_that_came_between(
        self, spark: SparkSession, store: Store, tmp_path: Path
    ) -> None:
        begun, go_on = tmp_path / "begun", tmp_path / "go_on"
        slow = slow_store(spark, store, begun, go_on)
        monday = store.stage(things(spark, thing(1, name="slow")), THINGS, "slow")
        rows = things(spark, thing(1, day=TUESDAY, name="fast"))
        tuesday = store.stage(rows, THINGS, "fast")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(slow.promote, monday, MONDAY, LABEL)
            wait_for(begun)
            store.promote(tuesday, TUESDAY, Label("other", 1, "c1", "0.1.0"))
            go_on.touch()
            version = waiting.result(timeout=60)
        for day, name in ((MONDAY, "slow"), (TUESDAY, "fast")):
            found = store.read_version("things", version, day).collect()
            assert [row["name"] for row in found] == [name]

    @pytest.mark.one_engine
    def it_leaves_no_file_of_the_run_that_lost(
        self, spark: SparkSession, store: Store, tmp_path: Path
    ) -> None:
        begun, go_on = tmp_path / "begun", tmp_path / "go_on"
        slow = slow_store(spark, store, begun, go_on)
        staged = store.stage(things(spark, thing(1)), THINGS, "slow")
        folder = store.warehouse / "things" / f"ds={MONDAY}"
        with ThreadPoolExecutor(1) as pool:
            losing = pool.submit(slow.promote, staged, MONDAY, LABEL)
            wait_for(begun)
            store.promote(staged, MONDAY, LABEL)
            before = {path.name for path in folder.iterdir()}
            go_on.touch()
            with pytest.raises(ConflictError):
                losing.result(timeout=60)
        assert len(before - {path.name for path in folder.iterdir()}) == 1
