"""A session on a server of Spark Connect, whose process knows no other way to Spark.

What a server cannot do is refused as it is asked for: RDDs, the JVM, the classic context. So are
caches, which other engines do not have.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from winnow.engine.connect import ConnectEngine

from deploy.cluster.connect_server import ConnectServer, running
from tests.child_process import PATH, child_environment

OF_FRAMES = ("cache", "persist", "unpersist", "checkpoint", "localCheckpoint", "rdd", "_jdf")
OF_SESSIONS = ("sparkContext", "_sc", "_jvm", "_jsparkSession")

asked_for: list[str] = []
"""What was refused, since this process began: code may catch the refusal."""


class Refused:
    """In place of an attribute that only a classic session has, or that caches."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: object, kind: type) -> Any:
        asked_for.append(f"{kind.__name__}.{self.name}")
        raise AssertionError(f"{asked_for[-1]} is asked for")


def refuse_the_classic_way() -> None:
    """Refuse it from here on, for as long as this process lives."""
    from pyspark import SparkContext
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.session import SparkSession

    for kind, names in ((DataFrame, OF_FRAMES), (SparkSession, OF_SESSIONS)):
        for name in names:
            setattr(kind, name, Refused(name))
    SparkContext._ensure_initialized = Refused("start")  # type: ignore[method-assign, assignment]


@contextmanager
def connect_engine(folder: Path) -> Iterator[ConnectEngine]:
    """Start a server of two cores, and an engine on it; both end with the block."""
    environment = {**child_environment(), "PYTHONPATH": PATH, "PATH": os.environ["PATH"]}
    server = ConnectServer(
        folder,
        master="local[2]",
        settings={
            "spark.driver.memory": "2g",
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
            "spark.sql.shuffle.partitions": "4",
            "spark.sql.codegen.wholeStage": "false",
            "spark.python.daemon.module": "winnow.engine.startup.python_daemon",
        },
        environment={**environment, "PYSPARK_PYTHON": sys.executable},
    )
    with running(server):
        refuse_the_classic_way()
        with ConnectEngine.launch(server.address) as engine:
            yield engine
