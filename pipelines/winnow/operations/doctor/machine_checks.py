"""What a machine has of what Winnow needs: Python, engines, Java, memory. No engine is started."""

import importlib
import platform
import sys
from collections.abc import Iterator

from winnow.engine.java import check_java, find_jars
from winnow.errors import RequirementError
from winnow.extras import EXTRAS, missing
from winnow.operations.doctor.check import Check, of_problems
from winnow.spark.memory import memory_gib

_PYTHONS = ((3, 11), (3, 13))
_LEAST_GIB = 4
"""A build of 36 million rows of logs took 3.6 GiB, see ``docs/engines.md``."""


def check_machine() -> Iterator[Check]:
    """Give what this machine has, the cheapest look first."""
    yield _python()
    yield _memory()
    for extra in ("sail", "spark", "audit", "polars"):
        yield _extra(extra)
    try:
        check_java()
        yield Check("java", "ok", "there is a Java that the spark engine can use")
    except RequirementError as error:
        yield from of_problems("java", error.problems, "", "warning")
    try:
        jars = find_jars()
        yield Check("jars", "ok", f"{len(jars)} JARs of Delta in {jars[0].parent}")
    except RequirementError as error:
        yield from of_problems("jars", error.problems, "", "warning")


def _python() -> Check:
    found = f"Python {platform.python_version()}"
    if _PYTHONS[0] <= sys.version_info[:2] <= _PYTHONS[1]:
        return Check("python", "ok", found)
    least, most = (".".join(str(part) for part in version) for version in _PYTHONS)
    step = f"Use Python {least} to {most}: others are not tried."
    too_old = sys.version_info[:2] < _PYTHONS[0]
    return Check("python", "failed" if too_old else "warning", found, step)


def _memory() -> Check:
    gib = memory_gib()
    text = f"{gib:.1f} GiB may be used"
    if gib >= _LEAST_GIB:
        return Check("memory", "ok", text)
    step = f"Builds of small logs fit; for more give this machine or container {_LEAST_GIB} GiB."
    return Check("memory", "warning", text, step)


def _extra(extra: str) -> Check:
    """Import what an extra brings: a package may be there and not work."""
    packages = [name for name, of in EXTRAS.items() if of == extra]
    if extra == "spark":
        packages = ["pyspark", "py4j", "numba", *packages]
    for package in packages:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError:
            problem = missing(package)
            return Check(
                f"extra {extra}", "warning", f"{package} {problem.what}", problem.next_step
            )
        except Exception as error:
            step = f"Install it again: pip install --force-reinstall {package}"
            text = f"{package} cannot be imported: {type(error).__name__}: {error}"
            return Check(f"extra {extra}", "failed", text.splitlines()[0], step)
    return Check(f"extra {extra}", "ok", f"{', '.join(packages)} can be imported")
