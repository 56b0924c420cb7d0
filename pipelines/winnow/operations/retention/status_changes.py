"""Writes what becomes of releases: all changes in one commit, or none where others were faster."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import pyarrow as pa
from deltalake import CommitProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from winnow.contracts.tables import table_contract
from winnow.errors import ConflictError, Problem
from winnow.release.conditional_put import require_conditional_put
from winnow.release.metadata import arrow_schema, open_version
from winnow.release.new_table import create_table, plain_schema, table_properties
from winnow.release.paths import table_path
from winnow.release.release_rows import ListedRelease
from winnow.release.release_status import (
    RELEASE_STATUS,
    ReleaseStatuses,
    Status,
    StatusChange,
    read_statuses,
)
from winnow.storage.object_path import Place

_RETENTION_DAYS = 30
"""Of the former versions of the table, which nothing pins."""


@dataclass(frozen=True)
class Decision:
    """What becomes of one release, as the columns of ``release_status`` have it."""

    release: ListedRelease
    status: Status
    tag: str | None = None
    reason: str | None = None


def write_changes(
    warehouse: Place,
    decisions: Iterable[Decision],
    before: ReleaseStatuses,
    now: datetime | None = None,
) -> None:
    """Write what was decided in the light of ``before``, in one commit.

    The table is written anew, with all former rows: it is always one file, however many commits.

    Raises:
        ConflictError: Somebody else has decided something meanwhile; nothing was written.
        ConfigError: An object store that cannot be written by several at once.
    """
    moment, change = now or datetime.now(UTC), before.last_change + 1
    added = [
        StatusChange(change, d.release.release_id, d.release.ds, d.status, d.tag, d.reason, moment)
        for d in decisions
    ]
    if not added:
        return
    require_conditional_put(warehouse)
    path = table_path(warehouse, RELEASE_STATUS)
    if before.version < 0:
        contract = table_contract(RELEASE_STATUS)
        properties = table_properties(contract, _RETENTION_DAYS)
        create_table(path, plain_schema(contract), [], properties)
        version = 0
    else:
        version = before.version
    table = open_version(path, version)
    rows = [asdict(one) for one in (*before.changes, *added)]
    try:
        write_deltalake(
            table,
            pa.Table.from_pylist(rows, arrow_schema(table)),
            mode="overwrite",
            # Any commit since the version that was read refuses this one.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except CommitFailedError as error:
        # The answer may have been lost, and not the commit.
        if set(added) <= set(read_statuses(warehouse).changes):
            return
        what = "somebody else has tagged or expired releases meanwhile"
        step = "Run it again; nothing was changed."
        raise ConflictError(Problem(RELEASE_STATUS, what, next_step=step)) from error
