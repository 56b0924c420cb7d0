"""Makes the tables of releases whole again: entries of their logs, and their files."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from winnow.errors import Problem, ReleaseError
from winnow.operations.doctor.repair_files import content_is_released, repair_files
from winnow.operations.doctor.repair_log import Proof, repair_log
from winnow.operations.doctor.set_aside import DAMAGED
from winnow.release.paths import table_path
from winnow.release.release import Release
from winnow.release.release_rows import ListedRelease
from winnow.release.releases import read_release, read_releases
from winnow.release.store import Store
from winnow.release.verify import verify_release
from winnow.storage.object_path import Place


@dataclass(frozen=True)
class RepairedTables:
    """What was done to the tables of releases.

    Attributes:
        entries: The entries of logs that were written again, as ``table version``.
        files: The files that are whole again.
        moved: Where what was damaged in logs is kept.
        lost: What could not be brought back, and what to do.
    """

    entries: tuple[str, ...] = ()
    files: tuple[Place, ...] = ()
    moved: tuple[Place, ...] = ()
    lost: tuple[Problem, ...] = ()


def repair_tables(store: Store) -> RepairedTables:
    """Verify all releases, and bring back what they lost, as far as the warehouse still has it.

    First come entries of logs, without which a table cannot be read, then files. What comes back
    is proven by the content hashes of releases. Nothing is written where nothing is wrong.

    Raises:
        ReleaseError: The releases cannot be read; see ``repair_releases``.
        ConflictError: Somebody committed at this moment to a table whose log is damaged.
    """
    warehouse = store.warehouse
    snapshot = read_releases(warehouse)
    live = list(_readable(snapshot.listed))
    entries: list[str] = []
    moved: list[Place] = []
    lost: list[Problem] = []
    pins: dict[str, dict[int, Release]] = {}
    # Those that readers may open come last: of two that pin a version they are the ones that count.
    for release in (*_readable(snapshot.expired), *live):
        for pin in release.tables:
            pins.setdefault(pin.table, {})[pin.version] = release
    for table, releases in sorted(pins.items()):
        path = table_path(warehouse, table)
        done = repair_log(path, releases, warehouse / DAMAGED, _proof(store, table))
        entries += (f"{table} {version}" for version in done.versions)
        moved += done.moved
        lost += done.problems
    findings = [one for release in live for one in verify_release(release, store)]
    told = {problem.where for problem in lost}
    files, more = repair_files(live, findings, store) if findings else ([], [])
    lost += (problem for problem in more if problem.where not in told)
    return RepairedTables(tuple(entries), tuple(files), tuple(moved), tuple(lost))


def _proof(store: Store, table: str) -> Proof:
    def proof(release: Release, files: Iterable[Place], version: int) -> bool:
        pin = release.pin(table)
        holds = partial(content_is_released, store, release)
        return pin is not None and holds(pin, tuple(files), version)

    return proof


def _readable(listed: Iterable[ListedRelease]) -> Iterator[Release]:
    for one in listed:
        with suppress(ReleaseError):  # told by check_releases
            yield read_release(one)
