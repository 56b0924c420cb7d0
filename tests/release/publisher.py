"""Processes of their own that publish what is staged already: no engine is needed for that.

    python -m tests.release.publisher job.pickle …

A job names what to publish, one after the other, and a file to wait for. Each has a process, forked
when all is imported: that takes longer than the work.
"""

import os
import pickle
import shutil
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from winnow.release.commits import new_run_id
from winnow.release.paths import staged_table_path
from winnow.release.promotion import publish
from winnow.release.release import RunRecord
from winnow.release.sail_store import SailStore
from winnow.release.staged_table import FileState, StagedTable

Staged = Mapping[str, StagedTable]


@dataclass(frozen=True)
class Job:
    """Runs of one date and what each has staged; ``ready`` is made, then ``go`` awaited."""

    warehouse: Path
    runs: list[tuple[RunRecord, Staged]]
    ready: Path
    go: Path


def copied(warehouse: Path, staged: Staged) -> tuple[str, Staged]:
    """Copy what one run has staged into the staging of a new one; return its id and tables."""
    run_id, found = new_run_id(), {}
    for name, table in staged.items():
        own = staged_table_path(warehouse, table.run_id, name)
        other = staged_table_path(warehouse, run_id, name)
        shutil.copytree(own, other)
        files = {
            path: FileState.of(path) for f in table.files if (path := other / f.relative_to(own))
        }
        found[name] = replace(table, run_id=run_id, files=files)
    return run_id, found


def main(path: Path) -> None:
    job: Job = pickle.loads(path.read_bytes())
    store = SailStore(None, job.warehouse)  # type: ignore[arg-type]
    job.ready.touch()
    while not job.go.exists():
        time.sleep(0.002)
    for run, staged in job.runs:
        publish(store, staged, run, store.releases_snapshot())


def forked(path: Path) -> int:
    """Begin a job in a process of its own; return the process's id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        main(path)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    children = [forked(Path(job)) for job in sys.argv[1:]]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    sys.exit(sum(code != 0 for code in codes))
