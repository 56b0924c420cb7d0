"""Environments of their own, without the network: links to the packages of this one."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.child_process import ROOT, child_environment


def environment(folder: Path, *extras: str, wheel: Path | None = None) -> Path:
    """Make an environment of the base dependencies and those of some extras; return its Python.

    ``wheel`` is installed there by pip, as users do.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for own in _closure(_listed(*extras)):
        for top in {file.parts[0] for file in own.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(own.locate_file(top))))
    python = folder / "bin" / "python"
    if wheel is not None:
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
        subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True)
    return python


def run(
    *words: str | Path, cwd: Path, path: str | None = None, compiled: bool = False
) -> "subprocess.CompletedProcess[str]":
    """Run a program in a folder; ``path`` is its ``PYTHONPATH``.

    Kernels are plain Python unless ``compiled``: in a new place all of them are compiled anew,
    which takes a minute, and their rows are the same.
    """
    clean = {k: v for k, v in child_environment().items() if k not in ("PYTHONPATH", "CI")}
    if not compiled:
        clean["NUMBA_DISABLE_JIT"] = "1"
    return subprocess.run(
        [str(word) for word in words],
        env=clean if path is None else clean | {"PYTHONPATH": path},
        cwd=cwd, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def built_wheel(folder: Path) -> Path:
    """Build the wheel as ``make dist`` does; return its path."""
    words = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INDEX": "1"}
    subprocess.run(
        [sys.executable, *words, "--wheel-dir", str(folder), str(ROOT)], check=True, env=environment
    )
    (wheel,) = folder.glob("winnow-*.whl")
    return wheel


def _listed(*extras: str) -> list[Requirement]:
    """The requirements of the package and of some of its extras, as ``pyproject.toml`` has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = [Requirement(one) for one in project["dependencies"]]
    waiting = list(extras)
    while waiting:
        for one in map(Requirement, project["optional-dependencies"][waiting.pop()]):
            if one.name == "winnow":
                waiting += one.extras
            else:
                found.append(one)
    return found


def _closure(wanted: list[Requirement]) -> Iterator[Distribution]:
    """The installed distributions of requirements and of all that these require."""
    seen: set[tuple[str, str]] = set()
    waiting = [(one.name, extra) for one in wanted for extra in ("", *one.extras)]
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        own = distribution(name)
        yield own
        for one in map(Requirement, own.requires or []):
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                waiting += [(one.name, more) for more in ("", *one.extras)]
