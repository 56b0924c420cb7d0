"""The staging folders of runs: dropped after a release, cleaned after a crash."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from winnow.release.paths import STAGING, staging_path


def drop_staging(warehouse: Path, run_id: str) -> None:
    """Remove everything that one run has staged; nothing where there is nothing.

    Raises:
        ConfigError: ``run_id`` is not one plain folder name.
    """
    path = staging_path(warehouse, run_id)
    if path.is_dir():
        shutil.rmtree(path)


def clean_staging(
    warehouse: Path, older_than: timedelta, now: datetime | None = None
) -> tuple[str, ...]:
    """Remove the staging of runs that ended long ago; return their ids.

    A folder is as old as the newest file in it, so a run that still writes is never touched.

    Args:
        warehouse: The folder of all tables.
        older_than: Younger folders stay. Longer than any build takes.
        now: By default the time of the clock.
    """
    root = warehouse / STAGING
    limit = ((now or datetime.now(UTC)) - older_than).timestamp()
    removed = []
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if path.is_dir() and not path.is_symlink() and _last_change(path) < limit:
            shutil.rmtree(path)
            removed.append(path.name)
    return tuple(removed)


def _last_change(folder: Path) -> float:
    times = [folder.stat().st_mtime]
    for path in folder.rglob("*"):
        try:
            times.append(path.lstat().st_mtime)
        except FileNotFoundError:  # a task of a run at work renamed it: the run is alive
            return float("inf")
    return max(times)
