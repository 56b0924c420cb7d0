"""Fetch the Delta JARs once, into the environment, and prove that a session works with them.

Resolving them at every start costs seconds each time; here Ivy does it once, in a child process.
The session that proves them leaves its classes behind, for others to start faster with.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from winnow.engine.java import DELTA_PACKAGE, check_java, jars_folder
from winnow.engine.s3a import EXCLUDED, PACKAGES, pick_s3a
from winnow.engine.spark import start_session
from winnow.engine.startup.class_archive import ARCHIVE, options_to_write, quoted
from winnow.errors import Problem, RequirementError, WinnowError
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NEEDED = (
    "delta-spark_4.1_2.13",
    "delta-storage",
    "delta-kernel-api",
    "delta-kernel-defaults",
    "delta-kernel-unitycatalog",
    "unitycatalog-client",
    "unitycatalog-hadoop",
    "jackson-datatype-jdk8",
)
"""The JARs that Spark does not have. Ivy resolves 33; the others repeat what Spark ships."""

_RESOLVE = """
import json, sys
from pyspark.sql import SparkSession
builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
builder = builder.config("spark.jars.excludes", sys.argv[2])
spark = builder.config("spark.jars.packages", sys.argv[1]).getOrCreate()
print("JARS " + json.dumps(spark.sparkContext.getConf().get("spark.jars").split(",")))
spark.stop()
"""


def resolve_jars(
    packages: Sequence[str] = (DELTA_PACKAGE,), excluded: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Let Spark's Ivy resolve packages, by default Delta's; return all JARs that it found.

    Args:
        packages: They, each as ``group:name:version``.
        excluded: What is left out of all that they ask for, each as ``group:name``.

    Raises:
        RequirementError: It could not; holds the last lines that Ivy printed.
    """
    child = subprocess.run(
        [sys.executable, "-c", _RESOLVE, ",".join(packages), ",".join(excluded)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
    )
    printed = [line for line in child.stdout.splitlines() if line.startswith("JARS ")]
    if child.returncode != 0 or not printed:
        lines = [line.strip() for line in child.stderr.splitlines() if line.strip()]
        why = next((line for line in lines if "unresolved" in line.lower()), "")
        raise RequirementError(
            Problem(
                "delta",
                f"the JARs of {', '.join(packages)} could not be resolved",
                found=why or (lines[-1] if lines else "no output"),
                next_step="Check that Maven Central can be reached, or set WINNOW_JARS to a folder "
                "with the JARs.",
            )
        )
    urls: list[str] = json.loads(printed[-1].removeprefix("JARS "))
    return tuple(Path(unquote(urlparse(url).path)) for url in urls)


def pick_needed(resolved: tuple[Path, ...]) -> dict[str, Path]:
    """Return the needed ones, by the file name that they get: Ivy puts the group before it.

    Raises:
        RequirementError: One was not resolved.
    """
    picked = {}
    for name in NEEDED:
        found = [jar for jar in resolved if f"_{name}-" in f"_{jar.name}"]
        if len(found) != 1:
            raise RequirementError(
                Problem("delta", f"{name} was not resolved", found=str([j.name for j in resolved]))
            )
        jar = found[0]
        picked[jar.name[jar.name.index(f"{name}-") :]] = jar
    return picked


def check_jars(folder: Path) -> float:
    """Start a session with the JARs of a folder, write and read a Delta table.

    Java writes the session's classes beside the JARs, where it can.

    Returns:
        Seconds until the session was there.

    Raises:
        RequirementError: The session has no Delta.
        OSError: The table does not hold what was written.
    """
    os.environ["WINNOW_JARS"] = str(folder)
    given = os.environ.get("SPARK_SUBMIT_OPTS", "")
    os.environ["SPARK_SUBMIT_OPTS"] = f"{given} {quoted(options_to_write(folder))}"
    begin = time.monotonic()
    spark = start_session("winnow-jars", master="local[1]", driver_memory="1g")
    seconds = time.monotonic() - begin
    try:
        with tempfile.TemporaryDirectory() as place:
            table = str(Path(place) / "table")
            spark.range(3).write.format("delta").save(table)
            spark.range(2).write.format("delta").mode("overwrite").save(table)
            old = spark.read.format("delta").option("versionAsOf", 0).load(table)
            if sorted(row.id for row in old.collect()) != [0, 1, 2]:
                raise OSError(f"{table} does not hold what was written")
    finally:
        if _ended(spark) != 0:
            # Of half an archive Java would not start.
            (folder / ARCHIVE).unlink(missing_ok=True)
    return seconds


def _ended(spark: "SparkSession") -> int:
    """End a session and its Java, wait for what Java writes then, and return its exit code."""
    java: subprocess.Popen[bytes] = spark.sparkContext._gateway.proc  # type: ignore[union-attr]
    try:
        spark.stop()
    finally:
        code = end_of(java)
    return code


def end_of(java: "subprocess.Popen[bytes]", seconds: float = 300) -> int:
    """Let Java end, as it does without its standard input; kill it where it takes too long."""
    if java.stdin is not None:
        java.stdin.close()
    try:
        return java.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        java.kill()
        return java.wait()


def fetch_jars(folder: Path, *, s3: bool = False) -> float:
    """Fill a folder with the needed JARs; it appears only once it is proven to work.

    Args:
        folder: The folder. s3: Whether Spark is to read object stores as well.

    Returns:
        Seconds that a session took to start with them.

    Raises:
        RequirementError: The folder holds something, and not what this fetched before.
    """
    own = folder == jars_folder() or (folder / ARCHIVE).is_file()
    if not own and folder.exists() and any(folder.iterdir()):
        what = f"{folder} is not empty, and was not filled by this command"
        step = "Name a new folder: all that is in it is replaced."
        raise RequirementError(Problem("jars", what, next_step=step))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as place:
        staged = Path(place) / "jars"
        staged.mkdir()
        picked = pick_needed(resolve_jars())
        if s3:
            picked |= pick_s3a(resolve_jars(PACKAGES, EXCLUDED))
        for name, jar in picked.items():
            shutil.copyfile(jar, staged / name)
        seconds = check_jars(staged)
        shutil.rmtree(folder, ignore_errors=True)
        staged.rename(folder)
    return seconds


def main(arguments: Sequence[str]) -> int:
    """Fetch the JARs into this environment, or a folder; return the exit code.

        python -m winnow.engine.jars [--s3] [FOLDER]

    With ``--s3`` also those with which Spark reads object stores.
    """
    console = plain_console(stderr=True)
    s3 = "--s3" in arguments
    words = [one for one in arguments if one != "--s3"]
    folder = Path(words[0]).absolute() if words else jars_folder()
    try:
        if len(words) > 1 or folder.name.startswith("-"):
            usage = "python -m winnow.engine.jars [--s3] [FOLDER]"
            raise RequirementError(Problem("jars", "not understood", " ".join(words), usage))
        check_java()
        packages = (DELTA_PACKAGE, *(PACKAGES if s3 else ()))
        console.print(f"fetching {', '.join(packages)}: once, some 60 seconds")
        begin = time.monotonic()
        seconds = fetch_jars(folder, s3=s3)
    except WinnowError as error:
        console.print(str(error), style="red")
        return error.exit_code
    n_jars = len(list(folder.glob("*.jar")))
    console.print(
        f"{n_jars} JARs in {folder} after {time.monotonic() - begin:.0f} s; "
        f"a session started with them in {seconds:.1f} s"
    )
    if not (folder / ARCHIVE).is_file():
        console.print(
            "Java wrote no archive of its classes: sessions will start no faster than that"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
