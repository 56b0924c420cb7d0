"""``winnow doctor --repair`` for tables of releases: log entries and files come back, proven."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.operations.doctor.repair_tables import RepairedTables, repair_tables
from winnow.release import log_damage
from winnow.release.delta_log import entry_path, log_folder, versions_in_log
from winnow.release.opening import open_release
from winnow.release.releases import list_releases
from winnow.release.store import Store
from winnow.release.verify import verify_release

from tests.cli.conftest import shared_engine
from tests.release.conftest import store, two_dates
from tests.release.released import marks, rows_of
from tests.release.things import MONDAY, TUESDAY, Run

__all__ = ["shared_engine", "store", "two_dates"]

pytestmark = pytest.mark.one_engine

Damage = Callable[[Path], object]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    """In place, so that the size stays, and links to the file show it too."""
    held = bytearray(path.read_bytes())
    held[20:40] = bytes(byte ^ 255 for byte in held[20:40])
    with path.open("r+b") as file:
        file.write(held)


DAMAGES: dict[str, Damage] = {"gone": Path.unlink, "cut": cut, "flipped": flip}


def file_of(store: Store, table: str = "things") -> Path:
    (path,) = open_release(store.folder, ds=MONDAY).files(table)
    return Path(path)


def all_verify(store: Store) -> None:
    for release in list_releases(store.folder):
        assert verify_release(release, store) == ()


class DescribeFiles:
    @pytest.mark.parametrize("name", DAMAGES)
    def it_takes_the_copy_that_the_staging_of_the_run_holds(self, store: Store, name: str) -> None:
        before = [rows_of(store, one) for one in list_releases(store.folder)]
        file, (release, _) = file_of(store), list_releases(store.folder)
        kept = store.folder / "_staging" / release.run_id / "things" / f"ds={MONDAY}"
        kept.mkdir(parents=True)
        shutil.copy(file, kept / "part-0.parquet")
        DAMAGES[name](file)
        assert repair_tables(store) == RepairedTables(files=(file,))
        all_verify(store)
        assert [rows_of(store, one) for one in list_releases(store.folder)] == before
        assert repair_tables(store) == RepairedTables()

    @pytest.mark.parametrize("name", DAMAGES)
    def it_names_the_date_and_takes_the_copy_of_a_release_that_is_built_anew(
        self, spark: SparkSession, store: Store, name: str
    ) -> None:
        file = file_of(store)
        DAMAGES[name](file)
        done = repair_tables(store)
        (problem,) = done.lost
        assert done.files == ()
        assert problem.where.startswith("things of the release ")
        assert problem.next_step is not None
        assert problem.next_step.startswith("Build 2026-01-05 again, then run this again")
        made = Run(store, MONDAY, "a").go(spark)
        assert not made.already, "the damaged release is not taken for what was made"
        assert repair_tables(store) == RepairedTables(files=(file,))
        assert len(list_releases(store.folder)) == 3
        all_verify(store)

    def it_takes_no_file_that_holds_something_else(self, spark: SparkSession, store: Store) -> None:
        """Of the same size and rows, as the mark of a letter is as long as another one."""
        file, size = file_of(store), file_of(store).stat().st_size
        Run(store, MONDAY, "z").go(spark)
        assert file_of(store).stat().st_size == size, "the test must be able to fail"
        file.unlink()
        done = repair_tables(store)
        assert done.files == () and not file.exists()
        name = file.relative_to(store.folder / "things")
        assert [one.what.partition(",")[0] for one in done.lost] == [
            f"{name} of version 1 is gone: deleted or expired"
        ]


class DescribeLogEntries:
    @pytest.mark.parametrize("damage", [Path.unlink, cut, lambda path: path.write_bytes(b"")])
    @pytest.mark.parametrize("day", [MONDAY, TUESDAY])
    def it_writes_the_entry_of_a_release_again(
        self, spark: SparkSession, store: Store, damage: Damage, day: object
    ) -> None:
        """In the middle of the log, and at its end; a run that died has left a file beside."""
        before = [rows_of(store, one) for one in list_releases(store.folder)]
        version = 1 if day == MONDAY else 2
        entry = entry_path(store.folder / "things", version)
        left = file_of(store).with_name("part-00000-dead.parquet")
        shutil.copy(file_of(store, "stats"), left)
        damage(entry)
        done = repair_tables(store)
        assert (done.entries, done.files, done.lost) == ((f"things {version}",), (), ())
        assert len(done.moved) == (damage is not Path.unlink)
        all_verify(store)
        assert [rows_of(store, one) for one in list_releases(store.folder)] == before
        Run(store, MONDAY, "c").go(spark)
        assert (marks(store, MONDAY), marks(store, TUESDAY)) == ({"c"}, {"b"})
        all_verify(store)

    def it_finds_what_later_commits_have_replaced(self, spark: SparkSession, store: Store) -> None:
        for mark in "cd":
            Run(store, MONDAY, mark).go(spark)
        before = [rows_of(store, one) for one in list_releases(store.folder)]
        for version in (1, 3):
            entry_path(store.folder / "things", version).unlink()
        assert repair_tables(store).entries == ("things 1", "things 3")
        all_verify(store)
        assert [rows_of(store, one) for one in list_releases(store.folder)] == before

    def it_gives_no_release_s_files_to_an_entry_of_a_run_that_died_before_it(
        self, spark: SparkSession, store: Store
    ) -> None:
        """What a later commit took away is of the newer of two lost entries, if of any."""

        def die(step: str) -> None:
            if step == "promoted:things":
                raise KeyboardInterrupt

        died = Run(store, MONDAY, "c")
        with pytest.raises(KeyboardInterrupt):
            died.publish(died.stage(spark), die)
        for mark in "de":
            Run(store, MONDAY, mark).go(spark)
        before = [rows_of(store, one) for one in list_releases(store.folder)]
        for version in (3, 4):
            entry_path(store.folder / "things", version).unlink()
        done = repair_tables(store)
        assert (done.entries, done.lost) == (("things 3", "things 4"), ())
        all_verify(store)
        assert [rows_of(store, one) for one in list_releases(store.folder)] == before

    def it_goes_on_without_an_entry_that_nothing_proves(
        self, spark: SparkSession, store: Store
    ) -> None:
        """The release is lost; the other date reads on, and building it again makes it whole."""
        file_of(store).unlink()
        entry_path(store.folder / "things", 1).unlink()
        done = repair_tables(store)
        assert [one.next_step for one in done.lost] == [
            "Build 2026-01-05 again, and let this release expire."
        ]
        assert marks(store, TUESDAY) == {"b"}
        Run(store, MONDAY, "c").go(spark)
        assert (marks(store, MONDAY), marks(store, TUESDAY)) == ({"c"}, {"b"})

    def it_takes_a_damaged_checkpoint_out_of_use(
        self, spark: SparkSession, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By what it is, and not by how a person is told."""
        broken = log_damage._broken

        def reworded(*words: Any) -> Any:
            return broken(*words[:4], *("Do without it." if step else step for step in words[4:]))

        monkeypatch.setattr(log_damage, "_broken", reworded)
        for mark in "cdefghijk":
            Run(store, MONDAY, mark).go(spark)
        folder = log_folder(store.folder / "things")
        (checkpoint,) = folder.glob("*.checkpoint.parquet")
        before = versions_in_log(folder.parent)
        cut(checkpoint)
        done = repair_tables(store)
        assert len(done.moved) == 2 and done.lost == ()
        assert not checkpoint.exists()
        assert versions_in_log(folder.parent) == before
        all_verify(store)

    def it_says_what_to_do_where_the_log_of_a_table_is_gone(self, store: Store) -> None:
        shutil.rmtree(log_folder(store.folder / "things"))
        steps = [one.next_step or "" for one in repair_tables(store).lost]
        assert any(step.startswith("Restore it from a backup") for step in steps)


@pytest.mark.usefixtures("shared_engine")
class DescribeTheCommand:
    def it_tells_what_it_repaired_and_what_is_lost(
        self, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("winnow.operations.doctor.doctor.check_machine", lambda: ())
        entry_path(store.folder / "stats", 1).unlink()
        words = ["doctor", "--repair", "--warehouse", str(store.folder), "--json"]
        assert main(words) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["repaired_entries"], found["lost"]) == (["stats 1"], [])
        file_of(store).unlink()
        assert main(words) == 3
        (lost,) = json.loads(capsys.readouterr().out)["lost"]
        assert lost["next_step"].startswith("Build 2026-01-05 again")
