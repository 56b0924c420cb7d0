"""``winnow doctor --repair``: releases come back from their files, or a date is to be built."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.operations.doctor.repair import repair_releases
from winnow.operations.doctor.set_aside import DAMAGED
from winnow.release.delta_log import log_folder
from winnow.release.opening import open_release
from winnow.release.releases import read_releases
from winnow.release.store import Store
from winnow.release.verify import verify_release

from tests.operations.test_doctor import (
    double_a_release,
    lose_a_release,
    lose_a_row,
    release_file,
)
from tests.release.conftest import store, two_dates
from tests.release.released import marks
from tests.release.things import MONDAY, TUESDAY, Run

__all__ = ["store", "two_dates"]

pytestmark = pytest.mark.one_engine


def cut_an_entry(store: Store) -> None:
    entry = log_folder(store.folder / "releases") / f"{1:020}.json"
    entry.write_bytes(entry.read_bytes()[:-20])


def empty_an_entry(store: Store) -> None:
    (log_folder(store.folder / "releases") / f"{2:020}.json").write_bytes(b"")


def lose_the_newest(store: Store) -> None:
    DeltaTable(str(store.folder / "releases")).delete("seq = 2")


def lose_the_log(store: Store) -> None:
    shutil.rmtree(log_folder(store.folder / "releases"))


LOST: dict[str, Callable[[Store], object]] = {
    "a row": lose_a_row,
    "a release": lose_a_release,
    "the newest release": lose_the_newest,
    "doubled": double_a_release,
    "an entry cut": cut_an_entry,
    "an entry empty": empty_an_entry,
    "the log": lose_the_log,
}


def told(store: Store) -> list[object]:
    """The releases with all that they say, by number."""
    return [(one.seq, one, one.documents()) for one in read_releases(store.folder).releases]


class DescribeRepairReleases:
    @pytest.mark.parametrize("name", LOST)
    def it_brings_back_what_was_lost(self, store: Store, name: str, spark: SparkSession) -> None:
        before = told(store)
        LOST[name](store)
        done = repair_releases(store.folder)
        assert done.restored
        assert done.lost == ()
        assert told(store) == before
        for release in read_releases(store.folder).releases:
            assert verify_release(release, store) == ()
        assert repair_releases(store.folder).restored == ()
        made = Run(store, MONDAY, "b").go(spark)
        assert (made.release.seq, marks(store, MONDAY)) == (3, {"b"})

    def it_changes_nothing_where_nothing_is_wrong(self, store: Store) -> None:
        version = DeltaTable(str(store.folder / "releases")).version()
        assert repair_releases(store.folder).restored == ()
        assert DeltaTable(str(store.folder / "releases")).version() == version

    def it_keeps_one_file_for_each_release_in_the_log(self, store: Store) -> None:
        lose_a_row(store)
        repair_releases(store.folder)
        listed = read_releases(store.folder).listed
        assert [len(one.files) for one in listed] == [1, 1]
        assert len({one.files[0].path for one in listed}) == 2

    def it_keeps_the_log_that_it_takes_out_of_use(self, store: Store) -> None:
        cut_an_entry(store)
        kept = repair_releases(store.folder).old_log
        assert kept is not None
        assert kept.parent.parent == store.folder / DAMAGED
        assert (kept / f"{1:020}.json").exists()

    @pytest.mark.parametrize("step", ["write_release", "create_table", "_checked"])
    def it_is_finished_by_the_next_one_where_it_was_killed(
        self, store: Store, step: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before the first file is written, before the new log is in place, and behind it."""
        before = told(store)
        cut_an_entry(store)

        def killed(*_given: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(f"winnow.operations.doctor.repair.{step}", killed)
            repair_releases(store.folder)
        repair_releases(store.folder)
        assert told(store) == before

    def it_names_the_date_where_no_file_holds_the_release(self, store: Store) -> None:
        release_file(store).unlink()
        done = repair_releases(store.folder)
        (problem,) = done.lost
        assert problem.where.endswith("of 2026-01-05")
        assert problem.next_step == "Build 2026-01-05 again: it is then released anew."
        assert read_releases(store.folder).dates == (TUESDAY,)

    def it_does_not_say_that_a_release_is_back_whose_table_holds_it_no_more(
        self, store: Store
    ) -> None:
        lose_a_release(store)
        for file in (store.folder / "things" / "ds=2026-01-05").iterdir():
            file.unlink()
        done = repair_releases(store.folder)
        assert done.restored == ()
        assert [problem.next_step for problem in done.lost] == ["Build 2026-01-05 again."]

    @pytest.mark.parametrize("damage", [lose_a_release, cut_an_entry, lose_the_log])
    def it_takes_no_file_for_a_release_that_was_never_committed(
        self, store: Store, damage: Callable[[Store], object]
    ) -> None:
        """As an append leaves one that lost: its number is another release's."""
        before = told(store)
        rows = DeltaTable(str(store.folder / "releases")).to_pyarrow_dataset().to_table()
        loser = rows.filter(rows["seq"].to_numpy() == 2).to_pandas()
        loser["release_id"] = "20260101T000000000000Z-aaaaaaaa"
        place = store.folder / "elsewhere"
        write_deltalake(str(place), loser)
        (file,) = place.glob("*.parquet")
        shutil.copy(file, store.folder / "releases" / "part-lost.parquet")
        shutil.rmtree(place)
        damage(store)
        done = repair_releases(store.folder)
        if damage is lose_the_log:  # nobody knows which of the two it was
            assert [problem.what for problem in done.lost] == [
                "nobody knows whether it or another one was the release with the number 2"
            ] * 2
            assert read_releases(store.folder).dates == (MONDAY,)
        else:
            assert told(store) == before


class DescribeTheCommand:
    def it_repairs_first_and_looks_then(
        self, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("winnow.operations.doctor.doctor.check_machine", lambda: ())
        cut_an_entry(store)
        words = ["doctor", "--warehouse", str(store.folder), "--json"]
        assert main(words) == 3
        capsys.readouterr()
        assert main([*words, "--repair"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [len(found["repaired"]), found["lost"]] == [2, []]
        assert open_release(store.folder, ds=MONDAY).dates == (MONDAY,)

    def it_needs_a_warehouse(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["doctor", "--repair"]) == 2
        assert "--repair: which warehouse?" in capsys.readouterr().err
