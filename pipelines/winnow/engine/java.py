"""What the spark engine needs from outside Python: a Java, and the Delta JARs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from winnow.errors import Problem, RequirementError

DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"


def jars_folder() -> Path:
    """Return the folder of this environment that ``make spark`` fills with the Delta JARs."""
    return Path(sys.prefix) / "share" / "winnow" / "jars"


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
    ran = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = java_major_version(ran.stderr + ran.stdout)
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
    """Return the Delta JARs: those in ``$WINNOW_JARS``, else those that ``make spark`` fetched.

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
                next_step="Run make spark (or python -m winnow.engine.jars), or set WINNOW_JARS.",
            )
        )
    return jars
