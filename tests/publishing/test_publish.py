"""Publishing: crashes, conflicts, repeats. No release ever mixes two runs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from jobs.engine import Engine
from pipelines.errors import ConfigError, ConflictError, GateError
from pipelines.publishing.commits import Label, day_predicate
from pipelines.publishing.content_hash import ContentHash
from pipelines.publishing.creation import ensure_table
from pipelines.publishing.delta_rs_store import DeltaRsStore
from pipelines.publishing.metadata import read_schema
from pipelines.publishing.promotion import publish, release
from pipelines.publishing.reader import open_release
from pipelines.publishing.releases import (
    Release,
    ReleasesSnapshot,
    TablePin,
    list_releases,
    read_releases,
)
from pipelines.publishing.store import StagedTable, Store
from pipelines.publishing.verify import verify_release
from tests.publishing.things import (
    MONDAY,
    STATS,
    THINGS,
    TUESDAY,
    Run,
    contract,
    stats,
    store_of,
    thing,
    things,
)

STEPS = ["promoted:things", "promoted:stats", "released", "read_back", "staging_dropped"]
LABEL = Label("run", 1, "c1", "0.1.0")


class Killed(BaseException):
    """Not an Exception: nothing in between may catch it, as with a real end of the process."""


def kill_at(step: str) -> Callable[[str], None]:
    def steps(name: str) -> None:
        if name == step:
            raise Killed

    return steps


def marks(store: Store, ds: date) -> set[str]:
    table = open_release(store.warehouse, ds=ds).arrow("things").to_table(columns=["name"])
    return set(table["name"].to_pylist())


def rows_of(store: Store, one: Release) -> dict[str, set[str]]:
    """Every row of a release as text, read without Spark."""
    reader = open_release(store.warehouse, one.release_id)
    tables = {pin.table: reader.arrow(pin.table).to_table().to_pylist() for pin in one.tables}
    return {table: {repr(row) for row in rows} for table, rows in tables.items()}


def contents(one: Release) -> Mapping[str, ContentHash]:
    return {pin.table: pin.content for pin in one.tables}


class DescribePublish:
    def it_goes_through_every_step_in_order_and_leaves_no_staging(
        self, spark: SparkSession, store: Store
    ) -> None:
        steps: list[str] = []
        run = Run(store, MONDAY, mark="new")
        published = run.publish(run.stage(spark), steps.append)
        assert steps == STEPS
        assert not published.already
        assert list((store.warehouse / "_staging").iterdir()) == []
        assert store.releases_snapshot().newest(MONDAY) == published.release
        assert published.release.seq == 3
        assert marks(store, MONDAY) == {"new"}
        assert verify_release(published.release, store) == ()

    def it_writes_what_the_run_tells_into_the_release_and_the_commits(self, store: Store) -> None:
        one = read_releases(store.warehouse).newest(MONDAY)
        assert one is not None
        assert one.release_id.endswith(one.run_id[-8:])
        assert one.created_ts.utcoffset() is not None
        assert (one.seq, one.ds, one.config_hash) == (1, MONDAY, "c1")
        assert (one.config_json, one.code_version, one.quality_json) == ('{"k":1}', "0.1.0", "{}")
        pin = one.pin("things")
        assert pin is not None and pin.content.rows == 5
        commits = {commit.version: commit for commit in store.history("things")}
        assert commits[pin.version].label == Label(one.run_id, 1, "c1", "0.1.0")

    def it_gives_release_ids_that_sort_by_time(self, store: Store) -> None:
        releases = list_releases(store.warehouse)
        assert [r.seq for r in releases] == [1, 2]
        assert sorted(r.release_id for r in releases) == [r.release_id for r in releases]

    def it_does_nothing_where_the_same_is_already_released(
        self, spark: SparkSession, store: Store
    ) -> None:
        before = list_releases(store.warehouse)
        versions = [store.history(table)[0].version for table in ("things", "stats", "releases")]
        published = Run(store, MONDAY, mark="a").go(spark)
        assert published.already
        assert published.release == before[0]
        assert list_releases(store.warehouse) == before
        assert versions == [store.history(t)[0].version for t in ("things", "stats", "releases")]
        assert list((store.warehouse / "_staging").iterdir()) == []

    def it_releases_again_where_a_file_of_the_equal_release_is_gone(
        self, spark: SparkSession, store: Store
    ) -> None:
        before = read_releases(store.warehouse).newest(MONDAY)
        assert before is not None
        Path(open_release(store.warehouse, before.release_id).files("things")[0]).unlink()
        published = Run(store, MONDAY, mark="a").go(spark)
        assert not published.already
        assert contents(published.release) == contents(before)
        assert verify_release(published.release, store) == ()

    def it_releases_again_where_only_the_config_differs(
        self, spark: SparkSession, store: Store
    ) -> None:
        published = Run(store, MONDAY, mark="a", config="c2").go(spark)
        assert not published.already
        assert contents(published.release) == contents(list_releases(store.warehouse)[0])

    def it_empties_a_date_that_has_no_rows(self, spark: SparkSession, store: Store) -> None:
        run = Run(store, MONDAY, mark="new")
        staged = {
            "things": store.stage(things(spark), THINGS, run.record.run_id),
            "stats": store.stage(stats(spark, MONDAY, 3), STATS, run.record.run_id),
        }
        published = run.publish(staged)
        assert published.release.pin("things").content == ContentHash(0, "0")  # type: ignore[union-attr]
        reader = open_release(store.warehouse, ds=MONDAY)
        assert reader.files("things") == []
        assert reader.arrow("things").to_table().num_rows == 0
        assert reader.arrow("things").schema.names == list(THINGS.names)
        assert reader.polars("things").collect().shape == (0, len(THINGS.names))
        assert reader.spark(spark, "things").collect() == []
        assert marks(store, TUESDAY) == {"b"}

    @pytest.mark.parametrize("step", STEPS)
    def it_survives_a_crash_after_each_step(
        self, spark: SparkSession, store: Store, step: str
    ) -> None:
        before = list_releases(store.warehouse)
        rows_before = [rows_of(store, one) for one in before]
        crashed = Run(store, MONDAY, mark="new")
        staged = crashed.stage(spark)
        with pytest.raises(Killed):
            crashed.publish(staged, kill_at(step))
        visible = "a" if step.startswith("promoted") else "new"
        assert marks(store, MONDAY) == {visible}
        assert marks(store, TUESDAY) == {"b"}
        assert [rows_of(store, one) for one in before] == rows_before
        again = Run(store, MONDAY, mark="new").go(spark)
        assert contents(again.release) == {name: table.content for name, table in staged.items()}
        assert list_releases(store.warehouse) == (*before, again.release)
        assert [rows_of(store, one) for one in before] == rows_before
        assert all(len(rows) > 1 for rows in rows_of(store, again.release).values())


class DescribeTwoRunsAtOnce:
    @pytest.mark.parametrize("step", ["promoted:things", "promoted:stats"])
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
            f"{newest.release_id} by the run {fast.record.run_id}. "
            "Run again if its rows should be replaced; nothing was released here."
        )
        assert caught.value.exit_code == 4
        assert contents(newest) == {name: table.content for name, table in winner.items()}
        assert verify_release(newest, store) == ()
        assert len(list_releases(store.warehouse)) == 3

    def it_loses_to_a_newer_release_though_its_own_content_was_released_before(
        self, spark: SparkSession, store: Store
    ) -> None:
        slow, fast = Run(store, MONDAY, mark="a"), Run(store, MONDAY, mark="fast")
        staged = slow.stage(spark)
        fast.go(spark)
        with pytest.raises(ConflictError):
            slow.publish(staged)
        assert marks(store, MONDAY) == {"fast"}

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
                f"r{number}", 3, run.record.day, run.record.run_id, datetime.now(UTC), "c", "{}",
                "v", "{}", "{}", pins,
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

    @pytest.mark.spark_only
    def it_appends_releases_as_commits_that_have_read_the_table(self, store: Store) -> None:
        commits = DeltaTable(str(store.warehouse / "releases")).history()
        writes = [commit for commit in commits if commit["operation"] == "WRITE"]
        # Delta lets two blind appends pass, whatever happened in between.
        assert [commit["isBlindAppend"] for commit in writes] == [False, False]

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

    @pytest.mark.sail_only  # delta-spark does this by itself
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

    @pytest.mark.sail_only
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


def wait_for(path: Path) -> None:
    import time

    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.05)


def slow_store(spark: SparkSession, store: Store, begun: Path, go_on: Path) -> Store:
    """A store whose promotion has begun its commit and waits in the middle of it."""
    if isinstance(store, DeltaRsStore):

        class SlowToLink(DeltaRsStore):
            def link(self, staged: StagedTable, folder: Path, day: date) -> list[Path]:
                files = super().link(staged, folder, day)
                begun.touch()
                wait_for(go_on)
                return files

        return SlowToLink(spark, store.warehouse)
    from pipelines.publishing.spark_store import SparkStore

    told, awaited = str(begun), str(go_on)

    class SlowToWrite(SparkStore):
        def read_staged(self, staged: StagedTable) -> DataFrame:
            frame = super().read_staged(staged)

            def wait(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
                import time
                from pathlib import Path

                Path(told).touch()
                while not Path(awaited).exists():
                    time.sleep(0.05)
                yield from batches

            # One task: the other core is for the run that overtakes.
            return frame.coalesce(1).mapInArrow(wait, frame.schema)

    return SlowToWrite(spark, store.warehouse)


class DescribeThePublishedTables:
    def it_can_be_read_by_every_reader(self, store: Store) -> None:
        for table in ("things", "stats", "releases"):
            found = store.protocol(table)
            assert found is not None
            assert found.reader == 1
            assert found.writer <= 3

    def it_keeps_files_and_log_for_as_long_as_the_retention_says(self, store: Store) -> None:
        for table in ("things", "stats", "releases"):
            properties = DeltaTable(str(store.warehouse / table)).metadata().configuration
            assert properties == {
                "delta.deletedFileRetentionDuration": "interval 400 days",
                "delta.logRetentionDuration": "interval 400 days",
                "delta.enableDeletionVectors": "false",
            }

    def it_takes_over_a_changed_retention(self, spark: SparkSession, store: Store) -> None:
        Engine.of(spark).store(store.warehouse, retention_days=30).ensure_table(THINGS)
        properties = DeltaTable(str(store.warehouse / "things")).metadata().configuration
        assert properties["delta.logRetentionDuration"] == "interval 30 days"

    def it_has_the_columns_of_the_contract_and_their_not_null(self, store: Store) -> None:
        fields = DeltaTable(str(store.warehouse / "things")).schema().fields
        assert [(f.name, f.nullable) for f in fields] == [
            (c.name, c.nullable) for c in THINGS.columns
        ]

    def it_names_the_columns_where_another_config_made_the_table(self, store: Store) -> None:
        other = contract(
            "stats", ("item_id", "string", False), ("carried", "int", True), key="item_id"
        )
        with pytest.raises(ConfigError) as caught:
            store.ensure_table(other)
        where, hint = (
            "the table stats in the warehouse",
            "Name another warehouse, or set ids and carry as they were.",
        )
        assert str(caught.value).splitlines() == [
            f"{where}: the column item_id has another type, found bigint, expected string. {hint}",
            f"{where}: the column carried is missing. {hint}",
            f"{where}: the column q is not in the contract. {hint}",
        ]

    def it_promotes_twice_without_harm(self, spark: SparkSession, store: Store) -> None:
        staged = store.stage(things(spark, thing(1), thing(2)), THINGS, "run1")
        first = store.promote(staged, MONDAY, LABEL)
        second = store.promote(staged, MONDAY, LABEL)
        assert second == first + 1
        for version in (first, second):
            assert store.read_version("things", version, MONDAY).count() == 2
        assert store.read_version("things", second, TUESDAY).count() == 5


class DescribeHostileDays:
    @pytest.mark.parametrize(
        "day",
        ["2026-01-05' OR '1'='1", "2026-01-05", datetime(2026, 1, 5, tzinfo=UTC), None, 20260105],
    )
    def it_builds_a_predicate_from_a_date_only(self, day: object) -> None:
        with pytest.raises(ConfigError, match="a partition is named by a plain date only"):
            day_predicate(day)  # type: ignore[arg-type]

    def it_names_the_date_in_the_predicate(self) -> None:
        assert day_predicate(date(2026, 1, 5)) == "ds = DATE '2026-01-05'"

    def it_refuses_to_publish_or_promote_one(self, spark: SparkSession, store: Store) -> None:
        hostile = "2026-01-05' OR '1'='1"
        run = Run(store, hostile)  # type: ignore[arg-type]
        with pytest.raises(ConfigError):
            publish(store, {}, run.record, run.since)
        staged = store.stage(things(spark, thing(1)), THINGS, "run1")
        with pytest.raises(ConfigError):
            store.promote(staged, hostile, LABEL)  # type: ignore[arg-type]
        with pytest.raises(ConfigError):
            store.read_version("things", 1, hostile)  # type: ignore[arg-type]
        assert marks(store, MONDAY) == {"a"}


class DescribeAFirstRelease:
    def it_works_in_an_empty_warehouse(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path / "new")
        assert store.releases_snapshot() == ReleasesSnapshot(-1, ())
        run = Run(store, MONDAY)
        pins = (TablePin("things", 1, ContentHash(5, "7")),)
        made = release(store, pins, run.record, run.since)
        assert made.seq == 1
        assert store.releases_snapshot() == ReleasesSnapshot(1, (made,))

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
        assert read_schema(tmp_path / "things", table.version()) == THINGS.spark_schema()
