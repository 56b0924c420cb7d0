"""The session: Java and the Delta classes are checked first, then Spark starts our way."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipelines.errors import Problem, RequirementError

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"

_ROOT = Path(__file__).resolve().parents[1]
# Most of a small build is the JVM compiling its own code; the first compiler is enough for it.
_SMALL_DATA = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
_LOGGING = Path(__file__).with_name("log4j2.properties")

_EVERYWHERE = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # Spark's default is the zone of the JVM; a date must not move with the machine.
    "spark.sql.session.timeZone": "UTC",
    # The default, INT96, cannot be read back exactly by every reader of staged Parquet.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Otherwise reading single files with a basePath turns text folders into dates.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # The default of 50 tasks for the log of a table is for tables with thousands of commits.
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # The kernel works on whole users; larger batches mean fewer crossings between JVM and Python.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100000",
    # Any other limit makes Spark add up the bytes of the whole batch again for each row of it,
    # which takes quadratic time for lists. The limit of rows above keeps batches small.
    "spark.sql.execution.arrow.maxBytesPerBatch": str(2**31 - 1),
}
_ON_ONE_MACHINE = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
}


def jars_folder() -> Path:
    """Return the folder of this environment that ``make env`` fills with the Delta JARs."""
    return Path(sys.prefix) / "share" / "winnow" / "jars"


def under_spark_submit() -> bool:
    """Return whether spark-submit started this process and so decides on master and JARs."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def check_java() -> None:
    """Check that a Java that Spark 4.1 can use is there.

    Raises:
        RequirementError: There is no Java, or an older one than 17.
    """
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    next_step = (
        "Install a JDK (Debian: openjdk-17-jre-headless) or set JAVA_HOME to one that is there."
    )
    if java is None or not Path(java).exists():
        raise RequirementError(
            Problem(
                "java",
                "Java is needed by the spark engine",
                found=f"none at JAVA_HOME={home}" if home else "none on PATH",
                expected="Java 17 or 21",
                next_step=next_step,
            )
        )
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = java_major_version(told.stderr + told.stdout)
    if version is None or version < 17:
        raise RequirementError(
            Problem(
                java,
                "this Java is too old for the spark engine",
                found="an unknown version" if version is None else f"Java {version}",
                expected="Java 17 or 21",
                next_step=next_step,
            )
        )


def java_major_version(text: str) -> int | None:
    """Return 17 for the output ``openjdk version "17.0.15" …``, 8 for ``"1.8.0_402"``."""
    _, _, rest = text.partition('version "')
    parts = rest.partition('"')[0].replace("-", ".").split(".")
    numbers = [int(part) for part in parts[:2] if part.isdigit()]
    if not numbers:
        return None
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def find_jars() -> tuple[Path, ...]:
    """Return the Delta JARs: those in ``$WINNOW_JARS``, else those that ``make env`` fetched.

    ``$WINNOW_JARS`` is a folder, or JAR files with commas between them.

    Raises:
        RequirementError: There are none.
    """
    named = os.environ.get("WINNOW_JARS")
    if named is None:
        jars = tuple(sorted(jars_folder().glob("*.jar")))
    elif Path(named).is_dir():
        jars = tuple(sorted(Path(named).glob("*.jar")))
    else:
        jars = tuple(Path(part) for part in named.split(",") if part)
    missing = [str(jar) for jar in jars if not jar.is_file()]
    if missing or not any(jar.name.startswith("delta-spark") for jar in jars):
        raise RequirementError(
            Problem(
                "delta",
                "the Delta JARs are not there",
                found=", ".join(missing) or f"no delta-spark in {named or jars_folder()}",
                expected=DELTA_PACKAGE + " and what it needs",
                next_step="Run make env (or python -m jobs.fetch_jars), or set WINNOW_JARS.",
            )
        )
    return jars


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
        small_data: Start faster and run long work slower: for demos and tests.
        settings: Further Spark settings; they win over ours.

    Raises:
        RequirementError: Java or the Delta classes are missing; says what to do.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    confs = dict(_EVERYWHERE)
    if shuffle_partitions is not None:
        confs["spark.sql.shuffle.partitions"] = str(shuffle_partitions)
    if not under_spark_submit():
        check_java()
        confs |= _ON_ONE_MACHINE
        confs.setdefault("spark.sql.shuffle.partitions", str(2 * (os.cpu_count() or 2)))
        confs["spark.master"] = master or "local[*]"
        confs["spark.driver.memory"] = driver_memory
        confs["spark.jars"] = ",".join(str(jar) for jar in find_jars())
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        java_options = _SMALL_DATA if small_data else []
        if _LOGGING.is_file():
            java_options = [f"-Dlog4j2.configurationFile={_LOGGING}", *java_options]
        confs["spark.driver.extraJavaOptions"] = " ".join(java_options)
    confs |= settings or {}
    from pyspark import SparkConf, SparkContext
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
    return SparkSession.builder.config(map=dict(confs)).getOrCreate()


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
                    "delta-spark, delta-storage and the other JARs that make env fetches.",
                )
            ) from error


class Engine:
    """A running engine: the session, and the one way to hand a file to every task.

    Attributes:
        spark: The session.
    """

    def __init__(self, spark: "SparkSession") -> None:
        """Take over a session; ``stop`` ends it."""
        self.spark = spark

    @classmethod
    def start(
        cls,
        app_name: str,
        *,
        master: str | None = None,
        driver_memory: str = "4g",
        small_data: bool = False,
    ) -> Self:
        """Start a session, as ``start_session`` does, and the engine around it."""
        return cls(
            start_session(
                app_name, master=master, driver_memory=driver_memory, small_data=small_data
            )
        )

    def ship(self, path: Path) -> str:
        """Send a file to every task; return the name that ``shipped(name)`` finds it under there.

        The file must stay where it is until the last job that reads it has ended. Its name must
        be new in this session: an executor keeps the first file of a name.
        """
        self.spark.addArtifact(str(path), file=True)
        return path.name

    def stop(self) -> None:
        """End the session."""
        self.spark.stop()

    def __enter__(self) -> Self:
        """Return the engine."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the session, whatever happened."""
        self.stop()
