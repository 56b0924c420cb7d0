"""Publishing: crashes, conflicts, repeats. No release ever mixes two runs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.release.commits import Label
from winnow.release.delta_log import Commit, read_history
from winnow.release.opening import open_release
from winnow.release.release import ContentHash
from winnow.release.releases import list_releases, read_releases
from winnow.release.store import Store
from winnow.release.verify import verify_release

from tests.near_equal import near_equal
from tests.release.damage import DAMAGE
from tests.release.released import contents, marks, rows_of
from tests.release.things import MONDAY, STATS, THINGS, TUESDAY, Run, stats, things

STEPS = ["promoted:things", "promoted:stats", "released", "read_back", "staging_dropped"]


class Killed(BaseException):
    """Not an Exception: nothing in between may catch it, as with a real end of the process."""


def kill_at(step: str) -> Callable[[str], None]:
    def steps(name: str) -> None:
        if name == step:
            raise Killed

    return steps


def history(store: Store, table: str) -> list[Commit]:
    return read_history(store.warehouse / table)


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
        commits = {commit.version: commit for commit in history(store, "things")}
        assert commits[pin.version].label == Label(one.run_id, 1, "c1", "0.1.0")

    def it_gives_release_ids_that_sort_by_time(self, store: Store) -> None:
        releases = list_releases(store.warehouse)
        assert [r.seq for r in releases] == [1, 2]
        assert sorted(r.release_id for r in releases) == [r.release_id for r in releases]

    @pytest.mark.fault(8)
    def it_does_nothing_where_the_same_is_already_released(
        self, spark: SparkSession, store: Store
    ) -> None:
        before = list_releases(store.warehouse)
        versions = [history(store, table)[0].version for table in ("things", "stats", "releases")]
        published = Run(store, MONDAY, mark="a").go(spark)
        assert published.already
        assert published.release == before[0]
        assert list_releases(store.warehouse) == before
        assert versions == [history(store, t)[0].version for t in ("things", "stats", "releases")]
        assert list((store.warehouse / "_staging").iterdir()) == []

    @pytest.mark.parametrize(
        "damage",
        ["page flipped", *near_equal(*(kind for kind in DAMAGE if kind != "page flipped"))],
    )
    def it_releases_again_where_a_file_of_the_equal_release_is_gone_or_damaged(
        self, spark: SparkSession, store: Store, damage: str
    ) -> None:
        before = read_releases(store.warehouse).newest(MONDAY)
        assert before is not None
        file = Path(open_release(store.warehouse, before.release_id).files("things")[0])
        DAMAGE[damage](file)
        (found,) = verify_release(before, store)
        assert found.table == "things"
        assert found.kind in ("missing_file", "wrong_size", "unreadable", "wrong_content")
        published = Run(store, MONDAY, mark="a").go(spark)
        assert not published.already
        assert contents(published.release) == contents(before)
        assert verify_release(published.release, store) == ()
        assert marks(store, MONDAY) == {"a"}

    def it_releases_again_where_only_the_config_differs(
        self, spark: SparkSession, store: Store
    ) -> None:
        published = Run(store, MONDAY, mark="a", config="c2").go(spark)
        assert not published.already
        assert contents(published.release) == contents(list_releases(store.warehouse)[0])

    @pytest.mark.fault(14)
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

    @pytest.mark.fault(2)
    @pytest.mark.parametrize("step", [*near_equal(*STEPS[:2]), "released", *near_equal(*STEPS[3:])])
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
