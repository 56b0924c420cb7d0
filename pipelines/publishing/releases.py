"""Releases: which version of each table is the audited one for a date. Read without an engine."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from pipelines.contracts.tables import TableContract, table_contract
from pipelines.publishing.content_hash import ContentHash
from pipelines.publishing.metadata import arrow_schema, dataset_of, pinned_files
from pipelines.publishing.paths import RELEASES, table_path


@dataclass(frozen=True)
class TablePin:
    """At this version of the table, the release's date holds this content."""

    table: str
    version: int
    content: ContentHash


@dataclass(frozen=True)
class RunRecord:
    """What a run tells about itself; stands in every row of its release.

    Attributes:
        run_id: The process, as made by ``new_run_id``.
        day: The date that it built.
        config_hash: SHA-256 of the settings that decide the rows.
        config_json: Those settings.
        code_version: Version of Winnow.
        inputs_json: Per log, what was read.
        quality_json: Gates with their figures.
        attempt: Counts the tries of one process, from 1.
    """

    run_id: str
    day: date
    config_hash: str
    config_json: str
    code_version: str
    inputs_json: str = "{}"
    quality_json: str = "{}"
    attempt: int = 1


@dataclass(frozen=True)
class Release:
    """One release: a date, the versions that hold its audited rows, and where they came from.

    Attributes:
        release_id: UTC time and the end of the run's id; sorts by time.
        seq: Number of the release, from 1. The newest release of a date has the highest.
        ds: The date that it vouches for, and no other.
        tables: One pin per table, sorted by the table's name.
    """

    release_id: str
    seq: int
    ds: date
    run_id: str
    created_ts: datetime
    config_hash: str
    config_json: str
    code_version: str
    inputs_json: str
    quality_json: str
    tables: tuple[TablePin, ...]

    def pin(self, table: str) -> TablePin | None:
        """Return the pin of one table; None where the release has no such table."""
        return next((pin for pin in self.tables if pin.table == table), None)

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the rows of ``schemas/releases.yaml``, one per table."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "tables"}
        return [
            own
            | {
                "table_name": pin.table,
                "delta_version": pin.version,
                "row_count": pin.content.rows,
                "content_hash": pin.content.total,
            }
            for pin in self.tables
        ]


@dataclass(frozen=True)
class ReleasesSnapshot:
    """The releases as of one version of the ``releases`` table.

    Attributes:
        version: That version, -1 where the table is not there yet.
        releases: All releases, oldest first.
    """

    version: int
    releases: tuple[Release, ...]

    @property
    def seq(self) -> int:
        """The number of the newest release, 0 where there is none."""
        return max((release.seq for release in self.releases), default=0)

    def newest(self, ds: date) -> Release | None:
        """Return the newest release of a date, None where there is none."""
        return max(
            (release for release in self.releases if release.ds == ds),
            key=lambda release: release.seq,
            default=None,
        )


def releases_contract() -> TableContract:
    """Return the contract of the ``releases`` table."""
    return table_contract(RELEASES)


def new_release_id(run_id: str, now: datetime) -> str:
    """Return a UTC time to the microsecond and the last eight characters of the run's id."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{run_id[-8:]}"


def read_releases(warehouse: Path) -> ReleasesSnapshot:
    """Read all releases of a warehouse, without an engine.

    Raises:
        ReleaseError: Files of the ``releases`` table are missing.
    """
    path = table_path(warehouse, RELEASES)
    if not DeltaTable.is_deltatable(str(path)):
        return ReleasesSnapshot(-1, ())
    table = DeltaTable(str(path))
    files = pinned_files(path, table.version())
    rows = dataset_of(arrow_schema(table), files).to_table().to_pylist()
    return ReleasesSnapshot(table.version(), _from_rows(rows))


def list_releases(warehouse: Path) -> tuple[Release, ...]:
    """Return all releases of a warehouse, oldest first."""
    return read_releases(warehouse).releases


def _from_rows(rows: Iterable[dict[str, Any]]) -> tuple[Release, ...]:
    in_order = sorted(rows, key=lambda row: (row["seq"], row["release_id"]))
    releases = []
    for _, group in groupby(in_order, key=lambda row: row["release_id"]):
        releases.append(_from_group(list(group)))
    return tuple(releases)


def _from_group(rows: Sequence[dict[str, Any]]) -> Release:
    pins = [
        TablePin(
            row["table_name"],
            row["delta_version"],
            ContentHash(row["row_count"], row["content_hash"]),
        )
        for row in sorted(rows, key=lambda row: str(row["table_name"]))
    ]
    own = {f.name: rows[0][f.name] for f in fields(Release) if f.name != "tables"}
    return Release(**own, tables=tuple(pins))
