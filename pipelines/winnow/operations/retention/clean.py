"""The staging of runs that are over, and what there is to gain by removing it."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from winnow.release.run_process import remove_empty
from winnow.release.staging import StagedRun, bytes_freed, staged_runs
from winnow.storage.object_path import Place


@dataclass(frozen=True)
class OldStaging:
    """The staging folders of a warehouse, looked at once.

    Attributes:
        over: Those that nobody needs any more.
        kept: The others: of runs at work, of runs that cannot be asked, or too young.
        freed: Bytes that are free once ``over`` is removed.
    """

    over: tuple[StagedRun, ...]
    kept: tuple[StagedRun, ...]
    freed: int


def find_old_staging(
    warehouse: Place, older_than: timedelta | None = None, now: datetime | None = None
) -> OldStaging:
    """Return which staging folders may go.

    Args:
        warehouse: The folder of all tables.
        older_than: As for ``StagedRun.is_over``.
        now: By default the time of the clock.
    """
    moment, runs = now or datetime.now(UTC), staged_runs(warehouse)
    over = tuple(run for run in runs if run.is_over(moment, older_than))
    kept = tuple(run for run in runs if run not in over)
    return OldStaging(over, kept, bytes_freed(run.path for run in over))


def remove_staging(old: OldStaging) -> None:
    """Remove the folders that nobody needs; one that is gone by now is no error.

    Raises:
        StoreError: The object store of the warehouse does not delete what dead runs have left.
    """
    for run in old.over:
        if run.marker is not None:
            run.marker.remove()
        if run.is_empty:
            # Its run may begin at this moment: only a folder that is still empty goes.
            remove_empty(run.path)
            continue
        with suppress(FileNotFoundError):  # somebody else removes it at this moment
            shutil.rmtree(run.path)
