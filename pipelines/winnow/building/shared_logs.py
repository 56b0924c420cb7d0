"""The logs of a date for several recipes: read, mapped and judged once, joined once.

Every row of every log is staged as its contract reads it. The recipes' samplers and audits read
these files in place of the logs, so that they are proven first to hold what the logs do.
"""

from collections.abc import Mapping
from dataclasses import replace

from pyspark.sql import DataFrame

from winnow.building.inputs import Inputs
from winnow.building.sampling import Counted, Joined
from winnow.contracts.log import Log
from winnow.contracts.tables import TableContract
from winnow.errors import InputError, Problem
from winnow.events.item_aliases import with_canonical_items
from winnow.events.orphans import all_rejected
from winnow.events.user_attributes import staged_users
from winnow.release.content_hash import content_hash_of_columns
from winnow.release.linked_tables import LinkedTables
from winnow.run import Run
from winnow.sampler.steps import stage_pairs

_AS_READ = "source_row"
"""The row as it was read: it is as long as all else, and only rejected rows need it."""


def staged_logs(logs: Mapping[str, Log], run: Run) -> dict[str, Log]:
    """Write the rows of logs as their contracts read them, and return logs that read these files.

    Args:
        logs: The conformed logs.
        run: The date, and where to compute.

    Returns:
        The same logs, whose frames have all columns but ``source_row``.

    Raises:
        InputError: What was written is not what the log holds, read once more.
    """
    return {name: _staged(log, run) for name, log in logs.items()}


def _staged(log: Log, run: Run) -> Log:
    rows = log.frame.drop(_AS_READ)
    copy = run.scratch.staged(rows, f"logs/{log.name}", repeats=True)
    written, there = (content_hash_of_columns(frame) for frame in (copy, rows))
    if written != there:
        what = "the log holds other rows when it is read once more"
        found, expected = (f"{of.rows:,} rows with hash {of.total}" for of in (there, written))
        fix = "Nothing was released. Build again when nobody writes to it."
        raise InputError(Problem(f"logs.{log.name}", what, found, expected, fix))
    return replace(log, frame=copy)


def with_logs(
    inputs: Inputs, counted: Counted, logs: Mapping[str, Log], run: Run
) -> tuple[Inputs, Counted]:
    """Return inputs and counts with other frames of the same logs.

    Args:
        inputs: The logs as opened. counted: Where their rows go.
        logs: What ``staged_logs`` returned of the logs as opened: the audit finds out by itself
            which ids are of one item.
        run: The date, and where to compute.
    """
    with_one_id = with_canonical_items(logs, run)
    return replace(inputs, logs=dict(logs)), replace(counted, logs=with_one_id)


def joined_logs(as_read: Counted, staged: Counted, run: Run) -> Joined:
    """Join clicks to impressions, for several recipes.

    Args:
        as_read: The logs as they were opened: rejected rows are told as they stand there.
        staged: The same logs as ``staged_logs`` returned them.
        run: The date, and where to compute.
    """
    logs = staged.logs
    users = staged_users(logs, run)
    attributed = stage_pairs(logs["impressions"], staged.clicks, run, users)

    def rejected(contract: TableContract) -> DataFrame:
        return all_rejected(as_read.logs, as_read.counts, attributed, contract, run)

    linked = LinkedTables(run.scratch.folder / "tables")
    return Joined(attributed, rejected, linked, users)
