"""``winnow forget``: a user's rows go from all releases, and no other row changes."""

import json
import shutil
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord, Erasure
from winnow.cli.main import main
from winnow.errors import ConflictError, Problem, ReleaseError, StoreError
from winnow.operations.doctor.repair import repair_releases
from winnow.operations.forgetting import erased_files
from winnow.operations.forgetting import forget as forget_module
from winnow.operations.forgetting.erased_releases import move_pins
from winnow.operations.forgetting.erased_users import ErasedUsers
from winnow.operations.forgetting.forget import Forgotten, forget
from winnow.operations.forgetting.leftovers import Leftovers, find_leftovers
from winnow.operations.forgetting.users_rows import UsersRows, find_users_rows
from winnow.operations.retention.expire import ExpireRule, expire, find_expiring
from winnow.operations.retention.vacuum import find_unpinned
from winnow.release import sorted_files
from winnow.release.metadata import files_named, open_table
from winnow.release.opening import open_release
from winnow.release.paths import staging_path
from winnow.release.promotion import Published
from winnow.release.release import StateBefore
from winnow.release.releases import ReleasesSnapshot, read_releases
from winnow.release.row_groups import SPLITS
from winnow.release.run_process import at_work
from winnow.release.store import Store
from winnow.release.verify import verify_release
from winnow.report.page import tiles_of

from tests.cli.conftest import Told, told
from tests.operations.forgettable import (
    ABSENT,
    NUMBER_IDS,
    OTHER,
    SOME,
    USERS,
    WHO,
    release_rows,
    release_thrice,
    tables_with_users,
)
from tests.release.things import MONDAY, TUESDAY, store_of

__all__ = ["told"]

pytestmark = [pytest.mark.one_engine, pytest.mark.usefixtures("shared_engine")]

_MOVE_PINS = "winnow.operations.forgetting.forget.move_pins"
Rows = dict[str, dict[str, list[str]]]


@pytest.fixture(scope="session")
def forgettable(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = tmp_path_factory.mktemp("forget") / "ware house"
    release_thrice(store_of(spark, warehouse), spark)
    return warehouse


@pytest.fixture
def store(spark: SparkSession, forgettable: Path, tmp_path: Path) -> Store:
    """A store over a copy that the test may change."""
    shutil.copytree(forgettable, tmp_path / "ware house")
    return store_of(spark, tmp_path / "ware house")


@pytest.fixture(scope="module")
def every_table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of all tables that have a user, for one test."""
    store = store_of(spark, tmp_path_factory.mktemp("every") / "table")
    release_thrice(store, spark, tables_with_users())
    return store


def rows_of(store: Store) -> Rows:
    """Every row of every release as text, each table in one order."""
    found: Rows = {}
    for one in read_releases(store.folder).releases:
        reader = open_release(store.folder, one.release_id)
        found[one.release_id] = {
            table: sorted(repr(row) for row in reader.arrow(table).to_table().to_pylist())
            for table in reader.tables
        }
    return found


def without(rows: Rows, *who: str) -> Rows:
    return {
        name: {
            table: [row for row in found if not any(one in row for one in who)]
            for table, found in tables.items()
        }
        for name, tables in rows.items()
    }


def erase(store: Store, *who: str) -> Forgotten:
    return forget(store, ErasedUsers.of(who), "test")


def shapes_of(store: Store) -> list[object]:
    """Of the one file of each table: its columns, whether it is in order, its row groups."""
    found: list[object] = []
    reader = open_release(store.folder, read_releases(store.folder).releases[0].release_id)
    for table in tables_with_users():
        (file,) = (pq.ParquetFile(path) for path in reader.files(table))
        keys = file.read(["shuffle_key"]) if "shuffle_key" in file.schema.names else None
        in_order = keys is not None and keys["shuffle_key"].to_pylist() == sorted(
            keys["shuffle_key"].to_pylist()
        )
        found.append((table, str(file.schema_arrow), in_order, file.num_row_groups))
    return found


def all_verify(store: Store, n: int = 3) -> None:
    found = read_releases(store.folder).releases
    assert [verify_release(one, store) for one in found] == [()] * n


class DescribeForget:
    def it_takes_their_rows_and_no_others_out_of_every_release(self, every_table: Store) -> None:
        before, shapes = rows_of(every_table), shapes_of(every_table)
        tables = set(tables_with_users())
        assert tables >= {"positives", "rejected", "user_sequences", "history_state"}
        assert not tables & {"item_stats", "frequency_state"}
        for one in before.values():
            assert {t for t in one if WHO in str(one[t])} == tables, "all hold the user"
        done = erase(every_table, WHO)
        assert done.problems == ()
        assert rows_of(every_table) == without(before, WHO), "under the same ids of releases"
        assert {name: rows for name, (_, rows) in done.releases.items()} == {
            name: dict.fromkeys(tables, 3) for name in before
        }
        assert shapes_of(every_table) == shapes, "files in order and as they are written at first"
        all_verify(every_table)
        assert erase(every_table, WHO).releases == {}

    def it_says_when_and_how_many_and_names_nobody(self, store: Store) -> None:
        erase(store, WHO)
        first, *others = read_releases(store.folder).releases
        assert WHO not in first.quality_json
        record = json.loads(first.quality_json)
        assert [one["detail"] for one in record["gates"]] == [
            "user '(erased)' has 9 of 90 rows",
            f"{OTHER} has 2",
        ]
        for one in (first, *others):
            (told_,) = json.loads(one.quality_json)["erased"]
            whole = AuditRecord.model_validate_json(
                json.dumps({"verdict": "pass", "gates": [], "erased": [told_]})
            )
            assert whole.erased == (
                Erasure(erased_ts=whole.erased[0].erased_ts, rows=dict.fromkeys(SOME, 3)),
            )

    def it_is_seen_in_the_list_of_releases_and_on_the_page(
        self, store: Store, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["releases", "--warehouse", str(store.folder)]
        assert main(words) == 0
        assert "erased" not in capsys.readouterr().out
        erase(store, WHO)
        assert main(words) == 0
        head, *rows = [
            line.split() for line in capsys.readouterr().out.splitlines() if line.strip()
        ]
        place = head.index("erased")
        assert [row[place] for row in rows if row[0][:2] == "20"] == [str(3 * len(SOME))] * 3
        assert main([*words, "--json"]) == 0
        told_ = json.loads(capsys.readouterr().out)
        assert [one["erased"][0]["rows"] for one in told_] == [dict.fromkeys(SOME, 3)] * 3
        erased = (Erasure(erased_ts=datetime(2026, 3, 4, tzinfo=UTC), rows={"positives": 1234}),)
        record = AuditRecord(verdict="pass", gates=(), erased=erased)
        (tile,) = (one for one in tiles_of(record) if one.name == "Rows erased")
        assert (tile.figure, tile.note) == ("1,234", "users forgotten, last on 2026-03-04")
        untouched = AuditRecord(verdict="pass", gates=())
        assert "Rows erased" not in [one.name for one in tiles_of(untouched)]

    def it_leaves_the_newest_version_with_the_newest_release(self, store: Store) -> None:
        erase(store, WHO)
        newest = open_release(store.folder, ds=MONDAY)
        for table in newest.tables:
            head = DeltaTable(str(store.folder / table))
            named = {uri.split("/")[-1] for uri in head.file_uris() if str(MONDAY) in uri}
            assert named == {path.split("/")[-1] for path in newest.files(table)}

    def it_leaves_alone_what_holds_nothing_of_them(self, store: Store, spark: SparkSession) -> None:
        release_rows(store, spark, TUESDAY, 4, users=range(2, 9), tables=["positives"])
        *_, last = read_releases(store.folder).releases
        before = rows_of(store)
        done = erase(store, WHO)
        assert len(done.releases) == 3 and last.release_id not in done.releases
        assert read_releases(store.folder).find(last.release_id) == last
        assert rows_of(store) == without(before, WHO)
        path = store.folder / "positives"
        (named,) = (one for one in files_named(path, open_table(path)) if one.ds == TUESDAY)
        assert pq.read_metadata(named.path).num_rows == 7 * 3, "that of the newest release"
        all_verify(store, 4)

    def it_takes_files_in_the_order_of_the_key_alone_as_spark_itself_writes_them(
        self, store: Store, spark: SparkSession
    ) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                sorted_files, "split_places", lambda rows: np.zeros(rows.num_rows, np.int8)
            )
            release_rows(store, spark, TUESDAY, 4, tables=["positives"])
        reader = open_release(store.warehouse, ds=TUESDAY)
        splits = pq.read_table(reader.files("positives")[0], columns=["split"])["split"].to_pylist()
        assert splits != sorted(splits, key=SPLITS.index)
        before = rows_of(store)
        erase(store, WHO)
        assert rows_of(store) == without(before, WHO)
        all_verify(store, 4)

    def it_goes_by_numbers_too(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path / "numbers")
        release_rows(store, spark, MONDAY, 5, ids=NUMBER_IDS, tables=["positives"])
        assert [rows for _, rows in erase(store, "7", "8").releases.values()] == [{"positives": 6}]
        users = open_release(store.folder).arrow("positives").to_table()["user_id"].to_pylist()
        assert set(users) == set(range(1, USERS + 1)) - {7, 8}
        all_verify(store, 1)
        assert main(["forget", "--users", "x7", "--warehouse", str(store.folder)]) == 2

    def it_can_leave_a_table_without_rows(self, spark: SparkSession, tmp_path: Path) -> None:
        store = store_of(spark, tmp_path / "one")
        release_rows(store, spark, MONDAY, 6, users=[1], tables=["positives"])
        erase(store, WHO)
        reader = open_release(store.folder)
        assert reader.arrow("positives").count_rows() == 0
        all_verify(store, 1)


class DescribeTheProof:
    def it_refuses_a_table_that_is_not_what_was_released(self, store: Store) -> None:
        before = read_releases(store.folder).releases
        path = Path(open_release(store.folder, before[0].release_id).files("positives")[0])
        rows = pq.read_table(path, partitioning=None)
        keys = rows["sample_id"].to_pylist()
        changed = rows.set_column(
            rows.schema.get_field_index("sample_id"), "sample_id", [[keys[0] + 1, *keys[1:]]]
        )
        pq.write_table(changed, path)
        with pytest.raises(ReleaseError, match="does not hold what the release says"):
            erase(store, WHO)
        assert read_releases(store.folder).releases == before

    def it_refuses_files_that_lost_another_row(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, files = rows_of(store), set(store.folder.rglob("*.parquet"))
        write = erased_files._write
        monkeypatch.setattr(erased_files, "_write", lambda rows, *rest: write(rows.slice(1), *rest))
        with pytest.raises(ReleaseError, match="not what the table held less the rows that go"):
            erase(store, WHO)
        assert rows_of(store) == before
        assert set(store.folder.rglob("*.parquet")) == files, "nothing is left behind"


class DescribeACrash:
    @pytest.mark.parametrize(
        "step", ["write_without", "contents_without", "version_labelled", "move_pins"]
    )
    def it_leaves_all_as_it_was_and_running_again_finishes(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        before, calls = rows_of(store), []
        real = getattr(forget_module, step)

        def killed(*given: object) -> object:
            calls.append(step)
            if len(calls) > 3 or step in ("contents_without", "move_pins"):
                raise KeyboardInterrupt
            return real(*given)

        with monkeypatch.context() as patch:
            patch.setattr(forget_module, step, killed)
            with pytest.raises(KeyboardInterrupt):
                erase(store, WHO)
        assert rows_of(store) == before
        assert len(erase(store, WHO).releases) == 3
        assert rows_of(store) == without(before, WHO)
        all_verify(store)


class DescribeOthersAtTheSameMoment:
    def it_waits_out_a_release_and_erases_it_too(
        self, store: Store, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        came: list[Published] = []

        def beaten(*given: object) -> None:
            if not came:
                came.append(release_rows(store, spark, TUESDAY, 9, tables=["positives"]))
            move_pins(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(_MOVE_PINS, beaten)
        assert len(erase(store, WHO).releases) == 4
        assert not any(WHO in str(one) for one in rows_of(store).values())
        all_verify(store, 4)

    def it_erases_from_a_release_that_comes_while_it_looks_for_the_last_time(
        self, store: Store, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its run is over before anybody asks who is at work."""
        found: list[int] = []

        def beaten(*given: object) -> UsersRows:
            rows = find_users_rows(*given)  # type: ignore[arg-type]
            found.append(len(rows.releases))
            if found == [3, 0]:
                release_rows(store, spark, TUESDAY, 9, tables=["positives"])
            return rows

        monkeypatch.setattr(forget_module, "find_users_rows", beaten)
        assert len(erase(store, WHO).releases) == 4
        assert found == [3, 0, 1, 0]
        assert not any(WHO in str(one) for one in rows_of(store).values())

    def it_tells_of_a_run_that_ends_while_files_that_are_left_are_looked_for(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may have released since the releases were looked through."""
        words = ["forget", "--users", WHO, "--warehouse", str(store.folder)]
        with ExitStack() as run:
            run.enter_context(at_work(staging_path(store.folder, "alive")))

            def ended(*given: object) -> Leftovers:
                run.close()
                return find_leftovers(*given)  # type: ignore[arg-type]

            monkeypatch.setattr("winnow.operations.forgetting.leftovers.find_leftovers", ended)
            assert main(words) == 4
        assert main(words) == 0

    def it_gives_up_where_releases_come_again_and_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def moved(warehouse: Path) -> ReleasesSnapshot:
            return replace(read_releases(warehouse), version=-2)

        monkeypatch.setattr(forget_module, "read_releases", moved)
        with pytest.raises(ConflictError, match="came again and again"):
            erase(store, ABSENT)

    def it_gives_way_to_another_one_who_erases(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = rows_of(store)

        def beaten(*given: object) -> None:
            monkeypatch.setattr(_MOVE_PINS, move_pins)
            erase(store, OTHER)
            move_pins(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(_MOVE_PINS, beaten)
        with pytest.raises(ConflictError, match="changed the release"):
            erase(store, WHO)
        assert rows_of(store) == without(before, OTHER)
        erase(store, WHO)
        assert rows_of(store) == without(before, WHO, OTHER)
        all_verify(store)


class DescribeWhatIsLeft:
    def it_is_deleted_at_once_and_the_id_is_found_nowhere(self, store: Store, told: Told) -> None:
        page = store.folder / "_reports" / "r" / "index.html"
        other = page.with_name("other.html")
        page.parent.mkdir(parents=True)
        page.write_text(f"user &#39;{WHO}&#39; has", encoding="utf-8")
        other.write_text("user &#39;x&#39; has", encoding="utf-8")
        staged = store.folder / "_staging" / "dead"
        staged.mkdir(parents=True)
        shutil.copy(open_release(store.folder).files("positives")[0], staged)
        with at_work(staged):
            pass
        expire(
            store.folder,
            find_expiring(store.folder, ExpireRule(dates=frozenset({TUESDAY}))),
        )
        before = rows_of(store)
        assert found_in(store.folder, WHO) > 3 * len(SOME)
        words = ["forget", "--users", WHO, "--vacuum", "--warehouse", str(store.folder)]
        done = told(*words)
        assert (done["users"], done["staged_runs"], done["deleted"]) == (1, 1, True)
        assert found_in(store.folder, WHO) == 0
        assert found_in(store.folder, OTHER) >= 2 * len(SOME)
        assert (page.exists(), other.exists()) == (False, True)
        assert rows_of(store) == without(before, WHO)
        all_verify(store, 2)

    def it_stays_until_it_is_asked_for_and_may_be_deleted_later(
        self, store: Store, capsys: pytest.CaptureFixture[str]
    ) -> None:
        reader = open_release(store.folder)
        open_files = reader.table_files("positives")
        where = ["--warehouse", str(store.folder)]
        assert main(["forget", "--users", WHO, *where]) == 0
        shown = capsys.readouterr()
        assert "run it again with --vacuum" in shown.out
        assert WHO not in shown.out + shown.err
        assert WHO in open_files.dataset().to_table()["user_id"].to_pylist()
        assert main(["forget", "--users", WHO, *where, "--vacuum"]) == 0
        assert found_in(store.folder, WHO) == 0

    @pytest.mark.parametrize("more", [[], ["--vacuum"]], ids=["kept", "deleted"])
    def it_is_told_where_a_run_at_work_may_hold_more(self, store: Store, more: list[str]) -> None:
        words = ["forget", "--users", WHO, "--warehouse", str(store.folder), *more]
        with at_work(staging_path(store.folder, "alive")):
            assert main(words) == 4
        assert not any(WHO in str(one) for one in rows_of(store).values())
        assert main(words) == 0
        assert (found_in(store.folder, WHO) == 0) == bool(more)

    def it_stands_in_no_record_of_a_release_that_has_expired(self, store: Store) -> None:
        """Its rows in the table of releases stay, and one names the user."""
        expire(store.folder, find_expiring(store.folder, ExpireRule(keep_last=1)))
        before = [one.seq for one in read_releases(store.folder).expired]
        where = ["--warehouse", str(store.folder)]
        assert main(["forget", "--users", WHO, "--vacuum", *where]) == 0
        assert found_in(store.folder, WHO) == 0
        assert [one.seq for one in read_releases(store.folder).expired] == before == [1]
        all_verify(store, 2)

    @pytest.mark.parametrize("again", [1, 2])
    def it_stands_in_no_copy_that_repairs_have_left(self, store: Store, again: int) -> None:
        for _ in range(again):
            shutil.rmtree(store.folder / "releases" / "_delta_log")
            repair_releases(store.folder)
        where = ["--warehouse", str(store.folder)]
        assert main(["forget", "--users", WHO, "--vacuum", *where]) == 0
        assert found_in(store.folder, WHO) == 0

    @pytest.mark.parametrize("how", ["forgotten", "expired"])
    def it_does_not_come_back_with_a_state_that_a_run_went_on_from(
        self, spark: SparkSession, store: Store, how: str
    ) -> None:
        """The run had read the state; its rows are of those who were in it."""
        monday = read_releases(store.folder).newest(MONDAY)
        assert monday is not None
        pin = monday.pin("positives")
        assert pin is not None
        state = (StateBefore(monday.release_id, "positives", pin.version),)
        assert not release_rows(store, spark, TUESDAY, 4, goes_on_from=state).already
        if how == "forgotten":
            erase(store, WHO)
        else:
            rule = ExpireRule(dates=frozenset({MONDAY}))
            expire(store.folder, find_expiring(store.folder, rule))
        with pytest.raises(ConflictError, match="went on from was taken back") as caught:
            release_rows(store, spark, TUESDAY, 5, goes_on_from=state)
        assert caught.value.exit_code == 4
        assert (WHO in str(rows_of(store))) == (how == "expired")

    def it_is_not_brought_back_by_a_repair(self, store: Store) -> None:
        before = rows_of(store)
        erase(store, WHO)
        shutil.rmtree(store.folder / "releases" / "_delta_log")
        assert len(repair_releases(store.folder).restored) == 3
        assert rows_of(store) == without(before, WHO)

    def it_is_nothing_that_vacuum_would_not_delete_in_the_end(self, store: Store) -> None:
        erase(store, WHO)
        late = datetime.now(UTC) + timedelta(days=9)
        old = find_unpinned(store.folder, now=late)
        assert sum(map(len, old.tables.values())) >= 3 * len(SOME)


class DescribeTheCommand:
    def it_counts_and_changes_nothing_in_a_dry_run(self, store: Store, told: Told) -> None:
        before = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
        done = told("forget", "--users", WHO, "--dry-run", "--warehouse", str(store.folder))
        assert [one["ds"] for one in done["releases"].values()] == [str(MONDAY)] * 2 + [
            str(TUESDAY)
        ]
        assert all(one["rows"] == dict.fromkeys(SOME, 3) for one in done["releases"].values())
        after = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
        assert after == before

    def it_takes_ids_from_a_file(self, store: Store, told: Told, tmp_path: Path) -> None:
        ids = tmp_path / "ids.txt"
        ids.write_text(f"{WHO}\n\n{OTHER}\n{ABSENT}\n", encoding="utf-8")
        before = rows_of(store)
        done = told("forget", "--users-from", str(ids), "--warehouse", str(store.folder))
        assert done["users"] == 3
        assert rows_of(store) == without(before, WHO, OTHER)

    @pytest.mark.parametrize("words", [[], ["--users", " "], ["--users-from", "/no/such/file"]])
    def it_refuses_to_forget_nobody(self, store: Store, words: list[str]) -> None:
        assert main(["forget", *words, "--warehouse", str(store.folder)]) == 2

    def it_says_what_it_did_where_the_store_falls_silent_in_the_end(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def silent(_: object) -> bool:
            raise StoreError(Problem("object store", "does not answer"))

        words = ["forget", "--users", WHO, "--warehouse", str(store.folder), "--vacuum"]
        with monkeypatch.context() as patch:
            patch.setattr("winnow.release.conditional_put.keeps_versions", silent)
            assert main(words) == 0
            shown = capsys.readouterr().out
            assert f"erased: {9 * len(SOME)} rows of 3 releases" in shown
            assert "nobody knows whether the bucket keeps former versions" in shown
            assert main([*words, "--json"]) == 0
            assert json.loads(capsys.readouterr().out)["versions_kept"] is None
        assert main([*words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["versions_kept"] is False

    def it_does_nothing_where_nobody_is_found(self, store: Store, told: Told) -> None:
        before = read_releases(store.folder).version
        assert told("forget", "--users", ABSENT, "--warehouse", str(store.folder))["releases"] == {}
        assert read_releases(store.folder).version == before


def found_in(folder: Path, text: str) -> int:
    """How many files hold a text: as bytes, or packed in the columns of a Parquet file."""
    found = 0
    for path in folder.rglob("*"):
        if not path.is_file():
            continue
        held = text.encode() in path.read_bytes() or text in path.name
        if not held and path.suffix == ".parquet":
            held = text in str(pq.ParquetFile(path).read().to_pylist())
        found += held
    return found
