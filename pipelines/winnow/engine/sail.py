"""The engine ``sail``: a Spark Connect server in this process, on this machine, without Java."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from winnow.engine.engine import Engine
from winnow.errors import Problem, RequirementError
from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pyspark.sql import SparkSession

_SETTINGS = {
    # The server tells of each session that comes and goes.
    "RUST_LOG": "error",
    # The server forgets a session that says nothing for this long; one stage may take hours.
    "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(30 * 24 * 3600),
    # Its allocator keeps what it has: memory that is given back is asked for again by the next
    # batch of rows, and the first touch of a page is dear (bench/NOTES.md).
    "MIMALLOC_PURGE_DELAY": "-1",
    # On a virtual machine that gives free memory back to its host, pages of 2 MB are what the host
    # has to find again; small ones are mostly there. Where no host does so, 1 may be faster.
    "MIMALLOC_ALLOW_THP": "0",
    # Rows of a batch. A shuffle cuts every batch into one piece per partition: of 8,192 rows so
    # little is left in each that its bookkeeping takes more memory than its rows.
    "SAIL_EXECUTION__BATCH_SIZE": "65536",
    # Of what it writes itself, which is read a few times and thrown away.
    "SAIL_PARQUET__COMPRESSION": "snappy",
    "SAIL_PARQUET__STATISTICS_ENABLED": "none",
}
_SESSION = {"spark.sql.session.timeZone": "UTC"}


class SailEngine(Engine):
    """Sail computes, delta-rs commits. Tasks are threads of this process.

    Attributes:
        spark: A Spark Connect session.
    """

    def __init__(self, spark: "SparkSession", server: Any = None) -> None:
        """Take over a session and, where one was started for it, its server."""
        super().__init__(spark)
        self._server = server

    @classmethod
    def launch(cls) -> Self:
        """Start a server on a free port of the loopback address, and a session with it.

        Raises:
            RequirementError: pysail is not installed, or cannot be loaded.
        """
        for name, value in _SETTINGS.items():
            # Some of them are read when the library is loaded.
            os.environ.setdefault(name, value)
        try:
            from pysail.spark import SparkConnectServer
        except ModuleNotFoundError as error:
            raise RequirementError(
                Problem(
                    "sail",
                    "pysail is not installed",
                    next_step="pip install 'winnow[sail]', or use --engine spark.",
                )
            ) from error
        except ImportError as error:
            raise RequirementError(
                Problem("sail", "pysail is there, but cannot be loaded", found=str(error))
            ) from error
        from pyspark.sql import SparkSession

        server = SparkConnectServer(ip="127.0.0.1", port=0)
        server.start(background=True)
        _, port = server.listening_address
        # create() and not getOrCreate(): the session of a stopped server must not come back.
        builder: Any = SparkSession.builder.remote(f"sc://127.0.0.1:{port}")
        spark = builder.create()
        for name, value in _SESSION.items():
            spark.conf.set(name, value)
        return cls(cast("SparkSession", spark), server)

    def ship(self, path: Path) -> str:
        """Return the absolute path: every task runs on this machine."""
        return str(path.absolute())

    def store(
        self, warehouse: Place, retention_days: int = 400, limits: Limits = DEFAULT_LIMITS
    ) -> Store:
        """Return the store for which tasks write staged files."""
        from winnow.release.sail_store import SailStore

        return SailStore(self.spark, warehouse, retention_days, limits)

    def compile_kernels(self, stage: "Callable[[str], AbstractContextManager[object]]") -> None:
        """Compile what tasks need, where that was not done yet; see ``Engine``."""
        from winnow.engine.startup.warm_up import compile_if_due

        compile_if_due(stage)

    def warm_up(self, *, audit: bool) -> None:
        """Begin to load the kernels of sampler and audit; see ``Engine``."""
        from winnow.engine.startup.warm_up import warm_up_in_background

        warm_up_in_background(audit=audit)

    def stop(self) -> None:
        """End the session, and the server if it was started here."""
        try:
            self.spark.stop()
        finally:
            if self._server is not None:
                self._server.stop()
                self._server = None
