"""``winnow doctor``: each thing that can be wrong is found, with what to do about it."""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from winnow.cli.main import main
from winnow.errors import Problem, RequirementError
from winnow.operations.doctor import machine_checks
from winnow.operations.doctor.check import Check
from winnow.operations.doctor.doctor import examine
from winnow.operations.doctor.folder_checks import check_future
from winnow.release.pins import files_of_pin
from winnow.release.releases import read_releases
from winnow.release.store import Store
from winnow.storage.object_path import local_path

from tests.operations.test_clean import left_by
from tests.release.conftest import store, two_dates
from tests.release.released import LABEL
from tests.release.things import MONDAY, Run

__all__ = ["store", "two_dates"]

pytestmark = pytest.mark.one_engine


@pytest.fixture(autouse=True)
def quick_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is looked at in tests of its own: Java alone takes half a second."""
    monkeypatch.setattr("winnow.operations.doctor.doctor.check_machine", lambda: ())


def wrong(warehouse: Path) -> Mapping[str, Check]:
    """What is not as it should be, by name."""
    return {check.name: check for check in examine(warehouse) if check.state != "ok"}


def a_file(store: Store, table: str = "things") -> Path:
    release = read_releases(store.folder).newest(MONDAY)
    assert release is not None
    pin = release.pin(table)
    assert pin is not None
    return local_path(files_of_pin(store.folder, release, pin).files[0].path)


def release_file(store: Store) -> Path:
    listed = read_releases(store.folder).listed_newest(MONDAY)
    assert listed is not None
    return local_path(listed.files[0].path)


def lose_a_row(store: Store) -> None:
    path = store.folder / "releases"
    DeltaTable(str(path)).delete("table_name = 'stats' AND seq = 1")


def lose_a_release(store: Store) -> None:
    DeltaTable(str(store.folder / "releases")).delete("seq = 1")


def double_a_release(store: Store) -> None:
    path = store.folder / "releases"
    rows = DeltaTable(str(path)).to_pyarrow_dataset().to_table()
    write_deltalake(str(path), rows, mode="append")


def allow_a_clean_up(store: Store) -> None:
    DeltaTable(str(store.folder / "things")).alter.set_table_properties(
        {"delta.enableExpiredLogCleanup": "true"}
    )


def cut_the_log(store: Store) -> None:
    entry = store.folder / "things" / "_delta_log" / f"{1:020}.json"
    entry.write_bytes(entry.read_bytes()[:-20])


WRONG: dict[str, tuple[Callable[[Store], object], dict[str, str]]] = {
    "a file is gone": (lambda s: a_file(s).unlink(), {"pins": "failed"}),
    "a release's file is gone": (
        lambda s: release_file(s).unlink(),
        {"releases": "failed", "unreleased runs": "warning", "unneeded files": "warning"},
    ),
    "a row of a release is lost": (
        lose_a_row,
        {"releases": "failed", "unreleased runs": "warning", "unneeded files": "warning"},
    ),
    "a release is lost": (lose_a_release, {"releases": "failed", "unreleased runs": "warning"}),
    "releases are doubled": (
        double_a_release,
        {"releases": "failed", "unreleased runs": "warning"},
    ),
    "a property is off": (allow_a_clean_up, {"table properties": "warning"}),
    "a log is cut": (
        cut_the_log,
        {"tables": "failed", "pins": "failed", "unneeded files": "warning"},
    ),
    "staging is left": (
        lambda s: left_by(s.folder, "killed-5d", timedelta(days=5)),
        {"staging": "warning"},
    ),
}


class DescribeAWarehouse:
    def it_is_fine_where_nothing_is_wrong(self, store: Store) -> None:
        assert wrong(store.folder) == {}
        names = [check.name for check in examine(store.folder)]
        assert len(names) == len(set(names)) == 12
        left = store.folder / "_staging"
        assert list(left.iterdir()) == []

    @pytest.mark.parametrize("name", WRONG)
    def it_is_told_what_is_wrong_and_what_to_do(self, store: Store, name: str) -> None:
        damage, expected = WRONG[name]
        damage(store)
        found = wrong(store.folder)
        states = {check.name: check.state for check in found.values()}
        assert states == expected
        steps = [check.next_step for check in found.values() if check.name != "unreleased runs"]
        assert all(steps)

    def it_is_told_which_release_is_lost(self, store: Store) -> None:
        lose_a_release(store)
        assert wrong(store.folder)["releases"].text == (
            "releases: the releases with these numbers are missing, found 1"
        )

    def it_is_told_of_a_run_that_died_before_it_released(
        self, store: Store, spark: SparkSession
    ) -> None:
        run = Run(store, MONDAY, "b")
        store.promote(run.stage(spark)["things"], MONDAY, LABEL)
        shutil.rmtree(store.folder / "_staging" / run.record.run_id)
        found = wrong(store.folder)
        assert found.keys() == {"unreleased runs"}
        assert found["unreleased runs"].text.endswith(": run")

    def it_says_no_more_where_the_releases_cannot_be_read(self, store: Store) -> None:
        entry = store.folder / "releases" / "_delta_log" / f"{1:020}.json"
        entry.write_bytes(b"x")
        checks = list(examine(store.folder))
        assert (checks[-1].name, checks[-1].state) == ("releases", "failed")
        assert str(entry) in checks[-1].text

    def it_is_told_of_a_release_of_the_future(self, store: Store) -> None:
        snapshot = read_releases(store.folder)
        assert check_future(snapshot).state == "ok"
        yesterday = datetime.now(UTC) - timedelta(days=1)
        assert check_future(snapshot, yesterday).state == "warning"

    @pytest.mark.parametrize(("free", "state"), [(1.0, "failed"), (2.5, "warning"), (3.5, "ok")])
    def it_is_told_of_too_little_room(
        self, store: Store, free: float, state: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        size = sum(a_file(store, table).stat().st_size for table in ("things", "stats"))
        usage = shutil.disk_usage(store.folder)._replace(free=int(free * size) - 1)
        monkeypatch.setattr(
            "winnow.operations.doctor.folder_checks.shutil.disk_usage", lambda _: usage
        )
        found = {check.name: check.state for check in examine(store.folder)}
        assert found["free space"] == state

    def it_is_told_of_links_that_are_refused_and_of_a_clock_that_is_off(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        now = time.time()
        monkeypatch.setattr(Path, "hardlink_to", refuse)
        monkeypatch.setattr("winnow.operations.doctor.folder_checks.time.time", lambda: now - 3_600)
        found = wrong(store.folder)
        assert found.keys() == {"links", "clock"}
        assert "+3,600 s" in found["clock"].text

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def it_is_told_that_it_cannot_be_written(self, store: Store) -> None:
        (store.folder / "_staging").chmod(0o500)
        assert wrong(store.folder)["write access"].state == "failed"


class DescribeTheMachine:
    def it_looks_at_each_thing_once(self) -> None:
        names = [check.name for check in machine_checks.check_machine()]
        engines = ["extra sail", "extra spark", "extra audit", "extra polars"]
        assert names == ["python", "memory", *engines, "java", "jars"]

    def it_names_the_extra_that_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def gone(name: str) -> None:
            raise ModuleNotFoundError(name=name)

        monkeypatch.setattr("winnow.operations.doctor.machine_checks.importlib.import_module", gone)
        found = {check.name: check for check in machine_checks.check_machine()}
        assert found["extra polars"].state == "warning"
        assert found["extra polars"].next_step == "pip install 'winnow[polars]'"

    def it_tells_of_java_what_the_engine_would(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def none() -> None:
            raise RequirementError(Problem("java", "is needed", "none", next_step="Install it."))

        monkeypatch.setattr(machine_checks, "check_java", none)
        found = {check.name: check for check in machine_checks.check_machine()}
        assert found["java"] == Check(
            "java", "warning", "java: is needed, found none", "Install it."
        )


class DescribeTheCommand:
    def it_ends_with_3_only_where_something_failed(
        self, store: Store, capsys: pytest.CaptureFixture[str]
    ) -> None:
        words = ["doctor", "--warehouse", str(store.folder)]
        left_by(store.folder, "killed-5d", timedelta(days=5))
        assert main(words) == 0
        assert "warning  staging: 1 run is over and has left" in capsys.readouterr().out
        a_file(store).unlink()
        assert main([*words, "--json"]) == 3
        checks = json.loads(capsys.readouterr().out)["checks"]
        (failed,) = [check for check in checks if check["state"] == "failed"]
        assert failed["name"] == "pins"

    def it_needs_no_config(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert main(["doctor", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"warehouse": None, "checks": []}
