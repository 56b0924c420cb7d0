"""Which code made a release: the package's version and, in a checkout, the commit."""

import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def package_version() -> str:
    """Return the version of the package; 0 where it is not installed."""
    try:
        return version("winnow")
    except PackageNotFoundError:
        return "0"


@cache
def code_version() -> str:
    """Return the version, with ``+<commit>`` in a git checkout and ``.dirty`` if files changed."""
    number = package_version()
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return number
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=.dirty", "--abbrev=12"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return number
    return f"{number}+{ran.stdout.strip()}"
