"""The engine of a build: who computes, who commits, and how a file reaches every task.

``sail`` runs in this process, on this machine, without Java. ``spark`` needs Java and also runs on
clusters. The pipeline does not know which of them works: what differs stands behind ``Engine``.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import Place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Engine(ABC):
    """A running engine: the session, how files reach tasks, and who commits.

    Attributes:
        spark: The session: classic for ``spark``, Spark Connect for ``sail``; always in UTC.
    """

    def __init__(self, spark: "SparkSession") -> None:
        """Take over a session; ``stop`` ends it."""
        self.spark = spark

    @abstractmethod
    def ship(self, path: Path) -> str:
        """Send a file to every task; return the name that ``shipped(name)`` finds it under there.

        The file must stay where it is until the last job that reads it has ended. Its name must
        be new in this session: an executor keeps the first file of a name.
        """

    @abstractmethod
    def store(
        self, warehouse: Place, retention_days: int = 400, limits: Limits = DEFAULT_LIMITS
    ) -> Store:
        """Return the store of a warehouse; ``retention_days`` go into its tables' properties."""

    def compile_kernels(  # noqa: B027
        self, stage: Callable[[str], AbstractContextManager[object]]
    ) -> None:
        """Compile what tasks need, as a stage of its own, where this machine has not done so yet.

        On a cluster every executor compiles for itself, when its first task needs a kernel.

        Args:
            stage: Tells of a stage, as ``Progress.stage``.
        """

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
