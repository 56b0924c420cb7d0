"""Does a release still hold what it promised? Read again, hashed again, compared."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.errors import ReleaseError
from pipelines.publishing.content_hash import content_hash_of_columns
from pipelines.publishing.metadata import pinned_files, protocol_problems, read_protocol
from pipelines.publishing.paths import table_path
from pipelines.publishing.releases import Release, TablePin
from pipelines.publishing.store import Store

Kind = Literal["expired", "missing_file", "wrong_size", "protocol", "wrong_rows", "wrong_content"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one table of one release.

    Attributes:
        kind: ``expired`` (the version is gone), ``missing_file`` and ``wrong_size`` (its files),
            ``protocol``, ``wrong_rows`` and ``wrong_content`` (what the files hold).
        text: The same for a person: what was found and what was expected.
    """

    release_id: str
    ds: date
    table: str
    kind: Kind
    text: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.release_id} {self.ds} {self.table}: {self.text}"


def verify_release(release: Release, store: Store) -> tuple[Finding, ...]:
    """Read the pinned versions of a release again and compare; empty where all is as promised.

    The files are looked at first: a row count is answered from the log even where they are gone.
    """
    return tuple(
        Finding(release.release_id, release.ds, pin.table, kind, text)
        for pin in release.tables
        for kind, text in _look_at(pin, release.ds, store)
    )


def _look_at(pin: TablePin, ds: date, store: Store) -> Iterable[tuple[Kind, str]]:
    broken = list(check_files(pin, ds, store))
    if broken:
        return broken
    found = content_hash_of_columns(store.read_version(pin.table, pin.version, ds))
    wanted = pin.content
    if found.rows != wanted.rows:
        text = f"version {pin.version} holds {found.rows} rows, the release says {wanted.rows}"
        return [("wrong_rows", text)]
    if found.total != wanted.total:
        text = f"version {pin.version} has content hash {found.total}, the release {wanted.total}"
        return [("wrong_content", text)]
    return []


def is_readable(release: Release, store: Store) -> bool:
    """Return whether every file of a release is there; one that has expired must be built again."""
    return not any(list(check_files(pin, release.ds, store)) for pin in release.tables)


def check_files(pin: TablePin, ds: date, store: Store) -> Iterable[tuple[Kind, str]]:
    """Give what is wrong with the files of a pin; reads the log and no data, without an engine."""
    path = table_path(store.warehouse, pin.table)
    try:
        files = pinned_files(path, pin.version, ds)
    except ReleaseError:
        yield "expired", f"version {pin.version} has expired: its log is gone"
        return
    for problem in protocol_problems(pin.table, read_protocol(path)):
        yield "protocol", str(problem)
    for file in files:
        name = file.path.relative_to(path)
        if not file.path.is_file():
            yield "missing_file", f"{name} of version {pin.version} is gone: deleted or expired"
        elif (size := file.path.stat().st_size) != file.size:
            yield "wrong_size", f"{name} has {size} bytes, the log says {file.size}"
