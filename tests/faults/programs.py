"""The processes that are explored, each with the real code, and the warehouses they begin in."""

from collections.abc import Callable, Hashable
from datetime import date

from winnow.errors import ConflictError, ReleaseError, WinnowError
from winnow.operations.retention import expire as expire_module
from winnow.operations.retention import keep, vacuum
from winnow.operations.retention.expire import ExpireRule
from winnow.release import promotion
from winnow.release.commits import Label
from winnow.release.release import ContentHash, Documents, Release, RunRecord, TablePin
from winnow.release.release_status import StatusChange
from winnow.release.staged_table import StagedTable

from tests.faults import memory_world
from tests.faults.asking import ask
from tests.faults.memory_store import MemoryStore
from tests.faults.memory_tables import TABLES, WAREHOUSE
from tests.faults.memory_world import BEGAN, File, Version, World
from tests.release.things import MONDAY, TUESDAY

DAYS = (MONDAY, TUESDAY)
Program = Callable[[], Hashable]
Process = list[tuple[str, Program]]


def content(table: str, mark: str) -> ContentHash:
    """What a run of a mark makes of its inputs, for one table."""
    return ContentHash(len(table), f"{table} {mark}")


def release_of(run: str, day: date, seq: int, mark: str, pins: tuple[TablePin, ...]) -> Release:
    release_id = f"20260101T000000000000Z-{run[-8:]}"
    texts = Documents("{}", "{}", "{}")
    return Release(release_id, seq, day, run, BEGAN, f"config {mark}", "test", pins, lambda: texts)


def warehouse(*released: tuple[str, date, str], changes: tuple[StatusChange, ...] = ()) -> World:
    """A warehouse in which runs have released dates with their marks, one after the other."""
    world = World(
        0,
        tuple((table, (Version(None, frozenset()),)) for table in TABLES),
        frozenset(),
        (),
        0 if changes else -1,
        changes,
        frozenset(),
        frozenset(),
        frozenset(),
    )
    for seq, (run, day, mark) in enumerate(released, 1):
        pins = []
        for table in TABLES:
            path = str(WAREHOUSE / table / f"ds={day}" / f"part-{run}.parquet")
            before = {file for file in world.versions(table)[-1].files if file[0] != day}
            label = Label(run, 1, f"config {mark}", "test")
            world = world.with_version(table, Version(label, frozenset({*before, (day, path)})))
            held = content(table, mark)
            world = world._replace(
                disk=world.disk | {File(path, held, 0)}, staged=world.staged | {(run, table, held)}
            )
            pins.append(TablePin(table, len(world.versions(table)) - 1, held))
        ordered = tuple(sorted(pins, key=lambda pin: pin.table))
        rows = release_of(run, day, seq, mark, ordered).as_rows()
        frozen = tuple(tuple(sorted(row.items())) for row in rows)
        world = world._replace(
            releases=(*world.releases, frozen), since=world.since | {(run, seq - 1)}
        )
    return world


def build(run: str, day: date, mark: str, config: str | None = None) -> Process:
    """A run that stages a date and publishes it; its config is named as its mark, if not given."""

    def program() -> Hashable:
        ask(memory_world.start, run)
        store = MemoryStore()
        since = store.releases_snapshot()
        ask(memory_world.note_since, run, since.seq)
        held = {table: content(table, mark) for table in TABLES}
        ask(memory_world.stage, run, tuple(held.items()))
        staged = {
            table: StagedTable(contract, run, {}, held[table], day, day)
            for table, contract in TABLES.items()
        }
        record = RunRecord(run, day, f"config {config or mark}", "{}", "test")
        try:
            published = promotion.publish(store, staged, record, since)
        except WinnowError as error:
            return _name(error)
        return "already" if published.already else "released", published.release.release_id

    return [(run, program)]


def expire(name: str) -> Process:
    """Lets all but the newest release of each date expire."""

    def program() -> Hashable:
        now = memory_world.moment(ask(memory_world.now))
        try:
            found = expire_module.find_expiring(WAREHOUSE, ExpireRule(keep_last=1), now)
            expire_module.expire(WAREHOUSE, found, now)
        except WinnowError as error:
            return _name(error)
        return ("expired", *(one.release_id for one in found.releases))

    return [(name, program)]


def tag(name: str, run: str) -> Process:
    """Tags the release of a run, so that it never expires."""

    def program() -> Hashable:
        try:
            keep.tag_release(WAREHOUSE, f"20260101T000000000000Z-{run[-8:]}", "model-1")
        except (ConflictError, ReleaseError) as error:
            return _name(error)
        return "tagged"

    return [(name, program)]


def clean_up(name: str) -> Process:
    """Deletes what no release pins; of what is older than any run at work, whatever its age."""

    def program() -> Hashable:
        now = memory_world.moment(ask(memory_world.now))
        try:
            found = vacuum.find_unpinned(WAREHOUSE, now=now)
            gone = vacuum.delete_unpinned(WAREHOUSE, found, "test")
        except WinnowError as error:
            return _name(error)
        return ("vacuumed", len(found.problems), sum(map(len, gone.tables.values())))

    return [(name, program)]


def _name(error: WinnowError) -> Hashable:
    return type(error).__name__, str(error)
