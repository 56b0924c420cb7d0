"""``winnow clean``: what dead runs left goes, what a run at work writes stays."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from winnow.cli.main import main
from winnow.errors import ConflictError, Problem
from winnow.operations.retention.clean import find_old_staging, remove_staging
from winnow.release.run_process import BEGUN_FILE, RUN_PROCESS_FILE, RunProcess
from winnow.release.staging import staged_runs

from tests.child_process import PATH, child_environment
from tests.cli.conftest import Told

NOW = datetime(2026, 1, 10, tzinfo=UTC)
OWN = RunProcess.current()
PROCESSES = {
    "alive": OWN,
    "ended": replace(OWN, ended=True),
    "killed": replace(OWN, started="1"),
    "elsewhere": replace(OWN, machine="another"),
    "unknown": None,
}


def left_by(warehouse: Path, run_id: str, age: timedelta) -> Path:
    """What a run has left that is written as old as this."""
    folder = warehouse / "_staging" / run_id
    (folder / "things").mkdir(parents=True)
    (folder / "things" / "part-0.parquet").write_bytes(b"x" * 1_000)
    process = PROCESSES[run_id.split("-")[0]]
    if process is not None:
        process.write(folder)
    moment = (NOW - age).timestamp()
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (moment, moment))
    return folder


def over(warehouse: Path, older_than: timedelta | None = None) -> list[str]:
    return [run.run_id for run in find_old_staging(warehouse, older_than, NOW).over]


class DescribeWhichStagingIsOver:
    @pytest.fixture
    def warehouse(self, tmp_path: Path) -> Path:
        for name in PROCESSES:
            left_by(tmp_path, f"{name}-5d", timedelta(days=5))
            left_by(tmp_path, f"{name}-1h", timedelta(hours=1))
        return tmp_path

    def it_is_certain_of_this_machine_and_waits_two_days_for_others(self, warehouse: Path) -> None:
        certain = ["ended-1h", "ended-5d", "killed-1h", "killed-5d"]
        assert over(warehouse) == sorted([*certain, "elsewhere-5d", "unknown-5d"])

    def it_keeps_what_is_younger_than_asked_for(self, warehouse: Path) -> None:
        old = ["elsewhere-5d", "ended-5d", "killed-5d", "unknown-5d"]
        assert over(warehouse, timedelta(days=3)) == old
        assert over(warehouse, timedelta(days=6)) == []

    def it_never_takes_a_run_at_work(self, warehouse: Path) -> None:
        taken = over(warehouse, timedelta(0))
        assert len(taken) == 8
        assert not [name for name in taken if name.startswith("alive")]

    def it_removes_these_and_no_others(self, warehouse: Path) -> None:
        old = find_old_staging(warehouse, now=NOW)
        remove_staging(old)
        left = {path.name for path in (warehouse / "_staging").iterdir()}
        assert left == {run.run_id for run in old.kept}
        assert len(left) == 4
        remove_staging(old)

    def it_goes_on_where_somebody_else_removes_them_too(
        self, warehouse: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old, removed = find_old_staging(warehouse, now=NOW), list[Path]()

        def gone_meanwhile(path: Path) -> None:
            removed.append(path)
            raise FileNotFoundError(path)

        monkeypatch.setattr("shutil.rmtree", gone_meanwhile)
        remove_staging(old)
        assert removed == [run.path for run in old.over] != []

    def it_removes_the_folder_of_a_run_that_died_before_it_said_who_it_is(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "_staging" / "begun"
        folder.mkdir(parents=True)
        (folder / BEGUN_FILE).write_text("{")
        old = find_old_staging(tmp_path)
        assert [run.run_id for run in old.over] == ["begun"]
        # A run begins at this moment: its folder is taken away under it, or is not empty any more.
        OWN.write(folder)
        remove_staging(old)
        assert RunProcess.of(folder) == OWN
        (folder / RUN_PROCESS_FILE).unlink()
        remove_staging(find_old_staging(tmp_path))
        assert not folder.exists()

    def it_leaves_no_folder_where_a_run_cannot_say_who_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As where the disk is full: nobody could be asked whether it is over, for two days."""

        def full(*_given: object, **_more: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            OWN.write(tmp_path / "run")
        assert list(tmp_path.iterdir()) == []

    def it_has_nothing_to_do_in_a_new_warehouse(self, tmp_path: Path) -> None:
        assert find_old_staging(tmp_path).over == ()


class DescribeWhatIsFreed:
    def it_counts_no_file_that_a_table_links(self, tmp_path: Path) -> None:
        folder = left_by(tmp_path, "ended-1h", timedelta(hours=1))
        record = (folder / RUN_PROCESS_FILE).stat().st_size
        assert find_old_staging(tmp_path, now=NOW).freed == 1_000 + record
        (tmp_path / "published.parquet").hardlink_to(folder / "things" / "part-0.parquet")
        assert find_old_staging(tmp_path, now=NOW).freed == record

    def it_counts_a_file_once_that_two_of_the_runs_link(self, tmp_path: Path) -> None:
        one = left_by(tmp_path, "unknown-5d", timedelta(days=5))
        other = tmp_path / "_staging" / "unknown-6d"
        other.mkdir()
        (other / "linked").hardlink_to(one / "things" / "part-0.parquet")
        later = NOW + timedelta(days=9_000)
        assert find_old_staging(tmp_path, now=later).freed == 1_000


class DescribeTheCommand:
    @pytest.mark.fault(1)
    def it_removes_what_a_killed_build_left_and_no_more(
        self, shop: Path, told: Told, no_engine: None
    ) -> None:
        staging = shop.parent / "warehouse" / "_staging"
        words = [sys.executable, "-m", "winnow.cli.main", "build", "--config", str(shop)]
        build = subprocess.Popen(
            [*words, "--ds", "2026-01-01", "--engine", "sail"],
            env=child_environment() | {"PYTHONPATH": PATH},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            # The sampler is at work, which comes long after the folder was made.
            while not any(staging.glob("*/*/*.parquet")) and build.poll() is None:
                time.sleep(0.02)
            build.send_signal(signal.SIGSTOP)
            assert build.poll() is None
            (found,) = told_of(told, shop, "--older-than", "0m")
            assert (found["removed"], found["freed_bytes"]) == ([], 0)
            assert [run["state"] for run in found["kept"]] == ["alive"]
        finally:
            build.kill()
            build.communicate()
        (found,) = told_of(told, shop, "--dry-run")
        assert found["freed_bytes"] > 1_000
        assert len(found["removed"]) == len(list(staging.iterdir())) == 1
        assert told_of(told, shop)[0]["removed"] == found["removed"]
        assert list(staging.iterdir()) == []
        assert told_of(told, shop)[0]["removed"] == []

    def it_says_what_it_frees(
        self, shop: Path, no_engine: None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        warehouse = shop.parent / "warehouse"
        left_by(warehouse, "unknown-5d", timedelta(days=5))
        left_by(warehouse, "alive-5d", timedelta(days=5))
        assert main(["clean", "--config", str(shop)]) == 0
        assert capsys.readouterr().out.splitlines() == [
            "removed unknown-5d: of another machine, or not known, last written "
            "2026-01-05 00:00 UTC",
            "kept alive-5d: at work, last written 2026-01-05 00:00 UTC",
            f"{warehouse}: freed 1.0 KB, the staging of 1 run",
        ]

    def it_looks_into_the_warehouses_of_all_variants(self, shop: Path, told: Told) -> None:
        config = shop.with_name("variants.yaml")
        found = told_of(told, config)
        names = [Path(one["warehouse"]).name for one in found]
        assert names == ["ablation", "as_is", "flatter", "easy_only", "other_seed"]

    def it_refuses_what_is_no_duration(
        self, shop: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["clean", "--config", str(shop), "--older-than", "2 days"]) == 2
        assert capsys.readouterr().err == (
            "--older-than: must be a whole number of minutes, hours or days: 90m, 24h, 7d, "
            "found 2 days.\n"
        )


def told_of(told: Told, config: Path, *words: str) -> list[dict[str, Any]]:
    found: Any = told("clean", "--config", str(config), *words)
    return list(found)


@pytest.mark.usefixtures("shared_engine")
class DescribeABuildThatFails:
    def it_is_over_though_its_process_lives_on(
        self, shop: Path, told: Told, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def overtaken(*_: object) -> None:
            raise ConflictError(Problem("releases", "another run was faster"))

        with monkeypatch.context() as patch:
            patch.setattr("winnow.building.build.publish", overtaken)
            assert main(["build", "--config", str(shop), "--ds", "2026-01-01", "--json"]) == 4
        (run,) = staged_runs(shop.parent / "warehouse")
        assert run.state == "ended"
        assert len(told_of(told, shop)[0]["removed"]) == 1

    @pytest.mark.fault(17)
    def it_names_the_staging_that_clean_would_free_where_the_disk_is_full(
        self, shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        warehouse = shop.parent / "warehouse"
        folder = left_by(warehouse, "killed-5d", timedelta(days=5))
        (folder / "things" / "part-0.parquet").write_bytes(b"x" * 3_000_000)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(warehouse / "x"))

        monkeypatch.setattr("winnow.building.build.count_logs", full)
        assert main(["build", "--config", str(shop), "--ds", "2026-01-01", "--json"]) == 1
        (problem,) = json.loads(capsys.readouterr().err)["problems"]
        assert problem["what"] == "the disk is full"
        assert problem["next_step"] == (
            f"winnow clean --warehouse {warehouse} frees 3.0 MB, the staging of a run that is "
            "over; then run it again."
        )
        assert [run.run_id for run in staged_runs(warehouse)] == ["killed-5d"]
