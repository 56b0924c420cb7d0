"""Several processes that build dates side by side, each with an engine of its own."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

from winnow.building.request import BuildRequest
from winnow.errors import Problem, WinnowError
from winnow.operations.dates.outcomes import DateOutcome
from winnow.operations.dates.worker import setup_line
from winnow.spark.memory import memory_gib

_SOURCES = Path(__file__).resolve().parents[3]
_SECONDS_TO_END = 20
"""So long a process that was told to end may take, before it is killed."""


@dataclass
class _Worker:
    """A process, and the date that it is at work on."""

    process: "subprocess.Popen[str]"
    day: date | None = None


class Processes:
    """Builds dates in several processes; ``with`` ends them.

    Each has its share of the machine's memory: an engine holds less, and makes the same rows.

    Attributes:
        n: How many there may be; each is started when it is first needed.
    """

    def __init__(
        self, n: int, request: BuildRequest, engine: dict[str, str | None] | None = None
    ) -> None:
        """Start nothing yet.

        Args:
            n: How many processes.
            request: What is asked for; neither its engine nor its date is used.
            engine: ``engine``, ``master``, ``remote``, ``driver_memory`` of ``start_engine``.
        """
        self.n = n
        self._setup = setup_line(request, engine or {}, memory_gib() / n)
        self._workers: list[_Worker] = []
        self._answers: SimpleQueue[tuple[_Worker, str | None]] = SimpleQueue()

    def start(self, day: date) -> None:
        """Give a date to a process that is idle, or to a new one."""
        idle = [worker for worker in self._workers if worker.day is None]
        worker = idle[0] if idle else self._started()
        worker.day = day
        assert worker.process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended: its last answer says so
            worker.process.stdin.write(f"{day.isoformat()}\n")
            worker.process.stdin.flush()

    def finished(self) -> DateOutcome:
        """Wait until one of the dates at work has ended, and return how."""
        while True:
            worker, answer = self._answers.get()
            day, worker.day = worker.day, None
            if answer is not None:
                return DateOutcome.from_record(json.loads(answer))
            self._workers.remove(worker)
            if day is not None:
                return DateOutcome.failure(day, _ended(worker.process.wait()))

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End all processes: idle ones by the end of their input, others by SIGTERM."""
        for worker in self._workers:
            if worker.day is not None:
                worker.process.terminate()
            with suppress(BrokenPipeError):
                assert worker.process.stdin is not None
                worker.process.stdin.close()
        for worker in self._workers:
            try:
                worker.process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()

    def _started(self) -> _Worker:
        command = [sys.executable, "-m", "winnow.operations.dates.worker"]
        # The very code of this process, wherever the environment's package lies.
        paths = [str(_SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        worker = _Worker(process)
        self._workers.append(worker)
        assert worker.process.stdin is not None
        worker.process.stdin.write(f"{self._setup}\n")
        Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        assert worker.process.stdout is not None
        for line in worker.process.stdout:
            self._answers.put((worker, line))
        self._answers.put((worker, None))


def _ended(code: int) -> WinnowError:
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    what = "the process that built it ended before the date was done"
    step = "Look at what it wrote above; after signal 9 memory was short: give fewer --parallel."
    return WinnowError(Problem("backfill", what, how, next_step=step))
