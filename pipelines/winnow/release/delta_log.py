"""The commits in a table's Delta log, each with the version that its entry's name says.

Never by ``DeltaTable.history()``: delta-rs numbers commits from the version that the handle was
opened at, and tells wrong versions where other processes commit meanwhile.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

from winnow.errors import ConflictError, Problem, StoreError
from winnow.release.commits import Label
from winnow.storage.object_path import ObjectPath, Place

_ENTRY = re.compile(r"([0-9]{20})\.json")
_CHECKPOINT = re.compile(r"([0-9]{20})\.checkpoint(\..+)?\.parquet")


@dataclass(frozen=True)
class Commit:
    """One version of a table; ``label`` is None where somebody else committed."""

    version: int
    operation: str
    label: Label | None


@overload
def log_folder(path: Path) -> Path: ...
@overload
def log_folder(path: Place) -> Place: ...
def log_folder(path: Place) -> Place:
    """Return the folder of a table's log."""
    return path / "_delta_log"


@overload
def entry_path(path: Path, version: int) -> Path: ...
@overload
def entry_path(path: ObjectPath, version: int) -> ObjectPath: ...
@overload
def entry_path(path: Place, version: int) -> Place: ...
def entry_path(path: Place, version: int) -> Place:
    """Return the log entry of a version of a table."""
    return log_folder(path) / f"{version:020}.json"


def versions_in_log(path: Place) -> list[int]:
    """Return the versions that have an entry of their own in a table's log, in order."""
    found = (_ENTRY.fullmatch(entry.name) for entry in log_folder(path).iterdir())
    return sorted(int(name[1]) for name in found if name)


def checkpoints_in_log(path: Place) -> dict[int, list[Place]]:
    """Return the files of each checkpoint in a table's log by its version, in order."""
    found: dict[int, list[Place]] = {}
    files: list[Place] = [*log_folder(path).iterdir()]
    for file in sorted(files, key=str):
        if name := _CHECKPOINT.fullmatch(file.name):
            found.setdefault(int(name[1]), []).append(file)
    return found


def label_of_version(path: Place, version: int) -> Label | None:
    """Return the label in the entry of a version; None where it holds none.

    Raises:
        FileNotFoundError: The entry is gone, as after the retention.
    """
    entry = entry_path(path, version)
    if not entry.exists():
        raise FileNotFoundError(entry)
    return Label.from_json(_commit_info(entry).get("userMetadata"))


def read_history(path: Place) -> list[Commit]:
    """Return the commits of a table whose log entries are there, newest first."""
    return list(_newest_first(path))


def version_labelled(path: Place, label: Label) -> int:
    """Return the newest version whose log entry holds a label.

    Raises:
        ConflictError: No entry has it: the log is not the one that was committed to.
    """
    # The commit is nearly always among the newest; other dates may have committed since.
    for commit in _newest_first(path):
        if commit.label == label:
            return commit.version
    raise ConflictError(
        Problem(
            path.name,
            f"no version was committed by the run {label.run_id}, though its commit succeeded",
            next_step="The table was replaced meanwhile. Run again; nothing was released.",
        )
    )


def _newest_first(path: Place) -> Iterator[Commit]:
    for version in reversed(versions_in_log(path)):
        info = _commit_info(entry_path(path, version))
        yield Commit(
            version, str(info.get("operation", "")), Label.from_json(info.get("userMetadata"))
        )


def _commit_info(entry: Place) -> dict[str, Any]:
    """Return what a log entry says about itself; nothing where it cannot be read.

    Raises:
        StoreError: The store does not answer: nobody knows what it says.
    """
    try:
        for line in entry.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if isinstance(action, dict) and "commitInfo" in action:
                return dict(action["commitInfo"])
    except StoreError:
        raise
    except (OSError, ValueError, TypeError):
        pass
    return {}
