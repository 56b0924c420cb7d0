"""A standalone cluster of Spark on this machine: a master, and workers, each a process of its own.

    python deploy/cluster/standalone.py --folder /tmp/cluster --workers 2

starts them with the launch classes of pip's PySpark, which has no start scripts, prints the address
of the master, and ends them by their process ids when it is interrupted or told to end. It needs
PySpark and Java, and nothing of Winnow. It listens on the loopback unless --host says otherwise.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeVar

import pyspark

SPARK = Path(pyspark.__file__).parent
LOOPBACK = "127.0.0.1"
PATIENCE = 300.0
"""Seconds: a machine with much other work starts a JVM slowly."""


def free_port(host: str = LOOPBACK) -> int:
    """Return a port that nobody listens on.

    Raises:
        OSError: There is none.
    """
    with socket.socket() as held:
        held.bind((host, 0))
        port: int = held.getsockname()[1]
        return port


class Cluster:
    """A master and its workers.

    Attributes:
        master: The address for ``spark-submit --master``.
        workers: The processes of the workers, in the order in which they were started.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = LOOPBACK,
        port: int | None = None,
        cores: int = 1,
        memory: str = "640m",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Describe a cluster; nothing is started yet.

        Args:
            folder: Of logs, and of what the workers keep.
            host: Where all listen. port: The master's; None takes one that is free.
            cores, memory: What each worker offers.
            environment: Of all processes; None is that of this one.
        """
        self.folder, self.host = folder, host
        self.master = f"spark://{host}:{port or free_port(host)}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self._cores, self._memory = cores, memory
        own = {"SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": host, "SPARK_DAEMON_MEMORY": "256m"}
        self.environment = {**(os.environ if environment is None else environment), **own}
        self._started: list[subprocess.Popen[bytes]] = []

    def add_master(self, page: int | None = None) -> None:
        """Start the master and wait until it takes workers; ``page`` is the port of its web page.

        Raises:
            RuntimeError: It does not come, or has ended.
        """
        port = self.master.rpartition(":")[2]
        words = ("deploy.master.Master", "--host", self.host, "--port", port)
        process = self._start("master", page, *words)
        self._wait_for(process, "master", "I have been elected leader")

    def add_worker(self, page: int | None = None) -> None:
        """Start a worker and wait until the master knows it; ``page`` as of ``add_master``.

        Raises:
            RuntimeError: It does not come, or has ended.
        """
        name = f"worker-{len(self.workers)}"
        size = ("--cores", str(self._cores), "--memory", self._memory)
        folder = ("--work-dir", str(self.folder / name))
        words = ("deploy.worker.Worker", "--host", self.host, *size, *folder, self.master)
        self.workers.append(self._start(name, page, *words))
        self._wait_for(self.workers[-1], name, "Successfully registered with master")

    def log(self, name: str) -> str:
        """Return what ``master`` or ``worker-<number>`` has written so far."""
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

    def _start(
        self, name: str, page: int | None, kind: str, *words: str
    ) -> "subprocess.Popen[bytes]":
        launch = [str(SPARK / "bin" / "spark-class"), f"org.apache.spark.{kind}"]
        own = ["--webui-port", str(page or free_port(self.host))]
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [*launch, *own, *words], env=self.environment, stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def _wait_for(self, process: "subprocess.Popen[bytes]", name: str, line: str) -> None:
        end = time.monotonic() + PATIENCE
        while line not in self.log(name):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{name} did not come; see {self.folder / name}.log")
            time.sleep(0.2)


Started = TypeVar("Started", bound=Cluster)


@contextmanager
def running(cluster: Started, workers: int) -> Iterator[Started]:
    """Start a cluster, which ends with the block."""
    try:
        cluster.add_master()
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()


def main(words: list[str] | None = None, tell: Callable[[str], object] = sys.stdout.write) -> None:
    """Start a cluster as the command line says, and end it when this process is told to end."""
    parser = argparse.ArgumentParser(description="A standalone cluster of Spark on this machine.")
    parser.add_argument("--folder", type=Path, required=True, help="of logs and work")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cores", type=int, default=1, help="of each worker")
    parser.add_argument("--memory", default="1g", help="of each worker")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=7077, help="of the master; 0: one that is free")
    asked = parser.parse_args(words)

    def ended(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
    cluster = Cluster(
        asked.folder, host=asked.host, port=asked.port, cores=asked.cores, memory=asked.memory
    )
    try:
        with running(cluster, asked.workers):
            tell(f"{cluster.master}\n")
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        tell("ended\n")


if __name__ == "__main__":
    main()
