"""What may become of releases: those with a tag are kept, expired ones are opened no more.

``releases`` itself is only ever appended to. What is decided about a release later stands beside it
in ``release_status``, a table of few rows that is always one file, so that it costs one read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa

from winnow.errors import Problem, ReleaseError
from winnow.release.metadata import arrow_schema, dataset_of, files_named, open_table, table_exists
from winnow.release.paths import table_path
from winnow.storage.file_systems import raise_if_refused
from winnow.storage.object_path import Place

RELEASE_STATUS = "release_status"

Status = Literal["kept", "untagged", "expired"]


@dataclass(frozen=True)
class StatusChange:
    """One row of ``release_status``; the fields are its columns."""

    change: int
    release_id: str
    ds: date
    status: Status
    tag: str | None
    reason: str | None
    changed_ts: datetime


@dataclass(frozen=True)
class ReleaseStatuses:
    """All changes as of one version of ``release_status``.

    Attributes:
        version: That version, -1 where the table is not there yet.
        changes: All of them, in order.
    """

    version: int = -1
    changes: tuple[StatusChange, ...] = ()

    @property
    def last_change(self) -> int:
        """The number of the last change, 0 where there is none."""
        return max((one.change for one in self.changes), default=0)

    @cached_property
    def expired(self) -> Mapping[str, StatusChange]:
        """The releases that have expired, by id; the first time counts."""
        expired = [one for one in self.changes if one.status == "expired"]
        return {one.release_id: one for one in reversed(expired)}

    @cached_property
    def tags(self) -> Mapping[str, tuple[str, ...]]:
        """The tags of the releases that have any, by id, sorted."""
        found: dict[str, set[str]] = {}
        for one in self.changes:
            if one.tag is not None and one.status == "kept":
                found.setdefault(one.release_id, set()).add(one.tag)
            elif one.tag is not None:
                found.setdefault(one.release_id, set()).discard(one.tag)
        return {name: tuple(sorted(tags)) for name, tags in found.items() if tags}


def read_statuses(warehouse: Place) -> ReleaseStatuses:
    """Read what was decided about the releases of a warehouse, without an engine.

    Raises:
        ReleaseError: The table cannot be read: nobody knows then which releases have expired.
        StoreError: Its object store does not answer, or refuses: nobody knows it either.
    """
    path = table_path(warehouse, RELEASE_STATUS)
    if not table_exists(path):
        return ReleaseStatuses()
    table = open_table(path)
    files = files_named(path, table)
    try:
        rows = dataset_of(arrow_schema(table), files).to_table().to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise_if_refused(str(path), error)
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ReleaseError(
            Problem(
                RELEASE_STATUS,
                "the table that says which releases have expired cannot be read",
                found=why,
                next_step=f"Restore {path} from a backup, or move it away: tags and expirations "
                "are then forgotten.",
            )
        ) from error
    return ReleaseStatuses(table.version(), _in_order(rows))


def _in_order(rows: Iterable[dict[str, Any]]) -> tuple[StatusChange, ...]:
    ordered = sorted(rows, key=lambda row: (row["change"], row["release_id"], row["tag"] or ""))
    return tuple(StatusChange(**row) for row in ordered)
