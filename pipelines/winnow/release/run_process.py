"""Which process writes a staging folder, so that others can tell whether it is still at work."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

from winnow.errors import StoreError
from winnow.storage.object_path import Place

RUN_PROCESS_FILE = "process.json"
BEGUN_FILE = ".process.json"
"""The record while it is written. A folder that holds no more is of a run that has not begun."""

RunState = Literal["alive", "ended", "elsewhere"]


@dataclass(frozen=True)
class RunProcess:
    """A process, told from any other one of this machine or of another.

    Attributes:
        machine: Name of the host, this start of it, and the container in it.
        pid: The process there.
        started: When it began, as its machine counts; numbers of processes are used again. Empty
            where the system does not tell.
        ended: Whether the run is over, though its process may live on, as a notebook does.
    """

    machine: str
    pid: int
    started: str
    ended: bool = False

    @classmethod
    def current(cls) -> Self:
        """Return this process."""
        return cls(_machine(), os.getpid(), _start_of(os.getpid()) or "")

    @classmethod
    def of(cls, folder: Place) -> Self | None:
        """Return the process that writes a staging folder; None where nothing says so.

        Raises:
            StoreError: It is a marker in an object store that does not answer.
        """
        try:
            found = cls(**json.loads((folder / RUN_PROCESS_FILE).read_text(encoding="utf-8")))
        except StoreError:
            raise
        except (OSError, ValueError, TypeError):
            return None
        return found if isinstance(found.pid, int) else None

    def to_json(self) -> str:
        """Return the record."""
        return json.dumps(asdict(self))

    def write(self, folder: Path) -> None:
        """Say so in the folder; what is read is always a whole record.

        Raises:
            OSError: It cannot be written, as where the disk is full; a folder that holds nothing
                else is gone again.
        """
        new, record = folder / BEGUN_FILE, self.to_json()
        for last in (False, False, True):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                new.write_text(record, encoding="utf-8")
                new.replace(folder / RUN_PROCESS_FILE)
                return
            except OSError as error:
                if last or not isinstance(error, FileNotFoundError):
                    remove_empty(folder)
                    raise
                # Without a record it was empty still, and somebody cleaned at this moment.

    @property
    def state(self) -> RunState:
        """Whether the run is at work, is over, or is of a machine that cannot be asked.

        Of this machine it is certain: a process of the same number that began at another moment is
        another one, and with the machine or the container all its processes have ended. Where the
        system hides when another user's process began, it cannot be asked.
        """
        if self.ended:
            return "ended"
        if self.machine != _machine():
            return "elsewhere"
        start = _start_of(self.pid)
        if start == "" != self.started:
            return "elsewhere"
        return "alive" if start == self.started else "ended"


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Say in a staging folder that this process writes it, for as long as the block runs.

    Where nothing else was written, nothing is left behind.
    """
    process = RunProcess.current()
    process.write(folder)
    try:
        yield
    finally:
        # A full disk must not hide what went wrong: then the process itself tells that it ended.
        with suppress(OSError):
            if folder.is_dir():
                _end(process, folder)


def remove_empty(folder: Path) -> None:
    """Remove a staging folder in which no run has begun; one that holds anything stays."""
    with suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {BEGUN_FILE}:
            (folder / BEGUN_FILE).unlink(missing_ok=True)
            folder.rmdir()


def _end(process: RunProcess, folder: Path) -> None:
    if [path.name for path in folder.iterdir()] == [RUN_PROCESS_FILE]:
        (folder / RUN_PROCESS_FILE).unlink()
        folder.rmdir()
        return
    RunProcess(process.machine, process.pid, process.started, ended=True).write(folder)


def _machine() -> str:
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _start_of(pid: int) -> str | None:
    """Return when a process began, in ticks since the machine did; None where there is no such one.

    An ended one whose parent has not asked for its exit code yet is none. Empty where the system
    has no ``/proc``, or hides there what others run.
    """
    try:
        # Name and state come first; a name may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return "" if _is_there(pid) else None
    return None if fields[0] in ("Z", "X") else fields[19]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
