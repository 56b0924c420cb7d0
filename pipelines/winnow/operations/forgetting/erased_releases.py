"""The pins of several releases, moved in one commit of ``releases``.

A release stays what it is, with its id and number, and its rows are written again: the pins are
those of the versions without some users' rows, and its texts name none of them and say when how
many rows were erased. Until the commit readers find the pins before, from it on the new ones.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deltalake import CommitProperties
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction

from winnow.errors import ConflictError, Problem
from winnow.operations.retention.release_files import write_release
from winnow.release.commits import Label
from winnow.release.metadata import PinnedFile, arrow_schema, open_version
from winnow.release.paths import RELEASES, table_path
from winnow.release.pins import names_below
from winnow.release.release import TablePin
from winnow.release.release_rows import ListedRelease
from winnow.release.releases import ReleasesSnapshot, read_releases
from winnow.storage.object_path import Place

_TRIES = 20
"""Each try that fails means that another release was appended."""


@dataclass(frozen=True)
class ErasedRelease:
    """A release of which rows were erased.

    Attributes:
        listed: The release as it was listed when its rows were looked for.
        pins: The pins that take the place of those of the same tables.
        rows: How many rows of each of these tables were erased.
        quality_json: Its record of the audit, which names none of the users.
    """

    listed: ListedRelease
    pins: tuple[TablePin, ...]
    rows: Mapping[str, int]
    quality_json: str


def move_pins(
    warehouse: Place, erased: Sequence[ErasedRelease], label: Label, now: datetime | None = None
) -> None:
    """Write the rows of releases again, all in one commit; releases that come meanwhile stay.

    Args:
        warehouse: The folder of all tables. erased: The releases.
        label: Of the commit. now: By default the time of the clock.

    Raises:
        ConflictError: Somebody else changed one of these releases; nothing was changed.
    """
    moment = now or datetime.now(UTC)
    for attempt in range(_TRIES):
        snapshot = read_releases(warehouse)
        if _moved(warehouse, snapshot, erased, label, moment):
            return
        time.sleep(0.05 * attempt)
    what = "others released each time that the pins of releases were to be moved"
    raise ConflictError(Problem(RELEASES, what, next_step="Run it again; nothing was changed."))


def _moved(
    warehouse: Place,
    snapshot: ReleasesSnapshot,
    erased: Sequence[ErasedRelease],
    label: Label,
    moment: datetime,
) -> bool:
    every = {one.release_id: one for one in (*snapshot.listed, *snapshot.expired)}
    changed = {one.listed.release_id: one for one in erased}
    for name, release in changed.items():
        if name not in every or _paths(every[name]) != _paths(release.listed):
            what = f"somebody else changed the release {name} meanwhile"
            step = "Run it again; nothing was changed."
            raise ConflictError(Problem(RELEASES, what, next_step=step))
    replaced: set[PinnedFile] = {file for one in erased for file in one.listed.files}
    path = table_path(warehouse, RELEASES)
    table = open_version(path, snapshot.version)
    schema = arrow_schema(table)
    added: list[AddAction] = []
    try:
        for one in every.values():
            # A file may hold other releases as well, where somebody has compacted the table.
            if replaced.isdisjoint(one.files):
                continue
            rows = sorted(one.rows(schema.names), key=lambda row: str(row["table_name"]))
            if one.release_id in changed:
                rows = [_row(row, changed[one.release_id], moment) for row in rows]
            added.append(write_release(path, schema, rows))
        removed = [_removed(file, path, moment) for file in sorted(replaced, key=lambda f: f.path)]
        actions: list[AddAction | RemoveAction] = [*added, *removed]
        table.create_write_transaction(
            actions,
            mode="append",
            schema=table.schema(),
            partition_by=[],
            # Any commit since the version that was read refuses this one.
            commit_properties=CommitProperties(
                custom_metadata={"userMetadata": label.to_json()}, max_commit_retries=0
            ),
        )
    except CommitFailedError:
        _remove(path, added)
        return False
    except BaseException:
        if not _is_committed(warehouse, added, path):
            _remove(path, added)
        raise
    return True


def _row(row: dict[str, Any], one: ErasedRelease, moment: datetime) -> dict[str, Any]:
    pin = next((pin for pin in one.pins if pin.table == row["table_name"]), None)
    if pin is not None:
        row |= {
            "delta_version": pin.version,
            "row_count": pin.content.rows,
            "content_hash": pin.content.total,
        }
    if row["quality_json"] is not None:
        row["quality_json"] = _told(one, moment)
    return row


def _told(one: ErasedRelease, moment: datetime) -> str:
    record = json.loads(one.quality_json)
    told = {"erased_ts": moment.isoformat(), "rows": dict(sorted(one.rows.items()))}
    record["erased"] = [*record.get("erased", ()), told]
    return json.dumps(record, ensure_ascii=False)


def _removed(file: PinnedFile, path: Place, moment: datetime) -> RemoveAction:
    when = int(moment.timestamp() * 1000)
    name = names_below(file, path)
    return RemoveAction(name, True, when, file.size, {})


def _is_committed(warehouse: Place, added: Sequence[AddAction], path: Place) -> bool:
    """Return whether a commit names the files, though its answer was lost."""
    snapshot = read_releases(warehouse)
    named = {file.path.name for one in (*snapshot.listed, *snapshot.expired) for file in one.files}
    return any(one.path in named for one in added)


def _remove(path: Place, added: Sequence[AddAction]) -> None:
    for one in added:
        (path / one.path).unlink(missing_ok=True)


def _paths(one: ListedRelease) -> set[Place]:
    return {file.path for file in one.files}
