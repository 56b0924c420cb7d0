"""Commands of Winnow in processes of their own, each with a fault that meets it on its way.

One process imports all and forks for each command, as to import takes longer than most commands.
It is given one line of JSON on its input for some commands that run side by side, and answers with
a line: the exit code of each, negative where a signal ended it.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from tests.child_process import PATH, child_environment
from tests.faults.soak_bugs import BUGS

FaultName = Literal["kill", "kill_at", "term_at", "lost_answer", "failed_commit", "cut_staging"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.link", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.copyfile"}


@dataclass(frozen=True)
class Meeting:
    """A fault, and when a command meets it.

    Attributes:
        name: ``kill``: SIGKILL's like after so many seconds of CPU; ``kill_at`` and ``term_at``:
            SIGKILL and SIGTERM before a change of the warehouse; ``lost_answer``: a commit is done
            and answered as failed; ``failed_commit``: one is not done; ``cut_staging``: a staged
            file loses its end just before it is linked.
        at: Seconds, or the number of the change, commit or link, from 1.
    """

    name: FaultName
    at: float

    def __str__(self) -> str:
        """Say it as it stands among the steps of a soak."""
        return f"{self.name}:{self.at:g}"


@dataclass(frozen=True)
class Command:
    """One command, and what it meets."""

    words: Sequence[str]
    fault: Meeting | None = None


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, and what it said."""

    code: int
    text: str


class Commands:
    """Runs commands; ``with`` ends the process that forks for them."""

    def __init__(self, folder: Path, planted: str | None = None) -> None:
        """Keep what commands say in a folder; all of them have the planted bug."""
        self._folder, self._planted = folder, planted
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.soak_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=child_environment() | {"PYTHONPATH": PATH},
        )

    def run(self, *commands: Command) -> list[Ended]:
        """Run commands side by side; return how each ended."""
        outs = [str(self._folder / f"out-{number}.txt") for number in range(len(commands))]
        more = {"planted": self._planted}
        asked = [asdict(one) | more | {"out": o} for one, o in zip(commands, outs, strict=True)]
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        codes = json.loads(self._process.stdout.readline())
        return [
            Ended(code, Path(out).read_text(encoding="utf-8", errors="replace"))
            for code, out in zip(codes, outs, strict=True)
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The end of its input ends the process.
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(60)


class _Count:
    """Acts once, at the n-th time that it is told of something."""

    def __init__(self, at: float, act: Callable[..., None]) -> None:
        self._left, self._act, self._lock = int(at), act, threading.Lock()

    def __call__(self, *given: object) -> None:
        with self._lock:
            self._left -= 1
            now = self._left == 0
        if now:
            self._act(*given)


def _prepare(fault: Meeting, warehouse: str) -> None:
    """Let this process meet a fault."""
    match fault.name:
        case "kill":
            # Nothing of the process runs any more, as after SIGKILL; by CPU time, on any machine.
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, fault.at)
        case "kill_at" | "term_at":
            number = signal.SIGKILL if fault.name == "kill_at" else signal.SIGTERM
            change = _Count(fault.at, lambda: os.kill(os.getpid(), number))
            _watch(warehouse, lambda *_: change())
            _around_commits(change, change)
        case "lost_answer":
            _around_commits(lambda: None, _Count(fault.at, _refused))
        case "failed_commit":
            _around_commits(_Count(fault.at, _refused), lambda: None)
        case "cut_staging":
            link = _Count(fault.at, _cut)
            _watch(warehouse, lambda event, path: link(path) if event == "os.link" else None)


def _watch(warehouse: str, tell: Callable[[str, str], None]) -> None:
    """Tell of each change of a warehouse that Python makes, before it is made."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event not in _CHANGES and not (event == "open" and (given[2] or 0) & _WRITES):
            return
        path = os.fspath(given[0]) if isinstance(given[0], str | os.PathLike) else ""
        if path.startswith(warehouse):
            tell(event, path)

    sys.addaudithook(hook)


def _around_commits(before: Callable[[], None], after: Callable[[], None]) -> None:
    import deltalake
    from winnow.operations.retention import status_changes
    from winnow.release import sail_store

    def around(commit: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            before()
            done = commit(*given, **named)
            after()
            return done

        return called

    table: Any = deltalake.DeltaTable
    table.create_write_transaction = around(table.create_write_transaction)
    for module in (sail_store, status_changes):
        if hasattr(module, "write_deltalake"):
            vars(module)["write_deltalake"] = around(vars(module)["write_deltalake"])


def _refused() -> None:
    from deltalake.exceptions import CommitFailedError

    raise CommitFailedError("the storage did not answer")


def _cut(path: str) -> None:
    if "/_staging/" in path:
        os.truncate(path, max(0, Path(path).stat().st_size - 40))


def _child(asked: dict[str, Any]) -> None:
    out = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(out, stream)
    if asked["planted"] is not None:
        BUGS[asked["planted"]]()
    if (fault := asked["fault"]) is not None:
        warehouse = asked["words"][asked["words"].index("--warehouse") + 1]
        _prepare(Meeting(**fault), warehouse)
    from winnow.cli.main import main

    code = main(list(asked["words"]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _serve() -> None:
    import winnow.building.build
    import winnow.cli.main
    import winnow.engine.sail  # noqa: F401

    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        children = []
        for asked in json.loads(line):
            pid = os.fork()
            if pid == 0:
                try:
                    _child(asked)
                finally:
                    os._exit(70)
            children.append(pid)
        ended = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        answers.write(json.dumps(ended) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve()
