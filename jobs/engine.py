"""The engine of a build: who computes, who commits, and how a file reaches every task.

``sail`` runs in this process, on this machine, without Java. ``spark`` needs Java and also runs on
clusters. The pipeline does not know which of them works: what differs stands behind ``Engine``.
"""

import os
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, get_args

from pipelines.errors import ConfigError, Problem
from pipelines.publishing.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EngineName = Literal["sail", "spark"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
ENGINE_VARIABLE = "WINNOW_ENGINE"
"""Names the engine where no argument does."""


def under_spark_submit() -> bool:
    """Return whether spark-submit started this process and so decides on master and JARs."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def choose_engine(named: str | None = None, *, master: str | None = None) -> EngineName:
    """Return the engine to start: the named one, else ``$WINNOW_ENGINE``, else the default.

    The default is ``spark`` under spark-submit and ``sail`` elsewhere.

    Args:
        named: What the user asked for.
        master: A Spark master; only ``spark`` has one.

    Raises:
        ConfigError: There is no such engine, or it cannot do what is asked.
    """
    where = "--engine" if named else ENGINE_VARIABLE
    name = named or os.environ.get(ENGINE_VARIABLE) or ("spark" if under_spark_submit() else "sail")
    if name not in ENGINES:
        known = " or ".join(ENGINES)
        raise ConfigError(Problem(where, "this engine is not known", found=name, expected=known))
    if name == "sail" and under_spark_submit():
        what = "spark-submit starts the spark engine only"
        raise ConfigError(Problem(where, what, found=name, expected="spark"))
    if name == "sail" and master is not None:
        what = "the sail engine runs on this machine only and has no master"
        raise ConfigError(
            Problem("--master", what, found=master, next_step="Add --engine spark, or drop it.")
        )
    return name


class Engine(ABC):
    """A running engine: the session, how files reach tasks, and who commits.

    Attributes:
        spark: The session: classic for ``spark``, Spark Connect for ``sail``; always in UTC.
    """

    def __init__(self, spark: "SparkSession") -> None:
        """Take over a session; ``stop`` ends it."""
        self.spark = spark

    @staticmethod
    def start(
        app_name: str,
        *,
        engine: str | None = None,
        master: str | None = None,
        driver_memory: str | None = None,
        small_data: bool = False,
    ) -> "Engine":
        """Start the chosen engine; nothing of the other one is needed or loaded.

        Args:
            app_name: Shown in Spark's UI and logs.
            engine: ``sail`` or ``spark``; None chooses as ``choose_engine`` does.
            master: Spark only: by default ``local[*]``.
            driver_memory: Spark only: memory of the JVM on one machine, by default 4g.
            small_data: Spark only: start faster and run long work slower.

        Raises:
            ConfigError: There is no such engine, or it cannot do what is asked.
            RequirementError: What the engine needs is missing; says what to do.
        """
        if choose_engine(engine, master=master) == "sail":
            from jobs.sail_engine import SailEngine

            return SailEngine.launch()
        from jobs.spark_engine import SparkEngine

        return SparkEngine.launch(
            app_name, master=master, driver_memory=driver_memory, small_data=small_data
        )

    @staticmethod
    def of(spark: "SparkSession") -> "Engine":
        """Return the engine around a session that runs already."""
        if type(spark).__module__.startswith("pyspark.sql.connect"):
            from jobs.sail_engine import SailEngine

            return SailEngine(spark)
        from jobs.spark_engine import SparkEngine

        return SparkEngine(spark)

    @abstractmethod
    def ship(self, path: Path) -> str:
        """Send a file to every task; return the name that ``shipped(name)`` finds it under there.

        The file must stay where it is until the last job that reads it has ended. Its name must
        be new in this session: an executor keeps the first file of a name.
        """

    @abstractmethod
    def store(self, warehouse: Path, retention_days: int = 400) -> Store:
        """Return the store of a warehouse; ``retention_days`` go into its tables' properties."""

    def warm_up(self, *, audit: bool) -> None:  # noqa: B027
        """Begin to load, beside other work, what tasks need, where they run on this machine.

        Args:
            audit: Whether there will be an audit; an engine may load what it needs in any case.
        """

    @abstractmethod
    def stop(self) -> None:
        """End the session and what was started for it."""

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the session, whatever happened.

        What the work came to stands by now: where ending fails, nothing of it changes.
        """
        with suppress(Exception):
            self.stop()
