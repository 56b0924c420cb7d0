"""Which runs are at work on a warehouse in an object store, told to all machines that keep it.

A run stages on its own machine, so nobody else would know what it is about to publish. Before it
uploads anything it writes an object that says which process it is, and deletes that in the end. Of
this machine it is then certain whether it is still at work. What it uploads is not older than its
marker, by the clock of the store, which tells the times of both.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from winnow.errors import StoreError
from winnow.release.paths import RUNS, marker_folder, staging_path
from winnow.release.run_process import RUN_PROCESS_FILE, RunProcess, RunState, at_work
from winnow.storage.object_path import ObjectPath, Place


@dataclass(frozen=True)
class RunMarker:
    """What a run says of itself in an object store.

    Attributes:
        run_id: The run.
        path: The object.
        state: Whether it is ``alive``, has ``ended``, or is ``elsewhere`` and cannot be asked.
        begun: When the object was written, by the clock of the store.
    """

    run_id: str
    path: ObjectPath
    state: RunState
    begun: datetime

    def remove(self) -> None:
        """Delete the object; that it is gone by now is no error.

        Raises:
            StoreError: The store does not answer, or refuses.
        """
        self.path.unlink(missing_ok=True)


@contextmanager
def run_at_work(warehouse: Place, run_id: str) -> Iterator[None]:
    """Say that this process stages for a warehouse and publishes to it, while the block runs.

    Raises:
        StoreError: The object store does not take the marker; nothing was begun.
    """
    with at_work(staging_path(warehouse, run_id)):
        if not isinstance(warehouse, ObjectPath):
            yield
            return
        marker = marker_folder(warehouse, run_id) / RUN_PROCESS_FILE
        marker.write_text(RunProcess.current().to_json())
        try:
            yield
        finally:
            # What went wrong is not hidden; a marker that stays is of a process that has ended.
            with suppress(StoreError):
                marker.unlink(missing_ok=True)


def run_markers(warehouse: Place) -> dict[str, RunMarker]:
    """Return the markers of a warehouse by the runs' ids; a folder has none.

    Raises:
        StoreError: The store does not answer: nobody knows which runs are at work.
    """
    if not isinstance(warehouse, ObjectPath):
        return {}
    found: dict[str, RunMarker] = {}
    for path, told in (warehouse / RUNS).objects():
        if path.name == RUN_PROCESS_FILE:
            process = RunProcess.of(path.parent)
            state: RunState = "elsewhere" if process is None else process.state
            begun = datetime.fromtimestamp(told.st_mtime, UTC)
            found[path.parent.name] = RunMarker(path.parent.name, path, state, begun)
    return found
