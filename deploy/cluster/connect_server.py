"""A server of Spark Connect on this machine, a process of its own.

    python deploy/cluster/connect_server.py --folder /tmp/connect --master 'local[2]'

starts it with pip's PySpark, whose start script is not in the package, prints its address when it
takes sessions, and ends it by its process id when it is interrupted or told to end. It needs
PySpark and Java. It listens on the loopback, without any check of who comes: to try, not for a
network. Settings of Spark follow as KEY=VALUE.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import pyspark

SPARK = Path(pyspark.__file__).parent
LOOPBACK = "127.0.0.1"
PATIENCE = 300.0
"""Seconds: a machine with much other work starts a JVM slowly."""
_OF_A_SESSION = ("SPARK_REMOTE", "SPARK_CONNECT_", "SPARK_LOCAL_REMOTE", "PYSPARK_GATEWAY")
_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"


class ConnectServer:
    """A server of Spark Connect.

    Attributes:
        address: For ``winnow build --engine connect --remote``.
        process: The server's process.
    """

    def __init__(
        self,
        folder: Path,
        *,
        master: str = "local[*]",
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start a server; ``wait`` waits until it takes sessions.

        Args:
            folder: Of its log, and of what it keeps.
            master: Who computes, as of ``spark-submit``.
            port: Where it listens; 0 takes one that is free.
            settings: Further settings of Spark.
            environment: Of the process; None is that of this one.

        Raises:
            OSError: No port is free, or the folder cannot be written.
        """
        port = port or _free_port()
        self.address, self._port = f"sc://{LOOPBACK}:{port}", port
        self._log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)
        own = {
            "spark.connect.grpc.binding.address": LOOPBACK,
            "spark.connect.grpc.binding.port": str(port),
            "spark.driver.host": LOOPBACK,
            "spark.driver.bindAddress": LOOPBACK,
            "spark.ui.enabled": "false",
            "spark.local.dir": str(folder),
            "spark.sql.warehouse.dir": str(folder / "spark-warehouse"),
        }
        confs = [
            word
            for pair in (own | dict(settings or {})).items()
            for word in ("--conf", "=".join(pair))
        ]
        given = dict(os.environ if environment is None else environment)
        # Where a session of this process has set who it is, the server would not be one.
        given = {k: v for k, v in given.items() if not k.startswith(_OF_A_SESSION)}
        given |= {"SPARK_HOME": str(SPARK), "SPARK_LOCAL_IP": LOOPBACK}
        given.setdefault("PYSPARK_PYTHON", sys.executable)
        submit = [str(SPARK / "bin" / "spark-submit"), "--master", master, "--class", _CLASS]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*submit, *confs, "spark-internal"], env=given, stdout=log, stderr=log, cwd=folder
            )

    def wait(self) -> None:
        """Wait until the server takes connections.

        Raises:
            RuntimeError: It has ended, or takes none.
        """
        end = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), socket.create_connection((LOOPBACK, self._port), timeout=1):
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not come; see {self._log}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End the server, and wait until it has."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _free_port() -> int:
    with socket.socket() as held:
        held.bind((LOOPBACK, 0))
        port: int = held.getsockname()[1]
        return port


@contextmanager
def running(server: ConnectServer) -> Iterator[ConnectServer]:
    """Wait for a server, which ends with the block."""
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def main(words: list[str] | None = None, tell: Callable[[str], object] = sys.stdout.write) -> None:
    """Start a server as the command line says, and end it when this process is told to end."""
    parser = argparse.ArgumentParser(description="A server of Spark Connect on this machine.")
    parser.add_argument("--folder", type=Path, required=True, help="of its log and work")
    parser.add_argument("--master", default="local[*]", help="who computes")
    parser.add_argument("--port", type=int, default=15002, help="0: one that is free")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="settings of Spark")
    asked = parser.parse_args(words)
    settings = dict(pair.split("=", 1) for pair in asked.settings if "=" in pair)
    if len(settings) < len(asked.settings):
        parser.error("a setting is KEY=VALUE")

    def ended(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
    server = ConnectServer(
        asked.folder.absolute(), master=asked.master, port=asked.port, settings=settings
    )
    try:
        with running(server):
            tell(f"{server.address}\n")
            sys.stdout.flush()
            signal.pause()
    except KeyboardInterrupt:
        tell("ended\n")


if __name__ == "__main__":
    main()
