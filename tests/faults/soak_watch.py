"""A warehouse that is watched: what readers see after each step, and what they must see."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
from winnow.errors import ReleaseError
from winnow.release.opening import open_release

from tests.faults.soak_process import Command, Commands, Ended
from tests.faults.soak_warehouse import (
    STATE,
    Live,
    Rows,
    files_with,
    live_releases,
    rows_of_files,
    rows_of_release,
    states_gone_on_from,
    without,
    write_soak_logs,
)

Origin = tuple[tuple[str, ...] | None, ...]
"""The rows of each state that a build went on from; None for one that began anew."""


class SoakError(AssertionError):
    """A promise was broken."""


@dataclass(frozen=True)
class Step:
    """What one step may change, besides adding releases.

    Attributes:
        commands: What runs, side by side.
        gone: Given what was live before and is now, which releases may be gone.
        all_gone: Whether all of these are, where every command has ended well.
        erased: The user whose rows may be gone.
        readers: Whether who has looked up files before can read them afterwards.
    """

    commands: tuple[Command, ...]
    gone: Callable[[dict[str, Live], dict[str, Live]], set[str]] = lambda *_: set()
    all_gone: bool = False
    erased: str | None = None
    readers: bool = True


@dataclass
class WatchedWarehouse:
    """A warehouse, what its releases hold, and what has been done to it.

    Attributes:
        base: Of logs and warehouse. seed: What all is drawn from.
        commands: Runs them. small_disk: Whether ``base`` is a file system of its own.
        told: The steps so far, as a person reads them.
        rows: What readers get of each live release.
        made: What a build of a date makes, by all that it may depend on.
        forgotten: Users who are in no log any more; erased: in no release either; deleted: of
            whom no byte may be left.
        faults: Whether commands meet any. logs: How often the logs have changed.
        at_end: Whether all steps are done.
    """

    base: Path
    seed: int
    commands: Commands
    small_disk: bool
    told: list[str] = field(default_factory=list)
    rows: dict[str, Rows] = field(default_factory=dict)
    made: dict[tuple[date, int, Origin], Rows] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    faults: bool = True
    logs: int = 0
    at_end: bool = False

    def __post_init__(self) -> None:
        """Write the logs."""
        self.draw = Random(self.seed)
        self.config = write_soak_logs(self.base, self.draw)
        self.warehouse = self.base / "warehouse"

    def _do(self, step: Step) -> None:
        """Do a step with somebody who reads meanwhile; check what has come of it."""
        before, held = live_releases(self.warehouse), dict(self.rows)
        reading = self._somebody_reads(before)
        with self._full_disk(step) as full:
            ended = self._run(*step.commands, full=full)
        well = all(one.code == 0 for one in ended)
        calm = not full and all(one.fault is None for one in step.commands)
        if calm and len(step.commands) == 1 and self.warehouse.is_dir():
            self._well(ended)
        now = live_releases(self.warehouse)
        erased = {step.erased} if step.erased is not None and ended[-1].code == 0 else set[str]()
        self.erased |= erased
        self._check_gone(step, before, now, all_gone=step.all_gone and well and len(ended) == 1)
        self._check_rows(step, now, erased=well and len(ended) == 1)
        if reading is not None:
            self._check_reader(*reading, step, held, now)
        if "--vacuum" in step.commands[-1].words:
            self.deleted |= erased
            if len(step.commands) == 1:
                self._nothing_of_the_forgotten()

    def _run(self, *commands: Command, full: bool = False) -> list[Ended]:
        for one in commands:
            shown = " ".join(word for word in one.words if os.sep not in word)
            with_fault = f"  [{one.fault}]" if one.fault else ""
            self.told.append(f"{shown}{with_fault}{'  [full disk]' if full else ''}")
        nothing_yet = not self.warehouse.is_dir()
        ended = self.commands.run(*commands)
        for one, how in zip(commands, ended, strict=True):
            self.told[-1] += f" -> {how.code}"
            require("Traceback" not in how.text, f"a stack trace: {how.text}")
            require("panicked" not in how.text, f"a panic: {how.text}")
            signals = {"kill": {-27}, "kill_at": {-9}, "term_at": {143}}
            allowed = {0, 3, 4} | (signals.get(one.fault.name, set()) if one.fault else set())
            allowed |= {2} if nothing_yet else set()
            # What one command leaves of a lost write the other may meet.
            allowed |= {1} if full or any(each.fault for each in commands) else set()
            require(how.code in allowed, f"exit code {how.code}: {how.text}")
        return ended

    def _well(self, ended: list[Ended]) -> None:
        for one in ended:
            require(one.code == 0, f"exit code {one.code} though nothing was wrong: {one.text}")

    def _check_gone(
        self, step: Step, before: dict[str, Live], now: dict[str, Live], *, all_gone: bool
    ) -> None:
        gone, may = set(before) - set(now), step.gone(before, now)
        require(gone <= may, f"releases are gone that must stay: {gone - may}")
        require(not all_gone or may <= gone, f"releases must have expired: {may - gone}")
        for one in gone:
            del self.rows[one]

    def _check_rows(self, step: Step, now: dict[str, Live], *, erased: bool) -> None:
        found = {one: self._read(one) for one in now}
        for one in now:
            held = [who for who in self.erased if found[one] != without(found[one], who)]
            require(not held, f"{held} are forgotten, and {one} has rows of theirs")
        for one, before in list(self.rows.items()):
            allowed = [] if erased else [before]
            allowed += [before if step.erased is None else without(before, step.erased)]
            require(found[one] in allowed, f"{one} has other rows: {differing(found[one], before)}")
            self.rows[one] = found[one]
        for one in sorted(set(now) - set(self.rows)):
            for who in self.forgotten:
                # A state is that of before until it is forgotten there too.
                rows = {t: r for t, r in found[one].items() if t != STATE or who in self.erased}
                require(rows == without(rows, who), f"the new release {one} has {who}")
            self.rows[one] = found[one]
            self._check_alike(one, now[one].ds)

    def _check_alike(self, one: str, day: date) -> None:
        """Check that what was built of the same logs and states before is what it is now."""
        origin: list[tuple[str, ...] | None] = []
        for table, earlier in states_gone_on_from(self.warehouse, one).items():
            if earlier is not None and earlier not in self.rows:
                return  # that one is gone again
            origin.append(None if earlier is None else tuple(self.rows[earlier][table]))
        rows = self.rows[one]
        alike = self.made.setdefault((day, self.logs, tuple(origin)), rows)
        require(
            rows == alike,
            f"{one} is not what the same logs gave before: {differing(rows, alike)}",
        )

    def _read(self, release_id: str) -> Rows:
        try:
            return rows_of_release(self.warehouse, release_id)
        except (ReleaseError, OSError, pa.ArrowException) as error:
            raise SoakError(f"{release_id} cannot be read: {error}") from error

    def _somebody_reads(self, live: dict[str, Live]) -> tuple[str, dict[str, Any]] | None:
        if not live:
            return None
        one = self.draw.choice(sorted(live))
        reader = open_release(self.warehouse, one)
        return one, {table: reader.table_files(table) for table in reader.tables}

    def _check_reader(
        self,
        one: str,
        files: dict[str, Any],
        step: Step,
        held: dict[str, Rows],
        now: dict[str, Live],
    ) -> None:
        if not step.readers or one not in now:
            return  # who lost the release, or erased users' rows at once, was told so
        try:
            found = rows_of_files(files)
        except (OSError, pa.ArrowException) as error:
            raise SoakError(f"{one} was open and cannot be read: {error}") from error
        fine = found == {table: held[one][table] for table in files}
        require(fine, f"{one} was open, and other rows are read than when it was opened")

    def _nothing_of_the_forgotten(self) -> None:
        for who in sorted(self.deleted):
            left = list(files_with(self.warehouse, who))
            require(not left, f"{who} is forgotten and stands in {left}")

    @contextmanager
    def _full_disk(self, step: Step) -> Iterator[bool]:
        """Leave little room on the disk for one step of ten that meets no other fault."""
        alone = len(step.commands) == 1 and step.commands[0].fault is None
        full = self.draw.random() < 0.1 and self.faults and not self.at_end
        room = self.draw.randrange(0, 300_000)
        if not (self.small_disk and alone and full):
            yield False
            return
        ballast = self.base / "ballast"
        try:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                free = os.statvfs(self.base)
                file.write(bytes(max(0, free.f_bavail * free.f_frsize - room)))
            yield True
        finally:
            ballast.unlink(missing_ok=True)


def differing(found: Rows, expected: Rows) -> str:
    """Say how rows differ, of the first table that does."""
    for table in sorted(expected):
        a, b = set(found.get(table, ())), set(expected[table])
        if found.get(table) != expected[table]:
            lost, new = sorted(b - a), sorted(a - b)
            return f"{table}: {len(lost)} rows gone {lost[:2]}, {len(new)} new {new[:2]}"
    return "other tables"


def require(fine: bool, what: str) -> None:
    """Check a promise.

    Raises:
        SoakError: It is broken.
    """
    if not fine:
        raise SoakError(what)
