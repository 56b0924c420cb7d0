"""The releases of a warehouse, listed by the log alone and read one by one, without an engine."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from winnow.errors import Problem, ReleaseError
from winnow.release.metadata import open_table, table_exists
from winnow.release.paths import RELEASES, table_path
from winnow.release.release import OF_PIN, OF_RELEASE, ContentHash, Documents, Release, TablePin
from winnow.release.release_rows import ListedRelease, listed_releases
from winnow.release.release_status import ReleaseStatuses, read_statuses
from winnow.storage.object_path import Place

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReleasesSnapshot:
    """The releases as of one version of the ``releases`` table.

    Attributes:
        version: That version, -1 where the table is not there yet.
        listed: All releases that readers may open, as the log lists them, oldest first; each is
            read when asked for.
        expired: Those that have expired, oldest first.
        statuses: What was decided about releases: tags and expirations.
    """

    version: int
    listed: tuple[ListedRelease, ...]
    expired: tuple[ListedRelease, ...] = ()
    statuses: ReleaseStatuses = field(default_factory=ReleaseStatuses)

    @property
    def seq(self) -> int:
        """The number of the newest release, 0 where there is none; also of an expired one."""
        return max((one.seq for one in (*self.listed, *self.expired)), default=0)

    @property
    def dates(self) -> tuple[date, ...]:
        """The dates that are released, in order."""
        return tuple(sorted({one.ds for one in self.listed}))

    @property
    def releases(self) -> tuple[Release, ...]:
        """All releases, oldest first.

        Raises:
            ReleaseError: Some cannot be read or are not whole; names each.
        """
        found: list[Release] = []
        problems: list[Problem] = []
        for one in self.listed:
            try:
                found.append(read_release(one))
            except ReleaseError as error:
                problems += error.problems
        ReleaseError.raise_if_any(dict.fromkeys(problems))
        return tuple(found)

    def listed_newest(self, ds: date) -> ListedRelease | None:
        """Return what the log says of the newest release of a date, None where there is none."""
        of_date = (one for one in self.listed if one.ds == ds)
        return max(of_date, key=lambda one: one.seq, default=None)

    def newest(self, ds: date) -> Release | None:
        """Return the newest release of a date, None where there is none.

        Raises:
            ReleaseError: It cannot be read or is not whole.
        """
        found = self.listed_newest(ds)
        return None if found is None else read_release(found)

    def newest_if_whole(self, ds: date) -> Release | None:
        """Return the newest release of a date; None, with a warning, where it cannot be read."""
        try:
            return self.newest(ds)
        except ReleaseError as error:
            _LOG.warning("%s", error)
            return None

    def find(self, release_id: str) -> Release | None:
        """Return a release by its id, None where there is no such release.

        Raises:
            ReleaseError: It cannot be read or is not whole.
        """
        found = next((one for one in self.listed if one.release_id == release_id), None)
        return None if found is None else read_release(found)


def read_releases(warehouse: Place) -> ReleasesSnapshot:
    """List the releases of a warehouse, without an engine; no row of them is read yet.

    Raises:
        ReleaseError: The log of the ``releases`` table is damaged; says what to do.
    """
    path = table_path(warehouse, RELEASES)
    if not table_exists(path):
        return ReleasesSnapshot(-1, ())
    table = open_table(path)
    listed = listed_releases(path, table)
    # Read after the releases: of each that has expired it is then known that it is one.
    statuses = read_statuses(warehouse)
    return ReleasesSnapshot(
        table.version(),
        tuple(one for one in listed if one.release_id not in statuses.expired),
        tuple(one for one in listed if one.release_id in statuses.expired),
        statuses,
    )


def list_releases(warehouse: Place) -> tuple[Release, ...]:
    """Return all releases of a warehouse, oldest first.

    Raises:
        ReleaseError: Some cannot be read or are not whole; names each.
    """
    return read_releases(warehouse).releases


def read_release(listed: ListedRelease) -> Release:
    """Return a release that the log lists, from its own rows.

    Raises:
        ReleaseError: They cannot be read, or some of them are missing or there twice.
    """
    rows = listed.rows((*OF_RELEASE, *OF_PIN))
    _require_whole(listed, rows)
    pins = [
        TablePin(
            row["table_name"],
            row["delta_version"],
            ContentHash(row["row_count"], row["content_hash"]),
        )
        for row in sorted(rows, key=lambda row: str(row["table_name"]))
    ]
    of_release = {name: rows[0][name] for name in OF_RELEASE}
    return Release(**of_release, tables=tuple(pins), documents=StoredDocuments(listed))


@dataclass(frozen=True)
class StoredDocuments:
    """Reads the texts of a release from its row that holds them."""

    listed: ListedRelease

    def __call__(self) -> Documents:
        """Return them.

        Raises:
            ReleaseError: They cannot be read, or their row is missing.
        """
        rows = self.listed.rows(Documents._fields)
        found = [Documents(**row) for row in rows if None not in row.values()]
        if len(found) != 1:
            raise ReleaseError(_not_whole(self.listed, "its texts stand in no row of it"))
        return found[0]


def _require_whole(listed: ListedRelease, rows: Sequence[dict[str, Any]]) -> None:
    """Check that a release has one row for each of the tables that it was made of.

    Raises:
        ReleaseError: It has not; without one of them nobody knows what belongs to it.
    """
    tables = sorted(str(row["table_name"]) for row in rows)
    wanted = {row["n_tables"] for row in rows}
    if wanted != {len(tables)} or len(set(tables)) != len(tables):
        expected = " or ".join(str(number) for number in sorted(wanted)) or "some"
        found = f"{len(tables)} ({', '.join(tables)})" if tables else "0"
        what = "it has not the rows that it was released with"
        raise ReleaseError(_not_whole(listed, what, found, expected))


def _not_whole(
    listed: ListedRelease, what: str, found: str | None = None, expected: str | None = None
) -> Problem:
    return Problem(
        f"the release {listed.release_id} of {listed.ds}",
        f"{what} in the table releases",
        found,
        expected,
        f"Somebody changed the table. Build {listed.ds} again: it is then released anew.",
    )
