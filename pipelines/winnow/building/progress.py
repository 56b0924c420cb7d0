"""Progress while a command works: one line per stage, with its seconds and rows, on stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console


@dataclass
class Stage:
    """A stage at work; set ``rows`` as soon as the number is known."""

    name: str
    rows: int | None = None


class Progress:
    """Tells what a command is doing and keeps how long each stage took.

    A terminal gets a moving status line; anything else gets plain lines.

    Attributes:
        seconds: Seconds per finished stage, in order. A name that comes again adds up.
    """

    def __init__(self, console: Console | None = None, *, quiet: bool = False) -> None:
        """Write to the console, by default stderr."""
        self._console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self._quiet = quiet
        self.seconds: dict[str, float] = {}

    def say(self, text: str) -> None:
        """Write one line."""
        if not self._quiet:
            self._console.print(text, markup=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage and tell of it; use as ``with progress.stage("read logs") as stage:``."""
        stage = Stage(name)
        begin = time.monotonic()
        done = "failed"
        try:
            if self._console.is_terminal and not self._quiet:
                with self._console.status(f"{name} …"):
                    yield stage
            else:
                yield stage
            done = "done"
        finally:
            took = time.monotonic() - begin
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            rows = "" if stage.rows is None else f"  {stage.rows:,} rows"
            mark = "" if done == "done" else "  failed"
            self.say(f"{name:<28} {took:7.1f} s{rows}{mark}")
