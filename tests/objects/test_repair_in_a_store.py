"""``winnow doctor --repair`` in a store: what was damaged or lost comes back, and is proven."""

from collections.abc import Callable

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.errors import ConflictError, Problem, ReleaseError, StoreError
from winnow.operations.doctor.doctor import examine
from winnow.operations.doctor.log_entry import write_entry
from winnow.operations.doctor.repair import Repaired, repair_releases
from winnow.operations.doctor.repair_tables import RepairedTables, repair_tables
from winnow.operations.doctor.set_aside import DAMAGED
from winnow.operations.retention.vacuum import find_unpinned
from winnow.release.metadata import storage_options
from winnow.release.opening import open_release
from winnow.release.paths import staging_root
from winnow.release.releases import list_releases
from winnow.release.store import Store as Tables
from winnow.release.verify import verify_release
from winnow.storage.object_path import ObjectPath

from tests.objects.conftest import Store, copied, keys_in
from tests.release.released import rows_of
from tests.release.things import MONDAY, TUESDAY, Run, store_of


@pytest.fixture(scope="module")
def source(store: Store, spark: SparkSession) -> ObjectPath:
    """Monday with mark a, Tuesday with mark b, which no test changes."""
    place = ObjectPath.of(f"{store.new_bucket()}/ware house")
    tables = store_of(spark, place)
    for day, mark in ((MONDAY, "a"), (TUESDAY, "b")):
        Run(tables, day, mark).go(spark)
    return place


@pytest.fixture
def own(source: ObjectPath, bucket: str, spark: SparkSession) -> Tables:
    return store_of(spark, copied(source, f"{bucket}/ware house"))


def place(tables: Tables) -> ObjectPath:
    return ObjectPath.of(str(tables.warehouse))


def told(tables: Tables) -> list[object]:
    """The releases with all that they say, and all rows of theirs."""
    return [(one, one.documents(), rows_of(tables, one)) for one in list_releases(tables.warehouse)]


def entry(tables: Tables, table: str, version: int) -> ObjectPath:
    return place(tables).joinpath(table, "_delta_log", f"{version:020}.json")


def cut(file: ObjectPath) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def lose_a_release(tables: Tables) -> None:
    path = place(tables) / "releases"
    DeltaTable(str(path), storage_options=storage_options(path)).delete("seq = 1")


def lose_the_log(tables: Tables) -> None:
    for file, _ in place(tables).joinpath("releases", "_delta_log").objects():
        file.unlink()


LOST: dict[str, Callable[[Tables], object]] = {
    "a release": lose_a_release,
    "an entry cut": lambda tables: cut(entry(tables, "releases", 1)),
    "an entry empty": lambda tables: entry(tables, "releases", 2).write_bytes(b""),
    "the log": lose_the_log,
}


class DescribeReleasesInAStore:
    @pytest.mark.parametrize("name", LOST)
    def it_brings_back_what_was_lost(self, own: Tables, name: str) -> None:
        before = told(own)
        LOST[name](own)
        done = repair_releases(own.warehouse)
        assert done.restored
        assert done.lost == ()
        assert told(own) == before
        for release in list_releases(own.warehouse):
            assert verify_release(release, own) == ()
        assert repair_releases(own.warehouse) == Repaired()
        kept = [key for key in keys_in(str(own.warehouse).rpartition("/")[0]) if DAMAGED in key]
        assert bool(kept) == (done.old_log is not None) == name.startswith("an entry")

    @pytest.mark.parametrize("n", [1, 2, 3])
    def it_is_finished_by_the_next_one_where_it_ended_while_the_old_log_went(
        self, own: Tables, n: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever is gone by then, nobody takes what is left for all releases."""
        before, deleted = told(own), list[ObjectPath]()
        cut(entry(own, "releases", 2))
        unlink = ObjectPath.unlink

        def silent(path: ObjectPath, missing_ok: bool = False) -> None:
            deleted.append(path)
            if len(deleted) == n + 1:  # the first one is that of the probe
                raise StoreError(Problem("object store", "does not answer"))
            unlink(path, missing_ok)

        with monkeypatch.context() as patch, pytest.raises(StoreError):
            patch.setattr(ObjectPath, "unlink", silent)
            repair_releases(own.warehouse)
        with pytest.raises(ReleaseError, match="Delta log"):
            find_unpinned(own.warehouse)
        repair_releases(own.warehouse)
        assert told(own) == before

    def it_takes_no_silence_for_damage(self, own: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
        before = keys_in(str(own.warehouse).rpartition("/")[0])
        read = ObjectPath.read_bytes

        def silent(path: ObjectPath) -> bytes:
            if path.name == f"{1:020}.json":
                raise StoreError(Problem("object store", "does not answer"))
            return read(path)

        with monkeypatch.context() as patch:
            patch.setattr(ObjectPath, "read_bytes", silent)
            for repair in (lambda: repair_releases(own.warehouse), lambda: repair_tables(own)):
                with pytest.raises(StoreError):
                    repair()
        assert keys_in(str(own.warehouse).rpartition("/")[0]) == before


class DescribeTablesInAStore:
    @pytest.mark.parametrize("damage", [ObjectPath.unlink, cut])
    @pytest.mark.parametrize("version", [1, 2])
    def it_writes_an_entry_of_a_log_again(
        self, own: Tables, damage: Callable[[ObjectPath], object], version: int
    ) -> None:
        """In the middle of the log, and at its end."""
        before = told(own)
        damage(entry(own, "things", version))
        done = repair_tables(own)
        assert (done.entries, done.files, done.lost) == ((f"things {version}",), (), ())
        assert [one.parent for one in done.moved] == [place(own) / DAMAGED] * (damage is cut)
        assert told(own) == before
        assert repair_tables(own) == RepairedTables()

    def it_gives_a_file_back_by_a_copy_or_names_the_date(
        self, own: Tables, spark: SparkSession, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = told(own)
        (file,) = map(ObjectPath.of, open_release(str(own.warehouse), ds=MONDAY).files("things"))
        words = ["doctor", "--repair", "--warehouse", str(own.warehouse)]
        cut(file)
        assert main(words) == 3
        assert "Build 2026-01-05 again, then run this again" in capsys.readouterr().out
        made = Run(own, MONDAY, "a").go(spark)
        assert not made.already, "the damaged release is not taken for what was made"
        main(words)
        assert f"repaired {file}" in capsys.readouterr().out
        assert told(own)[: len(before)] == before
        for release in list_releases(own.warehouse):
            assert verify_release(release, own) == ()

    def it_takes_the_copy_that_this_machine_has_staged(self, own: Tables) -> None:
        before, (release, _) = told(own), list_releases(own.warehouse)
        (file,) = map(ObjectPath.of, open_release(str(own.warehouse), ds=MONDAY).files("things"))
        kept = staging_root(own.warehouse) / release.run_id / "things" / f"ds={MONDAY}"
        kept.mkdir(parents=True)
        (kept / "part-0.parquet").write_bytes(file.read_bytes())
        file.unlink()
        assert repair_tables(own) == RepairedTables(files=(file,))
        assert told(own) == before

    def it_writes_no_entry_over_one_that_somebody_has_committed(self, own: Tables) -> None:
        path = entry(own, "things", 1)
        before = path.read_bytes()
        with pytest.raises(ConflictError, match="somebody committed meanwhile"):
            write_entry(path, [{"commitInfo": {}}])
        assert path.read_bytes() == before

    def it_is_sent_to_by_the_doctor(self, own: Tables) -> None:
        (file,) = open_release(str(own.warehouse), ds=MONDAY).files("things")
        ObjectPath.of(file).unlink()
        (check,) = (one for one in examine(place(own)) if one.name == "pins")
        assert check.state == "failed"
        assert (check.next_step or "").startswith("winnow doctor --repair brings back")
