"""A real standalone cluster on this machine: a master and workers, each a process of its own."""

import os
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pyspark
from winnow.engine.java import find_jars

from tests.child_process import child_environment
from tests.executors import needed

SPARK = Path(pyspark.__file__).parent
HERE = "127.0.0.1"
_PATIENCE = 300.0
"""Seconds: a machine with much other work starts a JVM slowly."""


def free_port() -> int:
    """A port of the loopback that nobody listens on; OSError where there is none."""
    with socket.socket() as held:
        held.bind((HERE, 0))
        port: int = held.getsockname()[1]
        return port


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


class Cluster:
    """A master, and workers of one core each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.master = f"spark://{HERE}:{free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._started: list[subprocess.Popen[bytes]] = []
        self._packages = packed(folder / "winnow.zip")

    def add_master(self) -> None:
        """Start the master and wait until it takes workers."""
        port = self.master.rpartition(":")[2]
        self._start("master", "deploy.master.Master", "--host", HERE, "--port", port)
        wait_for(lambda: "I have been elected leader" in self.log("master"), "the master")

    def add_worker(self) -> None:
        """Start a worker and wait until the master knows it."""
        name = f"worker-{len(self.workers)}"
        size = ("--cores", "1", "--memory", "640m", "--work-dir", str(self.folder / name))
        words = ("deploy.worker.Worker", "--host", HERE, *size, self.master)
        self.workers.append(self._start(name, *words))
        wait_for(lambda: "Successfully registered with master" in self.log(name), name)

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
            "spark.driver.host": HERE,
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
        }
        confs = [word for item in settings.items() for word in ("--conf", "=".join(item))]
        return subprocess.Popen(
            [
                str(SPARK / "bin" / "spark-submit"), "--master", self.master,
                "--driver-memory", "1g", "--executor-memory", "512m", *confs,
                "--jars", ",".join(str(jar) for jar in find_jars()),
                "--py-files", str(self._packages),
                str(needed.ROOT / "jobs" / "build.py"), *words,
            ],
            env=_environment() | {
                "PYSPARK_PYTHON": str(python),
                "PYSPARK_DRIVER_PYTHON": sys.executable,
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
        )  # fmt: skip

    def log(self, name: str) -> str:
        """What a process has written so far."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End all that was started, workers first."""
        for process in reversed(self._started):
            process.terminate()
        for process in self._started:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self, name: str, kind: str, *words: str) -> subprocess.Popen[bytes]:
        own = [str(SPARK / "bin" / "spark-class"), f"org.apache.spark.{kind}"]
        page = ["--webui-port", str(free_port())]
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*own, *page, *words], env=_environment(), stdout=log, stderr=log
            )
        self._started.append(process)
        return process


@contextmanager
def running(folder: Path, workers: int) -> Iterator[Cluster]:
    """A cluster, which ends with the block."""
    cluster = Cluster(folder)
    try:
        cluster.add_master()
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()


def wait_for(there: Callable[[], bool], what: str, patience: float = _PATIENCE) -> None:
    """Wait until something is so."""
    end = time.monotonic() + patience
    while not there():
        assert time.monotonic() < end, f"{what} did not come within {patience:g} s"
        time.sleep(0.2)


def _environment() -> dict[str, str]:
    own = {
        "SPARK_HOME": str(SPARK),
        "SPARK_LOCAL_IP": HERE,
        "SPARK_DAEMON_MEMORY": "256m",
        # Each of these JVMs lives for seconds, of which the second compiler would take most.
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    # What is imported there comes from the zip.
    inherited = {k: v for k, v in child_environment().items() if k not in ("PYTHONPATH", "CI")}
    return {**inherited, **own, "PATH": os.environ["PATH"]}
