"""Engines in processes of their own: a classic and a Connect session cannot share one."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.engines.one_engine import TOLD


@dataclass(frozen=True)
class Case:
    config: Path
    day: str


@dataclass
class Child:
    """One engine in a process of its own."""

    process: "subprocess.Popen[str]"
    errors: Path

    def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """Have a task done; see ``one_engine``."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith(TOLD):
                told: dict[str, Any] = json.loads(line.removeprefix(TOLD))
                return told
        raise AssertionError(self.errors.read_text(encoding="utf-8")[-5000:])


@contextlib.contextmanager
def child(engine: str, folder: Path) -> Iterator[Child]:
    errors = folder / f"{engine}.txt"
    # What this process's own session has set would decide the kind of the child's.
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SPARK_", "PYSPARK_"))}
    with (
        errors.open("w", encoding="utf-8") as told,
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("one_engine.py")), engine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            env=env,
        ) as process,
    ):
        yield Child(process, errors)


def build(case: Case, warehouse: Path, epoch: int = 0) -> dict[str, Any]:
    place = {"build": str(case.config), "warehouse": str(warehouse)}
    return {**place, "day": case.day, "epoch": epoch}
