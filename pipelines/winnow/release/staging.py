"""The staging folders of runs: dropped after a release, left behind by a crash or a failed gate."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from winnow.release.paths import staging_path, staging_root
from winnow.release.run_markers import RunMarker, run_markers
from winnow.release.run_process import BEGUN_FILE, RunProcess, RunState
from winnow.storage.object_path import Place

UNKNOWN_AGE = timedelta(days=2)
"""So old is the staging of a run that cannot be asked when it is taken to be over; no build
takes as long."""


@dataclass(frozen=True)
class StagedRun:
    """What one run has staged.

    Attributes:
        run_id: The name of the folder.
        path: The folder.
        state: Whether the run is ``alive``, has ``ended``, or is ``elsewhere`` and cannot be asked.
        changed: When a file in it was last written.
        is_empty: Whether its run has written nothing, not even which process it is: it died, or is
            about to.
        marker: What it says of itself in the object store of the warehouse; of a run of another
            machine there is no more than that.
    """

    run_id: str
    path: Path
    state: RunState
    changed: datetime
    is_empty: bool = False
    marker: RunMarker | None = None

    def is_over(self, now: datetime, older_than: timedelta | None = None) -> bool:
        """Return whether nobody needs the folder any more.

        Args:
            now: The time of the clock.
            older_than: Younger folders stay. By default none does whose run has ended for certain,
                none that is empty, and two days of those whose run cannot be asked. Of one that
                says no more than when it began, in an object store, two days are the least.
        """
        least = timedelta(0) if self.state == "ended" or self.is_empty else UNKNOWN_AGE
        if older_than is not None:
            # A marker tells nothing of what was written since: its run may be at work still.
            marked = self.state == "elsewhere" and self.marker is not None
            least = max(older_than, UNKNOWN_AGE) if marked else older_than
        return self.state != "alive" and now - self.changed >= least


def drop_staging(warehouse: Place, run_id: str) -> None:
    """Remove everything that one run has staged; nothing where there is nothing.

    Raises:
        ConfigError: ``run_id`` is not one plain folder name.
    """
    path = staging_path(warehouse, run_id)
    if path.is_dir():
        shutil.rmtree(path)


def staged_runs(warehouse: Place) -> tuple[StagedRun, ...]:
    """Return what lies in the staging of a warehouse, sorted by the runs' ids.

    Of one in an object store, that is the staging on this machine, and the runs of all machines
    that are at work, or died.

    Raises:
        StoreError: The object store does not answer: nobody knows which runs are at work.
    """
    root = staging_root(warehouse)
    markers = run_markers(warehouse)
    runs = [
        replace(run, marker=markers.pop(run.run_id, None))
        for path in (sorted(root.iterdir()) if root.is_dir() else ())
        if path.is_dir() and not path.is_symlink() and (run := _staged_run(path))
    ]
    for name, one in markers.items():
        runs.append(
            StagedRun(name, staging_path(warehouse, name), one.state, one.begun, marker=one)
        )
    return tuple(sorted(runs, key=lambda run: run.run_id))


def _staged_run(path: Path) -> StagedRun | None:
    process = RunProcess.of(path)
    state: RunState = "elsewhere" if process is None else process.state
    try:
        times = [path.stat().st_mtime]
    except FileNotFoundError:
        return None  # its run has released meanwhile
    is_empty = process is None
    for file in path.rglob("*"):
        is_empty &= file.name == BEGUN_FILE
        try:
            times.append(file.lstat().st_mtime)
        except FileNotFoundError:  # a task of a run at work renamed it
            state = "alive"
    return StagedRun(path.name, path, state, datetime.fromtimestamp(max(times), UTC), is_empty)


def bytes_freed(folders: Iterable[Path]) -> int:
    """Return how much room there is more where folders are removed.

    Files that a published table links as well take their room on.
    """
    links: Counter[tuple[int, int]] = Counter()
    sizes: dict[tuple[int, int], tuple[int, int]] = {}
    for info in (file.lstat() for folder in folders for file in _files(folder)):
        key = info.st_dev, info.st_ino
        links[key] += 1
        sizes[key] = info.st_nlink, info.st_size
    return sum(size for key, (total, size) in sizes.items() if links[key] >= total)


def _files(folder: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
