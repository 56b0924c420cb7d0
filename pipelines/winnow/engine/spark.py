"""The engine ``spark``: Java and the Delta classes are checked first, then Spark starts our way."""

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Self

from winnow.engine.engine import Engine
from winnow.engine.executors import check_executors, on_one_machine
from winnow.engine.java import DELTA_PACKAGE, check_java, find_jars
from winnow.engine.s3a import FILE_SYSTEM, s3a_settings
from winnow.engine.session_settings import OF_ANY_SPARK
from winnow.engine.spark_submit import under_spark_submit
from winnow.engine.startup.class_archive import options_to_read, quoted
from winnow.errors import ConfigError, ExecutorError, Problem, RequirementError
from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import ObjectPath, Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from pyarrow import RecordBatch
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

_ROOT = Path(__file__).resolve().parents[2]
"""The folder that holds the package ``winnow``."""
# Most of a small build is the JVM compiling its own code; the first compiler is enough for it.
# One compiler alone has a small code cache; when it is full, compiling stops for good.
_SMALL_DATA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:ReservedCodeCacheSize=240m"]
_LOGGING = Path(__file__).with_name("log4j2.properties")

_EVERYWHERE = OF_ANY_SPARK | {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # The default of 50 tasks for the log of a table is for tables with thousands of commits.
    "spark.databricks.delta.snapshotPartitions": "2",
}
_DAEMON = "spark.python.daemon.module"
_ON_ONE_MACHINE = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    # A task of Python then takes a fifth of a second less.
    _DAEMON: "winnow.engine.startup.python_daemon",
}


def start_session(
    app_name: str,
    *,
    master: str | None = None,
    driver_memory: str = "4g",
    shuffle_partitions: int | None = None,
    small_data: bool = False,
    settings: Mapping[str, str] | None = None,
) -> "SparkSession":
    """Start Spark with Delta, or take over the session settings that spark-submit gave.

    Under spark-submit the master, the memory and the JARs are the caller's.

    Args:
        app_name: Shown in Spark's UI and logs.
        master: By default ``local[*]``; ignored under spark-submit.
        driver_memory: Memory of the JVM; ignored under spark-submit.
        shuffle_partitions: By default two per core on one machine, Spark's own on a cluster.
        small_data: Start faster and run long work slower.
        settings: Further Spark settings; they win over ours.

    Raises:
        RequirementError: Java or the Delta classes are missing; says what to do.
        ExecutorError: An executor of a cluster cannot import what tasks need.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    confs = dict(_EVERYWHERE)
    if shuffle_partitions is not None:
        confs["spark.sql.shuffle.partitions"] = str(shuffle_partitions)
    if not under_spark_submit():
        check_java()
        confs["spark.master"] = master or "local[*]"
        if on_one_machine(confs["spark.master"]):
            confs |= _ON_ONE_MACHINE
            confs.setdefault("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 2)))
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        confs["spark.driver.memory"] = driver_memory
        jars = find_jars()
        confs["spark.jars"] = ",".join(str(jar) for jar in jars)
        java_options = [*options_to_read(jars), *(small_data_options() if small_data else [])]
        if _LOGGING.is_file():
            java_options.append(f"-Dlog4j2.configurationFile={_LOGGING}")
        confs["spark.driver.extraJavaOptions"] = quoted(java_options)
    from pyspark import SparkConf, SparkContext

    # What spark-submit was given of a store is meant for it; the environment may be for others.
    given = SparkConf()
    confs |= {k: v for k, v in s3a_settings(os.environ).items() if not given.contains(k)}
    confs |= settings or {}
    from pyspark.sql import SparkSession

    # Spark logs up to 17 KB of JSON for each error, also for one that is caught.
    logging.getLogger("DataFrameQueryContextLogger").setLevel(logging.CRITICAL + 1)
    context = SparkContext.getOrCreate(SparkConf().setAppName(app_name).setAll(list(confs.items())))
    context.setLogLevel("ERROR")
    # Before there is a session: it would print a stack trace and go on without Delta.
    try:
        check_delta(context)
    except RequirementError:
        context.stop()
        raise
    # In a plain checkout only this process has the repository on its path, the workers do not.
    context.environment.setdefault("PYTHONPATH", str(_ROOT))
    try:
        check_executors(context)
    except ExecutorError:
        context.stop()
        raise
    return SparkSession.builder.config(map=dict(confs)).getOrCreate()


def small_data_options() -> list[str]:
    """Return Java's options for small data; two garbage collectors would be refused by Java."""
    words = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {os.environ.get('JDK_JAVA_OPTIONS', '')}"
    chosen = re.search(r"-XX:\+Use\w+GC\b", words) is not None
    return [option for option in _SMALL_DATA if not (chosen and option.endswith("GC"))]


def check_delta(context: "SparkContext") -> None:
    """Check that the Delta classes are loaded: Spark itself only warns, and fails much later.

    Raises:
        RequirementError: They are not; names the flag that is missing.
    """
    jvm = context._jvm
    loader = jvm.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]
    for name in (_EVERYWHERE["spark.sql.extensions"], "io.delta.storage.LogStore"):
        try:
            loader.loadClass(name)
        except Exception as error:
            raise RequirementError(
                Problem(
                    "delta",
                    f"the class {name} is not loaded",
                    expected=f"the JARs of {DELTA_PACKAGE}",
                    next_step=f"Add --packages {DELTA_PACKAGE} to spark-submit, or --jars with "
                    "delta-spark, delta-storage and the other JARs that make spark fetches.",
                )
            ) from error


def check_object_store(spark: "SparkSession") -> None:
    """Check that a session can work on a warehouse in an object store.

    Raises:
        ConfigError: Its tasks run on other machines: what they stage would have to be on this one.
        RequirementError: It has no JARs to read what was published.
    """
    if not on_one_machine(spark.conf.get("spark.master")):
        what = "Spark on a cluster works on folders alone, nothing was changed"
        step = "Use --engine sail, or Spark on one machine, or name a folder."
        raise ConfigError(Problem("warehouse", what, next_step=step))
    jvm = spark.sparkContext._jvm
    loader = jvm.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]
    try:
        loader.loadClass(FILE_SYSTEM)
    except Exception as error:
        what = f"the class {FILE_SYSTEM} is not loaded, by which Spark reads an object store"
        step = "Run python -m winnow.engine.jars --s3, or use --engine sail."
        raise RequirementError(Problem("warehouse", what, next_step=step)) from error


class SparkEngine(Engine):
    """Spark with delta-spark, on this machine or on a cluster; needs Java.

    Attributes:
        spark: A classic session with Delta.
    """

    @classmethod
    def launch(
        cls,
        app_name: str,
        *,
        master: str | None = None,
        driver_memory: str | None = None,
        small_data: bool = False,
    ) -> Self:
        """Start a session, as ``start_session`` does, and the engine around it."""
        return cls(
            start_session(
                app_name,
                master=master,
                driver_memory=driver_memory or "4g",
                small_data=small_data,
            )
        )

    def ship(self, path: Path) -> str:
        """Send a file to every task; see ``Engine``."""
        self.spark.addArtifact(str(path), file=True)
        return path.name

    def store(
        self, warehouse: Place, retention_days: int = 400, limits: Limits = DEFAULT_LIMITS
    ) -> Store:
        """Return the store for which Spark writes staged files.

        Raises:
            ConfigError: The warehouse is in an object store, and tasks run on other machines.
            RequirementError: It is, and Spark has no JARs to read one.
        """
        from winnow.release.spark_store import SparkStore

        if isinstance(warehouse, ObjectPath):
            check_object_store(self.spark)

        return SparkStore(self.spark, warehouse, retention_days, limits)

    def compile_kernels(self, stage: "Callable[[str], AbstractContextManager[object]]") -> None:
        """Compile what tasks need, in this process: the workers of this machine find it on disk."""
        if on_one_machine(self.spark.conf.get("spark.master")):
            from winnow.engine.startup.warm_up import compile_if_due

            compile_if_due(stage)

    def warm_up(self, *, audit: bool) -> None:
        """Begin to start a Python worker: the daemon that forks it loads all kernels first."""
        here = on_one_machine(self.spark.conf.get("spark.master"))
        if here and self.spark.conf.get(_DAEMON, None) == _ON_ONE_MACHINE[_DAEMON]:
            Thread(target=self._start_worker, daemon=True, name="first-worker").start()

    def _start_worker(self) -> None:
        # A build that ended meanwhile took the session along.
        with suppress(Exception):
            # One task: others than this one need not wait for the daemon.
            self.spark.range(0, 1, 1, 1).mapInArrow(_as_they_come, "id long").collect()

    def stop(self) -> None:
        """End the session."""
        self.spark.stop()


def _as_they_come(batches: "Iterable[RecordBatch]") -> "Iterator[RecordBatch]":
    yield from batches
