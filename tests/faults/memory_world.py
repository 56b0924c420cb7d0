"""A warehouse in memory, as one value: what is on disk, what the logs say, which runs are at work.

An operation takes a world and gives the next one with its answer, in one step that nothing comes
between. What it raises is an answer too: ``Raised``.
"""

from collections.abc import Callable, Hashable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from deltalake.exceptions import CommitFailedError
from winnow.errors import ConflictError, GateError, Problem
from winnow.release.commits import Label
from winnow.release.release import ContentHash
from winnow.release.release_status import StatusChange

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=10)
"""How far the clock goes at once: more than vacuum's safe age of seven days."""


class File(NamedTuple):
    """A file on disk: its path as text, what it holds, and in which week it was linked."""

    path: str
    content: ContentHash
    week: int


class Version(NamedTuple):
    """One version of a table: whose commit it is, and the files that it names with their dates."""

    label: Label | None
    files: frozenset[tuple[date, str]]


class World(NamedTuple):
    """Everything that processes share.

    ``since`` and ``staged`` are of no use to the code: by them its promises are checked. So is
    ``faults``: which faults of the storage have come about.
    """

    week: int
    tables: tuple[tuple[str, tuple[Version, ...]], ...]
    disk: frozenset[File]
    releases: tuple[tuple[Any, ...], ...]
    status_version: int
    changes: tuple[StatusChange, ...]
    staging: frozenset[tuple[str, bool, int]]
    """Run, whether it is at work, and in which week it began."""
    since: frozenset[tuple[str, int]]
    staged: frozenset[tuple[str, str, ContentHash]]
    faults: frozenset[str] = frozenset()

    def versions(self, table: str) -> tuple[Version, ...]:
        return dict(self.tables)[table]

    def file(self, path: str) -> File | None:
        return next((file for file in self.disk if file.path == path), None)

    def with_version(self, table: str, version: Version) -> "World":
        tables = {**dict(self.tables), table: (*self.versions(table), version)}
        return self._replace(tables=tuple(tables.items()))


class Raised(NamedTuple):
    """An answer that is an error."""

    kind: type[Exception]
    problem: Problem | str

    def error(self) -> Exception:
        return self.kind(self.problem)


Step = tuple[World, Hashable]


def moment(week: int) -> datetime:
    return BEGAN + week * WEEK


def start(world: World, run: str) -> Step:
    return world._replace(staging=world.staging | {(run, True, world.week)}), None


def ended(world: World, run: str) -> Step:
    """Its process is gone, whether it ended or was killed; what it staged stays."""
    staging = {(name, alive and name != run, week) for name, alive, week in world.staging}
    return world._replace(staging=frozenset(staging)), None


def stage(world: World, run: str, tables: tuple[tuple[str, ContentHash], ...]) -> Step:
    added = {(run, table, content) for table, content in tables}
    return world._replace(staged=world.staged | added), None


def drop_staging(world: World, run: str) -> Step:
    return world._replace(staging=frozenset(one for one in world.staging if one[0] != run)), None


def note_since(world: World, run: str, seq: int) -> Step:
    return world._replace(since=world.since | {(run, seq)}), None


def link(world: World, run: str, path: str, content: ContentHash) -> Step:
    if run not in {name for name, _, _ in world.staging}:
        return world, Raised(GateError, Problem("staging", "a staged file cannot be read"))
    return world._replace(disk=world.disk | {File(path, content, world.week)}), None


def link_torn(world: World, run: str, path: str, content: ContentHash) -> Step:
    """A fault: what was copied is not what was there."""
    next_world, answer = link(world, run, path, ContentHash(content.rows, "torn"))
    return next_world._replace(faults=world.faults | {"link_torn"}), answer


def delete(world: World, path: str) -> Step:
    return world._replace(disk=frozenset(f for f in world.disk if f.path != path)), None


def list_files(world: World, folder: str) -> Step:
    return world, tuple(sorted(f.path for f in world.disk if f.path.startswith(folder + "/")))


def stat(world: World, path: str) -> Step:
    found = world.file(path)
    return world, Raised(FileNotFoundError, path) if found is None else found.week


def exists(world: World, path: str) -> Step:
    return world, world.file(path) is not None


def head(world: World, table: str) -> Step:
    versions = world.versions(table)
    return world, (len(versions) - 1, versions[-1].files)


def version(world: World, table: str, number: int) -> Step:
    return world, world.versions(table)[number]


def labelled(world: World, table: str, label: Label) -> Step:
    found = [n for n, one in enumerate(world.versions(table)) if one.label == label]
    return world, max(found) if found else Raised(ConflictError, Problem(table, "no version"))


def contents(world: World, paths: tuple[str, ...]) -> Step:
    found = [world.file(path) for path in paths]
    return world, tuple(None if file is None else file.content for file in found)


def commit_day(
    world: World,
    table: str,
    seen: int,
    day: date,
    added: frozenset[str],
    label: Label,
    retries: int,
) -> Step:
    """Replace a date as a writer would that has seen one version, and may retry or not."""
    versions = world.versions(table)
    if seen != len(versions) - 1 and not retries:
        return world, Raised(CommitFailedError, "somebody else committed")
    removed = {file for file in versions[seen].files if file[0] == day}
    files = (versions[-1].files - removed) | {(day, path) for path in added}
    return world.with_version(table, Version(label, frozenset(files))), None


def commit_day_unanswered(world: World, *given: Any) -> Step:
    """A fault: the commit is done, and the answer is an error."""
    done, answer = commit_day(world, *given)
    lost = Raised(CommitFailedError, "no answer") if answer is None else answer
    return done._replace(faults=world.faults | {"commit_day_unanswered"}), lost


def releases(world: World) -> Step:
    return world, world.releases


def append_release(world: World, rows: tuple[Any, ...], seen: int, retries: int) -> Step:
    if seen != len(world.releases) and not retries:
        return world, Raised(CommitFailedError, "somebody else committed")
    return world._replace(releases=(*world.releases, rows)), None


def append_release_lost(world: World, *given: Any) -> Step:
    """A fault: the answer says that it is done, and it is not."""
    _, answer = append_release(world, *given)
    return world._replace(faults=world.faults | {"append_release_lost"}), answer


def append_release_unanswered(world: World, *given: Any) -> Step:
    """A fault: the commit is done, and the answer is an error."""
    done, answer = append_release(world, *given)
    lost = Raised(CommitFailedError, "no answer") if answer is None else answer
    return done._replace(faults=world.faults | {"append_release_unanswered"}), lost


def statuses(world: World) -> Step:
    return world, (world.status_version, world.changes)


def create_statuses(world: World) -> Step:
    return world._replace(status_version=max(world.status_version, 0)), None


def write_statuses(world: World, changes: tuple[StatusChange, ...], seen: int | None) -> Step:
    if seen not in (None, world.status_version):
        return world, Raised(CommitFailedError, "somebody else committed")
    return world._replace(changes=changes, status_version=world.status_version + 1), None


def runs(world: World) -> Step:
    return world, tuple(sorted(world.staging))


def begun(world: World, run: str) -> Step:
    found = [week for name, _, week in world.staging if name == run]
    return world, found[0] if found else Raised(FileNotFoundError, run)


def now(world: World) -> Step:
    return world, world.week


OF_ITS_OWN = (stage, note_since, version)
"""Nobody else can see or change what these touch, so nothing need be tried before them: a version
in the log never changes, and the others note what only the promises ask for."""

FAULTS: dict[Callable[..., Step], tuple[Callable[..., Step], ...]] = {
    link: (link_torn,),
    commit_day: (commit_day_unanswered,),
    append_release: (append_release_lost, append_release_unanswered),
}
