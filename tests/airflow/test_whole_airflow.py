"""A whole Airflow on loopback: a backfill builds a date, and its consumer is fired by the asset."""

import json
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.airflow import home

if not home.there():
    pytest.skip("Airflow is in an environment of its own: make airflow", allow_module_level=True)

LONGEST = 1500.0
"""Seconds, on a machine with much other work."""

DUE = "2026-01-03T02:30:00+00:00"


class Airflow:
    """Scheduler and server of tasks, each a process of its own, with a database of their own."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder, self.database = folder, folder / "airflow.db"
        self._started: list[subprocess.Popen[bytes]] = []
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        self._port = str(port)
        (folder / "dags").mkdir(parents=True)
        for file in home.DAGS.iterdir():
            if file.is_file():
                (folder / "dags" / file.name).write_text(as_here(file, config), encoding="utf-8")
        self.environment = {
            **os.environ,
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "1",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.database}",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        }

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *words],
            env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "airflow", name, *words],
                    env=self.environment, cwd=self.folder, stdout=log, stderr=log,
                )
            )  # fmt: skip

    def begin(self) -> None:
        self.run("db", "migrate")
        self.run("dags", "reserialize")
        own = ("--host", "127.0.0.1", "--port", self._port, "--workers", "1")
        self.start("api-server", "--apps", "execution", *own)
        end = time.monotonic() + LONGEST
        while not self.answers():
            assert time.monotonic() < end, "the server did not come"
            time.sleep(0.5)
        self.start("scheduler", "--skip-serve-logs")

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", int(self._port)), timeout=5):
                return True
        except OSError:
            return False

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            return database.execute(query).fetchall()

    def wait_for(self, query: str, expected: list[tuple[Any, ...]]) -> None:
        end = time.monotonic() + LONGEST
        while (found := self.rows(query)) != expected:
            told = "\n".join(path.read_text()[-3000:] for path in self.folder.glob("*.log"))
            assert time.monotonic() < end, f"{found}\n{told}"
            assert all(one.poll() is None for one in self._started), told
            failed = self.rows("select dag_id, task_id from task_instance where state = 'failed'")
            assert failed == [], told
            time.sleep(1)

    def stop(self) -> None:
        for process in reversed(self._started):
            process.terminate()
        for process in self._started:
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()


def as_here(file: Path, config: Path) -> str:
    """A file of the DAGs with the paths of this test, and no runs but those of a backfill."""
    text = file.read_text(encoding="utf-8")
    if file.name != "winnow_daily.py":
        return text
    for there, here in {
        '"/data/warehouse"': repr(str(config.parent / "warehouse")),
        '"/data/winnow.yaml"': repr(str(config)),
        '"/opt/winnow/bin/winnow"': repr(home.command()),
        "catchup=True": 'catchup=False, end_date=pendulum.datetime(2026, 1, 5, tz="UTC")',
    }.items():
        assert text.count(there) == 1
        text = text.replace(there, here)
    return text


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return home.shop(tmp_path / "shop")


@pytest.fixture
def airflow(tmp_path: Path, config: Path) -> Iterator[Airflow]:
    started = Airflow(tmp_path / "airflow", config)
    try:
        started.begin()
        yield started
    finally:
        started.stop()


class DescribeABackfill:
    def it_builds_the_date_and_fires_the_consumer_on_its_partition(
        self, airflow: Airflow, config: Path
    ) -> None:
        assert airflow.rows("select dag_id, has_import_errors from dag order by 1") == [
            ("train", 0),
            ("winnow", 0),
        ]
        words = ("--dag-id", "winnow", "--from-date", DUE, "--to-date", DUE)
        airflow.run("backfill", "create", *words)
        airflow.wait_for(
            "select dag_id, run_type, state, partition_key from dag_run order by dag_id",
            [
                ("train", "asset_triggered", "success", "2026-01-01"),
                ("winnow", "backfill", "success", None),
            ],
        )
        (release,) = home.told("releases", "--config", str(config))
        assert release["ds"] == "2026-01-01"
        (told,) = airflow.rows(
            "select value from xcom where dag_id = 'train' and key = 'return_value'"
        )
        assert (
            json.loads(json.loads(told[0]) if told[0].startswith('"\\"') else told[0])
            == (release["release_id"])
        )
