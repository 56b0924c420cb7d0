"""Paths and Delta tables whose files and versions are in memory; each look at them is one step."""

import stat as stat_bits
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path, PosixPath
from types import SimpleNamespace
from typing import Any

from deltalake import CommitProperties
from deltalake.transaction import AddAction
from winnow.release.commits import Label
from winnow.release.metadata import PinnedFile

from tests.faults import memory_world as world
from tests.faults.asking import ask
from tests.release.things import STATS, THINGS

TABLES = {contract.table: contract for contract in (THINGS, STATS)}


class MemoryPath(PosixPath):
    """A path whose file is in memory."""

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        if "_staging" in self.parts:
            week, mode = ask(world.begun, self.name), stat_bits.S_IFDIR
        elif self.suffix == ".parquet":
            week, mode = ask(world.stat, str(self)), stat_bits.S_IFREG
        else:
            week, mode = 0, stat_bits.S_IFDIR
        seconds = world.moment(week).timestamp()
        return SimpleNamespace(
            st_size=1,
            st_mtime=seconds,
            st_ctime=seconds,
            st_mtime_ns=int(seconds * 1e9),
            st_mode=mode,
        )

    def exists(self) -> bool:
        return False  # only of the record of a run's process is it asked; its folder tells as much

    def is_dir(self) -> bool:
        return self.name == "_delta_log" and self.parent.name in TABLES

    def is_file(self) -> bool:
        return bool(ask(world.exists, str(self)))

    def is_symlink(self) -> bool:
        return False

    def rglob(self, pattern: str) -> Iterator["MemoryPath"]:  # type: ignore[override]
        assert pattern == "*.parquet"
        return map(MemoryPath, ask(world.list_files, str(self)))

    def unlink(self, missing_ok: bool = False) -> None:
        ask(world.delete, str(self))


WAREHOUSE = MemoryPath("/memory")


class Handle:
    """A Delta table at the version at which it was opened."""

    def __init__(self, path: Path, version: int, files: frozenset[tuple[date, str]]) -> None:
        self.table, self.number, self.files = path.name, version, files

    def version(self) -> int:
        return self.number

    def schema(self) -> None:
        return None

    def create_write_transaction(
        self,
        actions: Sequence[AddAction],
        *,
        partition_filters: Sequence[tuple[str, str, str]],
        commit_properties: CommitProperties,
        **rest: Any,
    ) -> None:
        ((_, _, ds),) = partition_filters
        added = frozenset(str(WAREHOUSE / self.table / one.path) for one in actions)
        label = Label.from_json((commit_properties.custom_metadata or {})["userMetadata"])
        retries = commit_properties.max_commit_retries
        day = date.fromisoformat(ds)
        ask(world.commit_day, self.table, self.number, day, added, label, retries)


def open_table(path: Path) -> Handle:
    return Handle(path, *ask(world.head, path.name))


def files_named(path: Path, table: Handle) -> list[PinnedFile]:
    return [PinnedFile(MemoryPath(file), 1, day) for day, file in sorted(table.files)]


def pinned_files(path: Path, version: int, ds: date | None = None) -> list[PinnedFile]:
    files = ask(world.version, path.name, version).files
    return [PinnedFile(MemoryPath(file), 1, day) for day, file in sorted(files) if day == ds]
