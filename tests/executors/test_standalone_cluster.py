"""Builds on a real cluster whose executors have what the extra lists, and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession
from winnow.config.loading import load_config
from winnow.engine.java import check_java, find_jars
from winnow.errors import RequirementError
from winnow.release.releases import list_releases

from deploy.cluster.standalone import free_port
from tests.events.handmade import build_day
from tests.executors import needed
from tests.executors.cluster import Cluster, bare_python, running, wait_for

DAY = date(2026, 1, 1)
_LONGEST_BUILD = 900


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        free_port()
        check_java()
        find_jars()
    except (OSError, RequirementError) as error:
        pytest.skip(f"no cluster on this machine: {error}")
    with running(tmp_path_factory.mktemp("cluster"), workers=2) as started:
        yield started


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of the executors."""
    return bare_python(tmp_path_factory.mktemp("bare") / "environment")


def shop(folder: Path) -> Path:
    """A copy of the example; its config."""
    own = needed.ROOT / "examples" / "own_logs"
    shutil.copytree(own, folder, ignore=lambda _folder, names: {"warehouse"} & set(names))
    return folder / "winnow.yaml"


def hashes(config: Path) -> dict[str, object]:
    """The content hash of every table of the one release."""
    (release,) = list_releases(config.parent / "warehouse")
    return {pin.table: pin.content for pin in release.tables}


def ended(build: "subprocess.Popen[str]") -> tuple[int, str, str]:
    try:
        told, problems = build.communicate(timeout=_LONGEST_BUILD)
    finally:
        build.kill()
    return build.returncode, told, problems


def problems_in(printed: str) -> list[dict[str, str]]:
    """What ``--json`` told; spark-submit passes it on among its own output."""
    (line,) = [line for line in printed.splitlines() if line.startswith('{"problems": ')]
    told: list[dict[str, str]] = json.loads(line)["problems"]
    return told


@pytest.fixture(scope="module")
def expected(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a build on this machine gives."""
    config = shop(tmp_path_factory.mktemp("here") / "shop")
    build_day(load_config(config), spark, DAY)
    return hashes(config)


@pytest.mark.proof
class DescribeTheScript:
    def it_starts_a_cluster_and_ends_it_when_it_is_told_to(
        self, cluster: Cluster, tmp_path: Path
    ) -> None:
        script = needed.ROOT / "deploy" / "cluster" / "standalone.py"
        words = ["--folder", str(tmp_path), "--workers", "1", "--memory", "600m", "--port", "0"]
        started = subprocess.Popen(
            [sys.executable, str(script), *words],
            env=cluster.environment, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert started.stdout is not None
            address = started.stdout.readline().strip()
            assert address.startswith("spark://127.0.0.1:")
            assert address != cluster.master
            children = psutil.Process(started.pid).children(recursive=True)
            # The script that launches a JVM has a child of its own, which nobody waits for.
            of_spark = [one for one in children if one.name() == "java"]
            assert len(of_spark) == 2
            started.terminate()
            assert started.wait(timeout=120) == 0
            assert started.stdout.read() == "ended\n"
            assert not any(one.is_running() for one in of_spark)
        finally:
            # Told once more where a check has failed: killed, it would leave its cluster behind.
            started.terminate()
            started.wait(timeout=120)
        assert "Registering worker" in (tmp_path / "master.log").read_text(encoding="utf-8")


@pytest.mark.proof
class DescribeExecutorsThatLackAPackage:
    def it_is_told_of_each_of_them_before_any_work(self, cluster: Cluster, tmp_path: Path) -> None:
        config = shop(tmp_path / "shop")
        without = bare_python(tmp_path / "without", "numba")
        words = ("--config", str(config), "--ds", str(DAY), "--json")
        code, printed, problems = ended(cluster.submit(without, *words, cwd=tmp_path))
        assert code == 2, problems
        told = problems_in(printed)
        assert len(told) == 2
        for problem in told:
            assert problem["where"].startswith("executor ")
            assert problem["found"] == "numba (ModuleNotFoundError: No module named 'numba')"
            assert str(without) in problem["what"]
        assert len({problem["where"] for problem in told}) == 2
        assert not (config.parent / "warehouse").exists()

    def it_is_told_where_they_have_no_such_python(self, cluster: Cluster, tmp_path: Path) -> None:
        config = shop(tmp_path / "shop")
        nowhere = tmp_path / "nowhere" / "python"
        words = ("--config", str(config), "--ds", str(DAY), "--json")
        code, printed, problems = ended(cluster.submit(nowhere, *words, cwd=tmp_path))
        assert code == 2, problems
        (problem,) = problems_in(printed)
        assert problem["where"] == "executors"
        assert str(nowhere) in problem["found"]


@pytest.mark.skipif(
    "WINNOW_TEST_CLUSTER" not in os.environ,
    reason="every executor compiles the kernels, which takes minutes: make cluster",
)
class DescribeExecutorsThatHaveTheExtraAlone:
    def it_builds_what_one_machine_builds(
        self, cluster: Cluster, python: Path, expected: dict[str, object], tmp_path: Path
    ) -> None:
        config = shop(tmp_path / "shop")
        words = ("--config", str(config), "--ds", str(DAY))
        code, _, problems = ended(cluster.submit(python, *words, cwd=tmp_path))
        assert code == 0, problems
        assert hashes(config) == expected

    @pytest.mark.fault(4)
    def it_builds_the_same_where_a_worker_is_killed(
        self, cluster: Cluster, python: Path, expected: dict[str, object], tmp_path: Path
    ) -> None:
        config = shop(tmp_path / "shop")
        words = ("--config", str(config), "--ds", str(DAY))
        build = cluster.submit(python, *words, cwd=tmp_path)
        try:
            staging = config.parent / "warehouse" / "_staging"
            wait_for(
                lambda: any(staging.glob("*/kept-pairs/*")) or build.poll() is not None,
                "the sampler",
                _LONGEST_BUILD,
            )
            victim = cluster.workers[0]
            assert cluster.has_executor(victim)
            assert build.poll() is None
            cluster.kill(victim)
        except BaseException:
            build.kill()
            raise
        code, _, problems = ended(build)
        assert code == 0, problems
        assert "Lost executor" in problems, "it was at work"
        assert hashes(config) == expected
