"""Processes that publish different dates at once: each releases its own, none is refused."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from winnow.errors import ConflictError
from winnow.release.commits import Label
from winnow.release.creation import ensure_table
from winnow.release.delta_log import read_history, version_labelled
from winnow.release.releases import list_releases
from winnow.release.store import Store
from winnow.release.verify import verify_release

from tests.child_process import PATH, ROOT, child_environment
from tests.release.publisher import Job, copied
from tests.release.slow_store import wait_for
from tests.release.things import THINGS, Run, store_of

# The processes that publish have no engine.
pytestmark = pytest.mark.one_engine

DAYS = [date(2026, 1, 5 + n) for n in range(8)]
ROUNDS = 4


class DescribeDatesThatArePublishedAtOnce:
    @pytest.mark.fault(7)
    def it_releases_the_dates_of_eight_processes_all_of_them(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        store, go = store_of(spark, tmp_path / "warehouse"), tmp_path / "go"
        jobs = []
        for number, day in enumerate(DAYS):
            first = Run(store, day, mark=f"mark {number}")
            staged, runs = first.stage(spark), []
            for attempt in range(ROUNDS):
                run_id, tables = copied(store.folder, staged)
                runs.append(
                    (replace(first.record, run_id=run_id, config_hash=f"c{attempt}"), tables)
                )
            jobs.append(Job(store.folder, runs, tmp_path / f"ready {number}", go))
        files = [tmp_path / f"{number}.pickle" for number in range(len(jobs))]
        for file, job in zip(files, jobs, strict=True):
            file.write_bytes(pickle.dumps(job))
        parent = subprocess.Popen(
            [sys.executable, "-m", "tests.release.publisher", *map(str, files)],
            cwd=ROOT,
            env=child_environment() | {"PYTHONPATH": PATH},
            stderr=subprocess.PIPE,
            text=True,
        )
        for job in jobs:
            wait_for(job.ready)
        go.touch()
        errors = parent.communicate(timeout=300)[1]
        assert parent.returncode == 0, errors

        releases = list_releases(store.folder)
        assert [r.seq for r in releases] == list(range(1, len(DAYS) * ROUNDS + 1))
        for day, job in zip(DAYS, jobs, strict=True):
            own = [r for r in releases if r.ds == day]
            assert [r.run_id for r in own] == [run.run_id for run, _ in job.runs]
            assert verify_release(own[-1], store) == ()
            for released in own:
                for pin in released.tables:
                    label = Label(released.run_id, 1, released.config_hash, released.code_version)
                    assert version_labelled(store.folder / pin.table, label) == pin.version
        for table in ("things", "stats"):
            versions = [commit.version for commit in read_history(store.folder / table)]
            assert versions == list(reversed(range(len(DAYS) * ROUNDS + 1)))

    def it_lets_processes_that_change_the_same_properties_at_once_all_go_on(
        self, store: Store
    ) -> None:
        path = store.folder / "things"

        def prepare(_: int) -> None:
            ensure_table(path, THINGS, 30)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(prepare, range(8)))
        found = DeltaTable(str(path)).metadata().configuration
        assert found["delta.logRetentionDuration"] == "interval 30 days"


class DescribeTheVersionOfALabel:
    def it_is_the_one_in_the_name_of_the_entry_that_holds_it(self, store: Store) -> None:
        folder = store.folder / "things" / "_delta_log"
        for release in list_releases(store.folder):
            label = Label(release.run_id, 1, release.config_hash, release.code_version)
            entries = [e for e in folder.glob("*.json") if release.run_id in e.read_text("utf-8")]
            assert [int(e.stem) for e in entries] == [
                version_labelled(store.folder / "things", label)
            ]

    def it_may_be_tried_again_where_no_entry_holds_it(self, store: Store) -> None:
        with pytest.raises(ConflictError) as caught:
            version_labelled(store.folder / "things", Label("nobody", 1, "c1", "0.1.0"))
        assert caught.value.exit_code == 4
        assert str(caught.value) == (
            "things: no version was committed by the run nobody, though its commit succeeded. "
            "The table was replaced meanwhile. Run again; nothing was released."
        )
