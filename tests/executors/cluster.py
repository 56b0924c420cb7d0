"""A real standalone cluster on this machine: a master and workers, each a process of its own."""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psutil
from winnow.engine.java import find_jars

from deploy.cluster import standalone
from tests.child_process import child_environment
from tests.executors import needed


def bare_python(folder: Path, *without: str) -> Path:
    """Make an environment that has the packages of the extra ``executors`` and nothing else.

    They are links to those of this environment: the same files, and nothing to download.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for own in needed.installed():
        for top in {file.parts[0] for file in own.files or []} - {"..", "__pycache__", *without}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(own.locate_file(top))))
    return folder / "bin" / "python"


def packed(path: Path) -> Path:
    """Write what ``--py-files`` takes, as the README says."""
    package = needed.ROOT / "pipelines" / "winnow"
    with zipfile.ZipFile(path, "w") as archive:
        for folder, name in (
            (package, "winnow"),
            (needed.ROOT / "schemas", "winnow/schemas"),
            (needed.ROOT / "configs", "winnow/configs"),
        ):
            for file in sorted(folder.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.write(file, Path(name) / file.relative_to(folder))
    return path


class Cluster(standalone.Cluster):
    """A master, and workers of one core each, which take this checkout's builds."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, environment=_environment())
        self._packages = packed(folder / "winnow.zip")

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """Kill a worker, the executor that it started, and that one's processes of Python."""
        for one in (*psutil.Process(worker.pid).children(recursive=True), worker):
            with suppress(psutil.NoSuchProcess):
                one.kill()
        worker.wait()

    def has_executor(self, worker: subprocess.Popen[bytes]) -> bool:
        """Whether a worker has started an executor."""
        for child in psutil.Process(worker.pid).children():
            # One that has just ended has no words any more.
            with suppress(psutil.NoSuchProcess):
                if "CoarseGrainedExecutorBackend" in " ".join(child.cmdline()):
                    return True
        return False

    def submit(self, python: Path, *words: str, cwd: Path) -> "subprocess.Popen[str]":
        """Begin ``jobs/build.py`` as the README says; its Python is this one, ``python`` theirs."""
        settings = {
            "spark.driver.host": standalone.LOOPBACK,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
        }
        confs = [word for item in settings.items() for word in ("--conf", "=".join(item))]
        return subprocess.Popen(
            [
                str(standalone.SPARK / "bin" / "spark-submit"), "--master", self.master,
                "--driver-memory", "1g", "--executor-memory", "512m", *confs,
                "--jars", ",".join(str(jar) for jar in find_jars()),
                "--py-files", str(self._packages),
                str(needed.ROOT / "jobs" / "build.py"), *words,
            ],
            env=self.environment | {
                "PYSPARK_PYTHON": str(python),
                "PYSPARK_DRIVER_PYTHON": sys.executable,
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
        )  # fmt: skip


def running(folder: Path, workers: int) -> AbstractContextManager[Cluster]:
    """A cluster, which ends with the block."""
    return standalone.running(Cluster(folder), workers)


def wait_for(there: Callable[[], bool], what: str, patience: float = standalone.PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + patience
    while not there():
        assert time.monotonic() < end, f"{what} did not come within {patience:g} s"
        time.sleep(0.2)


def _environment() -> dict[str, str]:
    own = {
        # Each of these JVMs lives for seconds, of which the second compiler would take most.
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    # What is imported there comes from the zip.
    inherited = {k: v for k, v in child_environment().items() if k not in ("PYTHONPATH", "CI")}
    return {**inherited, **own, "PATH": os.environ["PATH"]}
