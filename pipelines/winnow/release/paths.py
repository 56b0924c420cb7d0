"""Where things lie in a warehouse. No name that comes from outside can lead out of it."""

import re
from datetime import date
from pathlib import Path

from winnow.errors import ConfigError, Problem

RELEASES = "releases"
STAGING = "_staging"
REPORTS = "_reports"
CONFIRMATIONS = "_confirmations"

_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


def table_path(warehouse: Path, table: str) -> Path:
    """Return the folder of a published table.

    Raises:
        ConfigError: ``table`` is not an identifier, or its folder is a link out of the warehouse.
    """
    return _inside(warehouse, _named("table", table, _TABLE))


def staging_path(warehouse: Path, run_id: str) -> Path:
    """Return the folder that holds what one run has staged.

    Raises:
        ConfigError: ``run_id`` could be anything but one plain folder name.
    """
    return _inside(warehouse, STAGING, _named("run id", run_id, _RUN_ID))


def staged_table_path(warehouse: Path, run_id: str, table: str) -> Path:
    """Return the folder of one staged table.

    Raises:
        ConfigError: A name is not an identifier, or the folder is a link out of the warehouse.
    """
    parts = _named("run id", run_id, _RUN_ID), _named("table", table, _TABLE)
    return _inside(warehouse, STAGING, *parts)


def confirmation_path(warehouse: Path, ds: date) -> Path:
    """Return the file that says with what a date's release was last found unchanged.

    Raises:
        ConfigError: The folder is a link out of the warehouse.
    """
    return _inside(warehouse, CONFIRMATIONS, f"{ds.isoformat()}.json")


def _named(what: str, name: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(name, str) or pattern.fullmatch(name) is None:
        raise ConfigError(
            Problem(
                "warehouse",
                f"this {what} is not a plain name",
                found=repr(name),
                expected="letters, digits and _",
            )
        )
    return name


def _inside(warehouse: Path, *parts: str) -> Path:
    root = warehouse.resolve()
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root):
        raise ConfigError(
            Problem(
                "warehouse",
                f"{'/'.join(parts)} leads out of the warehouse",
                found=str(path.resolve()),
                expected=f"a folder under {root}",
                next_step="Remove the symbolic link, or name the real folder as warehouse.",
            )
        )
    return path
