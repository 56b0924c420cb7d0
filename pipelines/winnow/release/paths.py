"""Where things lie in a warehouse. No name that comes from outside can lead out of it."""

import re
from datetime import date
from pathlib import Path
from typing import overload

from winnow.errors import ConfigError, Problem
from winnow.storage.addresses import name_error, s3_error
from winnow.storage.object_path import ObjectPath, Place
from winnow.storage.staging_folder import staging_folder

RELEASES = "releases"
STAGING = "_staging"
REPORTS = "_reports"
CONFIRMATIONS = "_confirmations"
RUNS = "_runs"
"""Of a warehouse in an object store: an object for each run at work, whichever machine it is of."""

_TABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@overload
def table_path(warehouse: Path, table: str) -> Path: ...
@overload
def table_path(warehouse: Place, table: str) -> Place: ...
def table_path(warehouse: Place, table: str) -> Place:
    """Return the folder of a published table.

    Raises:
        ConfigError: ``table`` is not an identifier, its folder is a link out of the warehouse, or
            the warehouse has a name that libraries take for another one.
    """
    return _inside(warehouse, _named("table", table, _TABLE))


def staging_root(warehouse: Place) -> Path:
    """Return the folder of all that runs stage: always one of this machine, where tasks write.

    Of a warehouse in an object store it is no part of it: what was audited is uploaded from there.
    """
    if isinstance(warehouse, ObjectPath):
        return staging_folder(str(warehouse))
    return warehouse / STAGING


def staging_path(warehouse: Place, run_id: str) -> Path:
    """Return the folder that holds what one run has staged.

    Raises:
        ConfigError: ``run_id`` could be anything but one plain folder name.
    """
    return _staged(warehouse, _named("run id", run_id, _RUN_ID))


def marker_folder(warehouse: ObjectPath, run_id: str) -> ObjectPath:
    """Return where a run says that it is at work on a warehouse in an object store.

    Raises:
        ConfigError: ``run_id`` could be anything but one plain name.
    """
    return warehouse.joinpath(RUNS, _named("run id", run_id, _RUN_ID))


def staged_table_path(warehouse: Place, run_id: str, table: str) -> Path:
    """Return the folder of one staged table.

    Raises:
        ConfigError: A name is not an identifier, or the folder is a link out of the warehouse.
    """
    parts = _named("run id", run_id, _RUN_ID), _named("table", table, _TABLE)
    return _staged(warehouse, *parts)


def confirmation_path(warehouse: Place, ds: date) -> Place:
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


def _staged(warehouse: Place, *parts: str) -> Path:
    if isinstance(warehouse, ObjectPath):
        return _inside(staging_root(warehouse), *parts)
    return _inside(warehouse, STAGING, *parts)


@overload
def _inside(warehouse: Path, *parts: str) -> Path: ...
@overload
def _inside(warehouse: Place, *parts: str) -> Place: ...
def _inside(warehouse: Place, *parts: str) -> Place:
    if isinstance(warehouse, ObjectPath) and (error := s3_error(str(warehouse))):
        expected = error.removeprefix("must be ")
        raise ConfigError(Problem("warehouse", "does not fit", str(warehouse), expected))
    root = warehouse if isinstance(warehouse, ObjectPath) else warehouse.resolve()
    if error := name_error(str(root)):
        expected = error.removeprefix("must be ")
        raise ConfigError(Problem("warehouse", "its path does not fit", str(root), expected))
    if isinstance(root, ObjectPath):
        return root.joinpath(*parts)  # a store has no links, and each part is a plain name
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
