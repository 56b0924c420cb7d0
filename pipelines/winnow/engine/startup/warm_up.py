"""The warm-up of the kernels: in the open where they must be compiled, else beside other work.

Numba compiles a kernel when it is first called, and keeps the code in a folder of this machine. A
mark in that folder says that all kernels are there, for this Python, this Numba, this CPU, and the
place of the package: Numba keeps the code of each file by its path.
"""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path

import llvmlite.binding
import numba

from winnow.arrays.compiled import CACHE_FOLDER
from winnow.engine.startup.audit_kernels import load_audit_kernels
from winnow.engine.startup.sampler_kernels import load_sampler_kernels

COMPILING = "compile kernels, once per machine"
"""The name of the stage."""


def compile_if_due(stage: Callable[[str], AbstractContextManager[object]]) -> None:
    """Compile all kernels as a stage of its own, where that was not done yet.

    Where compiled code cannot be kept nothing is done: every process compiles for itself, and
    beside other work that takes less time. What goes wrong is told when a kernel is needed.

    Args:
        stage: Tells of a stage, as ``Progress.stage``.
    """
    mark = _mark()
    if mark is None or mark.exists():
        return
    with stage(COMPILING), suppress(Exception):
        with _audit_kernels_compiled_beside():
            load_sampler_kernels()
        _load_all()


@cache
def warm_up_in_background(*, audit: bool) -> None:
    """Begin to load the kernels beside other work, once: a second from the folder on disk.

    What goes wrong now is told when a kernel is needed.

    Args:
        audit: Whether there will be an audit.
    """
    work = _load_all if audit else load_sampler_kernels
    threading.Thread(target=_quietly, args=(work,), daemon=True, name="warm-up").start()


_LOAD_AUDIT_KERNELS = (
    "from winnow.engine.startup.audit_kernels import load_audit_kernels; load_audit_kernels()"
)


@contextmanager
def _audit_kernels_compiled_beside() -> Iterator[None]:
    """Compile those of the audit in a process of its own: Numba compiles one kernel at a time.

    What goes wrong there is compiled here when the audit needs it.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _LOAD_AUDIT_KERNELS],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        process.wait()
    finally:
        process.kill()
        process.wait()


def _load_all() -> None:
    load_sampler_kernels()
    load_audit_kernels()
    if (mark := _mark()) is not None:
        mark.touch()


def _quietly(work: Callable[[], None]) -> None:
    with suppress(Exception):
        work()


def _mark(package: Path = Path(__file__).parents[2]) -> Path | None:
    """Return the file that says that all kernels are compiled; None where nothing can be kept."""
    if CACHE_FOLDER is None or numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return None
    cpu = llvmlite.binding.get_host_cpu_name()
    place = hashlib.sha256(str(package).encode()).hexdigest()[:8]
    known = f"{sys.implementation.cache_tag}-numba-{numba.__version__}-{cpu}-{place}"
    return CACHE_FOLDER / f"all-{known}"
