"""``winnow --version``: which code this is, and which libraries it works with."""

import platform
from importlib.metadata import PackageNotFoundError, version

import typer

from winnow.terminal import plain_console

_LIBRARIES = ("pyspark", "delta-spark", "pysail", "deltalake", "pyarrow", "numpy", "numba")


def print_versions(wanted: bool) -> None:
    """Print a line for Winnow, as releases name it, and one for Python and each library."""
    if not wanted:
        return
    from winnow.building.code_version import code_version

    found = {"winnow": code_version(), "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    for name, number in found.items():
        plain_console().print(f"{name} {number}")
    raise typer.Exit
