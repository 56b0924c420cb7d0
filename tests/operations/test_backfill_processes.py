"""Dates side by side, in processes of their own: the same releases, and all end together."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import winnow
from pyspark.sql import SparkSession
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.operations.dates.processes import Processes

from tests.child_process import PATH, child_environment
from tests.events.handmade import DAY
from tests.operations.few_dates import DATES, built, few_dates, write_config, write_logs
from tests.operations.test_backfill import outcomes, released, told

pytestmark = pytest.mark.sail_only  # each process starts an engine: of Spark that is a JVM


class DescribeProcesses:
    @pytest.mark.proof
    def it_makes_of_each_date_what_its_own_build_makes(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write_logs(tmp_path)
        settings = few_dates(tmp_path)
        done = winnow.backfill(settings, DATES[0], DAY, parallel=2)
        assert outcomes(done) == ["released"] * 3
        for day in DATES:
            alone = settings.model_copy(update={"warehouse": str(tmp_path / "alone")})
            built(alone, spark, day)
            found = released(tmp_path / "warehouse", day)
            assert told(found) == told(released(tmp_path / "alone", day))

    @pytest.mark.proof
    def it_ends_all_processes_where_it_is_ended(self, tmp_path: Path) -> None:
        """What was released stays, and another run does the rest."""
        write_logs(tmp_path)
        path = write_config(few_dates(tmp_path), tmp_path)
        words = ["-m", "winnow.cli.main", "backfill", "--config", str(path), "--parallel", "2"]
        words += ["--from", str(DATES[0]), "--to", str(DAY)]
        environment = child_environment() | {"PYTHONPATH": PATH}
        child = subprocess.Popen(
            [sys.executable, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert child.stderr is not None
        first = next(line for line in child.stderr if " released (1 of 3)" in line)
        workers = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGTERM)
        child.stderr.close()
        assert child.wait(60) == 143
        assert len(workers) >= 2
        assert not [worker for worker in workers if worker.is_running()]
        day = next(day for day in DATES if str(day) in first)
        before = released(tmp_path / "warehouse", day)
        again = subprocess.run([sys.executable, *words], check=False, env=environment)
        assert again.returncode == 0
        assert [released(tmp_path / "warehouse", one).ds for one in DATES] == list(DATES)
        assert released(tmp_path / "warehouse", day) == before

    def it_tells_that_a_process_was_killed(self, tmp_path: Path) -> None:
        engine: Any = None
        request = BuildRequest(few_dates(tmp_path), DAY, engine, progress=Progress(quiet=True))
        with Processes(1, request, {"engine": "sail"}) as workers:
            workers.start(DAY)
            (worker,) = workers._workers
            worker.process.kill()
            ended = workers.finished()
            assert ended.outcome == "failed"
            assert "the process that built it ended" in ended.why
            assert "signal 9" in ended.why

    def it_tells_of_every_date_that_no_engine_starts(self, tmp_path: Path) -> None:
        engine: Any = None
        request = BuildRequest(few_dates(tmp_path), DAY, engine, progress=Progress(quiet=True))
        with Processes(1, request, {"engine": "steam"}) as workers:
            for day in DATES[:2]:
                workers.start(day)
                ended = workers.finished()
                assert (ended.ds, ended.outcome) == (day, "failed")
                assert "this engine is not known" in ended.why
