"""Where the disk is full, the error says what there is to remove."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from winnow.errors import WinnowError
from winnow.release.staging import bytes_freed, staged_runs
from winnow.shown_text import size_text
from winnow.spark.causes import NO_ROOM, problem_of
from winnow.storage.object_path import Place


@contextmanager
def room_explained(warehouse: Place) -> Iterator[None]:
    """Raise what says that there is no room together with what ``winnow clean`` would free.

    Raises:
        WinnowError: The disk or its quota is full, and runs that are over have left something.
    """
    try:
        yield
    except WinnowError:
        raise
    except Exception as error:
        problem = problem_of(error)
        if problem.what in NO_ROOM and (step := _step(warehouse)):
            raise WinnowError(replace(problem, next_step=step)) from error
        raise


def _step(warehouse: Place) -> str | None:
    now = datetime.now(UTC)
    over = [run for run in staged_runs(warehouse) if run.is_over(now)]
    freed = bytes_freed(run.path for run in over)
    if not freed:
        return None
    of_runs = "a run that is over" if len(over) == 1 else f"{len(over)} runs that are over"
    return (
        f"winnow clean --warehouse {warehouse} frees {size_text(freed)}, the staging of {of_runs}; "
        "then run it again."
    )
