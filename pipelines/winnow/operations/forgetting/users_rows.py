"""The rows of some users in all releases that readers may open."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa

from winnow.errors import Problem, ReleaseError
from winnow.operations.forgetting.erased_files import TouchedTable, rows_of_users
from winnow.operations.forgetting.erased_users import ErasedUsers, columns_to_look_at, id_columns
from winnow.release.metadata import arrow_schema, open_table
from winnow.release.paths import table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import Release
from winnow.release.release_rows import ListedRelease
from winnow.release.releases import ReleasesSnapshot, read_release, read_releases
from winnow.storage.object_path import Place


@dataclass(frozen=True, eq=False)
class TouchedRelease:
    """A release that holds rows of the users, or whose record of the audit names one.

    Attributes:
        listed, release: The release.
        tables: Those with rows of the users.
        quality_json: Its record without their names.
    """

    listed: ListedRelease
    release: Release
    tables: tuple[TouchedTable, ...]
    quality_json: str

    @property
    def rows(self) -> Mapping[str, int]:
        """How many rows each of the tables has of the users."""
        return {one.pin.table: one.rows for one in self.tables}


@dataclass(frozen=True)
class UsersRows:
    """What a warehouse holds of some users.

    Attributes:
        releases: The releases with something of theirs, oldest first; last those that have expired
            and whose record of the audit names one.
        problems: Why some releases or tables could not be looked into.
        snapshot: The releases that were looked at.
    """

    releases: tuple[TouchedRelease, ...]
    problems: tuple[Problem, ...]
    snapshot: ReleasesSnapshot

    @property
    def rows(self) -> int:
        """How many rows are theirs, over all releases: a row of two releases counts twice."""
        return sum(sum(one.rows.values()) for one in self.releases)


def find_users_rows(warehouse: Place, users: ErasedUsers) -> UsersRows:
    """Return what the releases of a warehouse hold of some users; nothing is changed.

    Raises:
        ReleaseError: The releases cannot be listed.
        ConfigError: The ids are none that this warehouse can have.
    """
    snapshot = read_releases(warehouse)
    looked_at = _Tables(warehouse, users)
    found: list[TouchedRelease] = []
    problems: list[Problem] = []
    for listed in snapshot.listed:
        try:
            release = read_release(listed)
            texts = release.documents()
            columns = id_columns(texts.config_json)
            tables = tuple(looked_at.of(release, columns, problems))
            quality = users.without(texts.quality_json)
        except ReleaseError as error:
            problems += error.problems
            continue
        if tables or quality != texts.quality_json:
            found.append(TouchedRelease(listed, release, tables, quality))
    # Nobody reads those that have expired, and their rows in the table releases stay for good.
    for listed in snapshot.expired:
        with suppress(ReleaseError):
            release = read_release(listed)
            before = release.quality_json
            if (quality := users.without(before)) != before:
                found.append(TouchedRelease(listed, release, (), quality))
    return UsersRows(tuple(found), tuple(dict.fromkeys(problems)), snapshot)


class _Tables:
    """The tables of a warehouse, each opened once for its columns."""

    def __init__(self, warehouse: Place, users: ErasedUsers) -> None:
        self._warehouse, self._users = warehouse, users
        self._schemas: dict[str, pa.Schema] = {}

    def of(
        self, release: Release, columns: Mapping[str, tuple[str, ...]], problems: list[Problem]
    ) -> Iterator[TouchedTable]:
        """Give the tables of a release with rows of the users; add what keeps one from it."""
        for pin in release.tables:
            if not columns_to_look_at(pin.table):
                continue
            found = files_of_pin(self._warehouse, release, pin)
            if found.faults:
                where = f"{pin.table} of the release {release.release_id} of {release.ds}"
                what = "nobody knows which rows it holds"
                step = f"Build {release.ds} again and let this release expire, then forget again."
                problems += (Problem(where, what, one.text, next_step=step) for one in found.faults)
                continue
            schema = self._schema(pin.table)
            rows = {
                file: rows_of_users(pin.table, file, schema, self._users, columns)
                for file in found.files
            }
            touched = TouchedTable(pin, release.ds, rows, schema, columns)
            if touched.rows:
                yield touched

    def _schema(self, table: str) -> pa.Schema:
        if table not in self._schemas:
            schema = arrow_schema(open_table(table_path(self._warehouse, table)))
            for name in columns_to_look_at(table):
                self._users.require_type(name, schema.field(name).type)
            self._schemas[table] = schema
        return self._schemas[table]
