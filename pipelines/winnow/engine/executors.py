"""Whether a cluster's executors have what tasks need, asked of each of them before any work."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from winnow.errors import ExecutorError, Problem
from winnow.source_hash import source_hash
from winnow.spark.causes import cause_in

if TYPE_CHECKING:
    from pyspark import SparkContext

PACKAGES = ("numpy", "pyarrow", "numba")
"""What tasks import besides PySpark and Winnow: the extra ``executors`` of ``pyproject.toml``."""

TASKS = ("winnow.sampler.task", "winnow.release.task_writer")
"""Modules of Winnow that nearly all that tasks run is in, or is imported by."""

_LONGEST = 300

Answer = tuple[str, str, list[str]]
"""An executor's host and working folder, its Python, and what this cannot import and why."""


def on_one_machine(master: str | None) -> bool:
    """Return whether a master has tasks run in the driver's own process."""
    return master is None or re.match(r"local(\[|$)", master) is not None


def check_executors(context: "SparkContext") -> None:
    """Ask every executor that is there whether its Python imports what tasks will.

    One task each; an executor that comes later is not asked. On one machine there are none.

    Raises:
        ExecutorError: One cannot import something, or no task of Python runs at all.
    """
    if on_one_machine(context.master):
        return
    answers = _asked(context, _executors(context))
    # There may have been none before the first answer; by then most of the others have come too.
    if _executors(context) > len({who for who, _, _ in answers}):
        answers += _asked(context, _executors(context))
    ExecutorError.raise_if_any(problems_of(answers))


def problems_of(answers: Iterable[Answer]) -> list[Problem]:
    """Return what answers say is missing, one problem for each executor."""
    problems = {who: _problem(who, python, lacks) for who, python, lacks in answers if lacks}
    return [problems[who] for who in sorted(problems)]


def _executors(context: "SparkContext") -> int:
    # The driver is one of those that have memory to keep blocks in.
    return max(1, int(context._jsc.sc().getExecutorMemoryStatus().size()) - 1)


def _asked(context: "SparkContext", tasks: int) -> list[Answer]:
    """Run so many tasks, which Spark spreads over its executors; return what they answer."""
    # Not through Arrow, as all other tasks: the question is whether they have it.
    numbers = context.parallelize(range(tasks), tasks)
    try:
        return numbers.mapPartitions(what_it_lacks((*PACKAGES, *TASKS))).collect()
    except Exception as error:
        raise ExecutorError(
            Problem(
                "executors",
                "no task of Python runs on them",
                found=cause_of(str(error)),
                next_step="PYSPARK_PYTHON names the Python of executors: it must be there, of the "
                "driver's version.",
            )
        ) from error


def what_it_lacks(names: tuple[str, ...]) -> Callable[[Iterable[int]], Iterator[Answer]]:
    """Return what a task does: import each of the names, and tell which it could not.

    And whether its Winnow is another one: functions travel by name, so it would run its own.
    """
    own = source_hash()

    # Within a function it travels as a whole: by name, an executor without Winnow could not take
    # it up. So it may use nothing of this module.
    def ask(_numbers: Iterable[int]) -> Iterator[Answer]:
        import importlib
        import socket
        import sys
        from pathlib import Path

        lacks = []
        for name in names:
            try:
                importlib.import_module(name)
            except Exception as error:
                lacks.append(f"{name} ({type(error).__name__}: {error})")
        if not any(one.startswith("winnow.") for one in lacks):
            try:
                from winnow.source_hash import source_hash

                found = source_hash()
            except ImportError:
                found = "older"
            if found != own:
                lacks.append("another Winnow than the driver's: its source code differs")
        yield f"{socket.gethostname()} in {Path.cwd()}", sys.executable, lacks

    return ask


def _problem(who: str, python: str, lacks: list[str]) -> Problem:
    # What of Winnow cannot be imported for want of a package is not told beside the package.
    packages = [one for one in lacks if one.startswith(PACKAGES)]
    return Problem(
        f"executor {who}",
        f"its Python, {python}, cannot import what tasks need",
        found=", ".join(packages or lacks),
        expected="the packages of Winnow's extra executors, and Winnow itself",
        next_step="Install NumPy, PyArrow and Numba into the Python that PYSPARK_PYTHON names on "
        "executors."
        if packages
        else "Pass Winnow of the driver's version to spark-submit, --py-files winnow.zip, or "
        "install it there.",
    )


def cause_of(trace: str) -> str:
    """Return what a failure of tasks of Python says of why: what became of the last lost task."""
    lost = re.search(r"Lost task .*?\): (.+)", trace)
    if lost and "Traceback" not in lost[1]:
        return lost[1][:_LONGEST]
    raised = re.search(r"^[\w.]+(Error|Exception): .+", trace, re.MULTILINE)
    return (raised[0] if raised else cause_in(trace) or "no message")[:_LONGEST]
