"""The engine ``connect``: Spark behind a server of Spark Connect; this process needs no Java."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from winnow.engine.connect_tasks import check_tasks
from winnow.engine.engine import Engine
from winnow.engine.remote import FORM, remote_address
from winnow.engine.session_settings import OF_ANY_SPARK
from winnow.errors import ConfigError, ExecutorError, Problem, RequirementError
from winnow.extras import extras_named
from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import Place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SECONDS_TO_ANSWER = 20.0
"""How long a server may take to answer at all. PySpark's own client would try for ten minutes."""

_START = (
    "Start a server (deploy/cluster/connect_server.py starts one here), or correct the address."
)


class ConnectEngine(Engine):
    """Spark computes, wherever its server is; delta-rs commits, in this process.

    Attributes:
        spark: A session of Spark Connect. Server and executors see the warehouse and the logs under
            the same paths as this process, and have Winnow and what its tasks import.
    """

    @classmethod
    def launch(
        cls, remote: str | None = None, *, seconds_to_answer: float = SECONDS_TO_ANSWER
    ) -> Self:
        """Open a session of its own on a server that runs; the server stays when it ends.

        Args:
            remote: The address, ``sc://host:port``; None is ``$SPARK_REMOTE``.
            seconds_to_answer: How long the server may take to answer at all.

        Raises:
            ConfigError: There is no address, or it is none.
            RequirementError: Nobody answers there, or not a Spark of this version.
            ExecutorError: Tasks there cannot import what they need.
        """
        where, address = remote_address(remote)
        with extras_named():
            _wait_for_answer(where, address, seconds_to_answer)
        spark = _session(where, address)
        try:
            _check_server(where, spark)
            for name, value in OF_ANY_SPARK.items():
                spark.conf.set(name, value)
            check_tasks(spark)
        except (RequirementError, ExecutorError):
            spark.stop()
            raise
        except Exception as error:
            spark.stop()
            raise _refused(where, error) from error
        return cls(spark)

    def ship(self, path: Path) -> str:
        """Send a file to the server, which hands it to every task of this session."""
        # As an address: in a path a sign such as # would begin another part of it.
        self.spark.addArtifact(path.absolute().as_uri(), file=True)
        return path.name

    def store(
        self, warehouse: Place, retention_days: int = 400, limits: Limits = DEFAULT_LIMITS
    ) -> Store:
        """Return the store for which Spark writes staged files.

        Raises:
            ConfigError: The warehouse is in an object store: whether the server reaches it, and
                reads what this machine has staged, nobody has tried.
        """
        from winnow.config.warehouse import require_local
        from winnow.release.spark_store import SparkStore

        require_local(warehouse, "Spark Connect", "Use --engine sail, or name a folder.")

        return SparkStore(self.spark, warehouse, retention_days, limits)

    def stop(self) -> None:
        """End the session; the server goes on."""
        self.spark.stop()


def _wait_for_answer(where: str, address: str, seconds: float) -> None:
    """Wait until the server takes a connection; nothing is asked of it yet."""
    import grpc
    from pyspark.errors import PySparkException
    from pyspark.sql.connect.client import DefaultChannelBuilder

    try:
        channel: Any = DefaultChannelBuilder(address).toChannel()
    except (PySparkException, ValueError) as error:
        what = "this is no address of Spark Connect"
        raise ConfigError(Problem(where, what, address, FORM, str(error))) from error
    try:
        grpc.channel_ready_future(channel).result(timeout=seconds)
    except grpc.FutureTimeoutError as error:
        what = f"no server of Spark Connect answers within {seconds:g} s"
        raise RequirementError(Problem(where, what, address, next_step=_START)) from error
    finally:
        channel.close()


def _session(where: str, address: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    # create() and not getOrCreate(): the session of another address must not come back.
    builder: Any = SparkSession.builder.remote(address)
    try:
        return cast("SparkSession", builder.create())
    except Exception as error:
        raise _refused(where, error) from error


def _check_server(where: str, spark: "SparkSession") -> None:
    from pyspark import __version__ as client

    from winnow.spark.dialect import engine_name

    server = spark.version
    if server.split(".")[:2] != client.split(".")[:2]:
        what = "the server is of another version of Spark than this process"
        raise RequirementError(Problem(where, what, server, client))
    if engine_name(spark) == "sail":
        what, fix = "the server is Sail's, not Spark's", "Use --engine sail: it starts its own."
        raise RequirementError(Problem(where, what, next_step=fix))


def _refused(where: str, error: Exception) -> RequirementError:
    what = "the server of Spark Connect refuses to work"
    return RequirementError(Problem(where, what, found=str(error) or type(error).__name__))
