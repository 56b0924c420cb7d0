"""What must hold in every state of the warehouse, said without any of the code that is explored."""

from collections.abc import Hashable
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple

from winnow.release.release import ContentHash

from tests.faults.memory_world import World, moment


class Row(NamedTuple):
    """A release as its rows say."""

    release_id: str
    seq: int
    ds: date
    run: str
    pins: tuple[tuple[str, int, ContentHash], ...]


def _released(world: World) -> list[Row]:
    return [_row([dict(row) for row in rows]) for rows in world.releases]


def _row(rows: list[dict[str, Any]]) -> Row:
    pins = tuple(
        (r["table_name"], r["delta_version"], ContentHash(r["row_count"], r["content_hash"]))
        for r in rows
    )
    first = rows[0]
    return Row(first["release_id"], first["seq"], first["ds"], first["run_id"], pins)


def broken_promise(world: World) -> str | None:
    """Return which promise a state of the warehouse breaks, None where all hold."""
    releases = _released(world)
    expired = {c.release_id: c.changed_ts for c in world.changes if c.status == "expired"}
    kept = {c.release_id for c in world.changes if c.status == "kept"}
    if both := kept & set(expired):
        return f"a release with a tag has expired: {min(both)}"
    live = [one for one in releases if one.release_id not in expired]
    # Who opened a release before it expired reads on for days.
    held = [one for one in releases if expired.get(one.release_id) == moment(world.week)]
    for one in (*live, *held):
        if (wrong := _unreadable(world, one)) is not None:
            return wrong
    if len({one.seq for one in releases}) != len(releases):
        return "two releases have the same number"
    if lost := {one.ds for one in releases} - {one.ds for one in live}:
        return f"a date has no release any more: {min(lost)}"
    return _two_winners(world, releases) or _forgotten(world)


def _unreadable(world: World, one: Row) -> str | None:
    staged = {(run, table): content for run, table, content in world.staged}
    if {table for table, _, _ in one.pins} != set(dict(world.tables)):
        return f"{one.release_id} has not all tables"
    for table, number, content in one.pins:
        where = f"{table} of {one.release_id}"
        if staged.get((one.run, table)) != content:
            return f"{where} promises other content than its run staged and audited"
        if number >= len(world.versions(table)):
            return f"{where} pins a version that is not there"
        version = world.versions(table)[number]
        if version.label is None or version.label.run_id != one.run:
            return f"{where} pins a version of another run"
        paths = [path for day, path in version.files if day == one.ds]
        files = [world.file(path) for path in paths]
        if None in files:
            return f"{where} pins a file that was deleted"
        if [file.content for file in files if file is not None] != [content]:
            return f"{where} is read with other content than was audited"
    return None


def _two_winners(world: World, releases: list[Row]) -> str | None:
    since = dict(world.since)
    for earlier, later in pairwise(sorted(releases, key=lambda one: (one.ds, one.seq))):
        if earlier.ds == later.ds and earlier.seq > since[later.run]:
            return f"two runs have won {later.ds} since one of them began"
    return None


def _forgotten(world: World) -> str | None:
    """The changes of releases are numbered without gaps; one that is overwritten leaves one."""
    if len(world.changes) and world.status_version != max(c.change for c in world.changes):
        return "a change of release_status was overwritten by another"
    return None


def wrong_outcome(world: World, run: str, outcome: Hashable) -> str | None:
    """Return what is wrong with how a process ended, None where nothing is."""
    kind = outcome[0] if isinstance(outcome, tuple) else outcome
    own = [one for one in _released(world) if one.run == run]
    if kind == "ConflictError" and own:
        return f"{run} says that it released nothing, and did"
    if kind == "ConflictError" and not _others_at_work(world, run):
        return f"{run} was refused as too late, and no other run was at work"
    if kind in ("released", "already"):
        return _not_there(world, run, str(kind), outcome[1])  # type: ignore[index]
    if kind == "ReleaseError" and not world.faults and "expired" not in str(outcome):
        return f"{run} found storage that is broken, and it is not: {outcome}"
    if kind in ("GateError", "ConfigError"):
        return f"{run} was refused: {outcome}"
    if kind == "vacuumed" and outcome[1] and not world.faults:  # type: ignore[index]
        return f"{run} does not know which files some release pins"
    return None


def _others_at_work(world: World, run: str) -> bool:
    """Whether others may have come first: a run of a date, vacuum, or who decides on releases."""
    if run not in dict(world.since):
        return True
    before = {one.run for one in _released(world) if one.seq <= dict(world.since)[run]}
    labels = {v.label.run_id for _, versions in world.tables for v in versions if v.label}
    return bool({*dict(world.since)} - before - {run}) or "vacuum" in labels


def _not_there(world: World, run: str, kind: str, release_id: str) -> str | None:
    found = [one for one in _released(world) if one.release_id == release_id]
    if not found:
        return f"{run} says {kind}, and there is no such release"
    promised = {(table, content) for table, _, content in found[0].pins}
    if promised != {(table, content) for name, table, content in world.staged if name == run}:
        return f"{run} says {kind}, and the release holds other content"
    return None
