"""One program in a process of its own, measured from outside, with everything that it starts."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
EVERY = 0.25
"""Seconds between two looks at the processes."""

_GROWN = 1.01
"""Shared pages are told apart only when the processes hold so many times what they held before: the
system walks through all their pages, and they cannot get new ones meanwhile."""


@dataclass(frozen=True)
class Limits:
    """When a program is ended early.

    Attributes:
        seconds: After so long.
        memory_gib: When its processes hold more than this together.
    """

    seconds: float = 3600.0
    memory_gib: float = 0.9 * psutil.virtual_memory().total / 2**30


@dataclass
class Measured:
    """What one run cost.

    Attributes:
        failed: Why there is no result; None where there is one.
        wall: Seconds from the start of the process to its end.
        cpu: CPU seconds of the process and all its descendants.
        peak_gib: The most memory that these held together: a page that several of them share is
            counted once. peak_rss_gib: The same, counted in each.
        load_before: The machine's load average of one minute when it was started.
        started: Seconds from the start of the process to the first stage, as it says itself.
        stages, stage_cpu: Seconds and CPU seconds per stage, as it says itself.
    """

    failed: str | None = None
    wall: float = 0.0
    cpu: float = 0.0
    peak_gib: float = 0.0
    peak_rss_gib: float = 0.0
    load_before: float = 0.0
    started: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    stage_cpu: dict[str, float] = field(default_factory=dict)

    @property
    def work(self) -> float:
        """Seconds of the work alone: without starting and ending the process."""
        return sum(self.stages.values())


class ProcessTree:
    """A process and its descendants: what they have used, and what they hold."""

    def __init__(self, pid: int) -> None:
        """Watch from now on."""
        self._root = psutil.Process(pid)
        self._seen: dict[psutil.Process, float] = {self._root: 0.0}
        self.peak, self.peak_rss = 0, 0

    def look(self) -> None:
        """Look once at all processes that there are."""
        with suppress(psutil.NoSuchProcess):
            for one in self._root.children(recursive=True):
                self._seen.setdefault(one, 0.0)
        rss = 0
        for one in self._seen:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                times = one.cpu_times()
                self._seen[one] = times.user + times.system
                rss += one.memory_info().rss
        if rss > _GROWN * self.peak_rss:
            self.peak_rss, self.peak = rss, max(self.peak, self._held())

    def _held(self) -> int:
        held = 0
        for one in self._seen:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                memory = one.memory_full_info()
                held += getattr(memory, "pss", memory.rss)
        return held

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes that were seen, ended ones included."""
        return sum(self._seen.values())

    def end(self, *, kill: bool) -> None:
        """Wait until all have ended; those that do not end by themselves are ended."""
        processes = list(self._seen)
        alive = processes if kill else psutil.wait_procs(processes, timeout=30)[1]
        for one in alive:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(alive, timeout=30)


def measure(command: Sequence[str], limits: Limits, log: Path) -> Measured:
    """Run ``python -m COMMAND`` and measure it; its output goes to a file.

    The last line of the output is JSON, as ``bench.work.tell`` writes it.
    """
    measured = Measured(load_before=os.getloadavg()[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as sink:
        begin, before = time.monotonic(), os.times()
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT
        )
        tree = ProcessTree(process.pid)
        while process.poll() is None and measured.failed is None:
            tree.look()
            if tree.peak > limits.memory_gib * 2**30:
                measured.failed = f"took more than {limits.memory_gib:.0f} GiB of memory"
            elif time.monotonic() - begin > limits.seconds:
                measured.failed = f"took more than {limits.seconds:.0f} s"
            with suppress(subprocess.TimeoutExpired):
                process.wait(EVERY)
        if measured.failed is not None:
            tree.end(kill=True)
        code = process.wait()
        measured.wall, after = time.monotonic() - begin, os.times()
        tree.end(kill=False)
    # Of processes that the program waited for, the system knows all; of others, what was seen.
    waited = after.children_user + after.children_system
    waited -= before.children_user + before.children_system
    measured.cpu = max(waited, tree.cpu)
    measured.peak_gib, measured.peak_rss_gib = tree.peak / 2**30, tree.peak_rss / 2**30
    if measured.failed is None and code != 0:
        measured.failed = f"ended with code {code}: {_last_line(log)}"
    if measured.failed is None:
        record = json.loads(_last_line(log))
        measured.started, measured.stages = record["started"], record["stages"]
        measured.stage_cpu = record["cpu"]
    return measured


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
