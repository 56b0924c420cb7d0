"""Damaged parts of a warehouse are taken out of use, and kept: moved to a folder of their own."""

from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

from winnow.release.delta_log import checkpoints_in_log, log_folder
from winnow.release.paths import RELEASES
from winnow.storage.object_path import ObjectPath, Place

DAMAGED = "_damaged"
"""The folder of a warehouse that keeps what was taken out of use."""

_OLD_LOG = f"{RELEASES}_delta_log"


def set_aside(file: Place, damaged: Place) -> Place:
    """Move one file of a table's log; return where it is kept.

    Args:
        file: The file. damaged: The folder that keeps it.
    """
    name = f"{file.parent.parent.name}-{datetime.now(UTC):%H%M%S%f}-{file.name}"
    if isinstance(file, ObjectPath):
        kept = cast(ObjectPath, damaged) / name
        file.copy_to(kept)
        file.unlink()
        return kept
    damaged.mkdir(parents=True, exist_ok=True)
    return file.rename(cast(Path, damaged) / name)


def set_log_aside(path: Place, warehouse: Place) -> Place:
    """Move the whole log of ``releases``; return where it is kept.

    In an object store it is copied first, then deleted from its beginning on: one that has begun to
    go is damaged for every reader and writer, and none takes a part of it for all releases.

    Args:
        path: The folder of the table. warehouse: That of all tables.
    """
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    folder, log = warehouse.joinpath(DAMAGED, stamp), log_folder(path)
    if not isinstance(log, ObjectPath):
        folder.mkdir(parents=True)
        return log.rename(cast(Path, folder) / _OLD_LOG)
    kept = cast(ObjectPath, folder) / _OLD_LOG
    files = [file for file, _ in log.objects()]
    for file in files:
        file.copy_to(kept.joinpath(*file.relative_to(log).parts))
    # Without its checkpoints a log is read from its first entry on.
    checkpoints = {one for own in checkpoints_in_log(path).values() for one in own}
    for file in sorted(files, key=lambda one: (one not in checkpoints, one)):
        file.unlink(missing_ok=True)
    return kept


def logs_set_aside(warehouse: Place) -> list[Place]:
    """Return the logs of ``releases`` that were taken out of use."""
    root = warehouse / DAMAGED
    return [folder / _OLD_LOG for folder in root.iterdir()] if root.is_dir() else []
