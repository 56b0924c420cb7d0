"""Progress while a command works: which stage begins and ends when, on stderr.

A terminal gets a line that moves with the time that has passed, and one line per finished stage.
Anything else gets a line with the clock time when a stage begins and one when it ends, as text or
as JSON.
"""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from winnow.terminal import plain_console

LogFormat = Literal["text", "json"]

_PER_SECOND = 4


@dataclass
class Stage:
    """A stage at work; set ``rows`` as soon as the number is known."""

    name: str
    rows: int | None = None


class Progress:
    """Tells what a command is doing and keeps how long each stage took.

    Attributes:
        seconds: Seconds per finished stage, in order. A name that comes again adds up.
        run_id: Of the process, or of a variant's build; stands in each line of JSON.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        quiet: bool = False,
        log_format: LogFormat | None = None,
        run_id: str | None = None,
    ) -> None:
        """Write to the console, by default stderr.

        Args:
            console: Where to.
            quiet: Write nothing.
            log_format: ``json`` writes one object per line; ``text`` lines with clock times, in a
                terminal too. None is text, with a moving line in a terminal.
            run_id: What the lines of JSON call the run; None leaves it out.
        """
        self._console = console or plain_console(stderr=True)
        self._quiet = quiet
        self._json = log_format == "json"
        self._live = log_format is None and self._console.is_terminal and not quiet
        self._of: str | None = None
        self._of_kind = "variant"
        self._at_work: list[str] = []
        self.run_id = run_id
        self.seconds: dict[str, float] = {}

    def of(self, name: str, kind: str = "variant", run_id: str | None = None) -> Self:
        """Return what tells of the stages of one of several builds, with own seconds.

        Args:
            name: Of the build. kind: What that is a name of; JSON has it under this key.
            run_id: Of the build, where it has one of its own.
        """
        own = copy(self)
        own._of, own._of_kind, own.seconds, own._at_work = name, kind, {}, []
        own.run_id = run_id or self.run_id
        return own

    def say(self, text: str) -> None:
        """Write one line."""
        if self._json:
            self._write_json("message", stage=self._stage_at_work(), text=text.strip())
        elif not self._quiet:
            self._console.print(text)

    def warn(self, text: str) -> None:
        """Write one line that a person must see, also where nothing else is written."""
        if self._json and not self._quiet:
            stage = self._stage_at_work()
            self._write_json("message", stage=stage, text=f"warning: {text}")
        else:
            self._console.print(f"warning: {text}", style="yellow")

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage and tell of it; use as ``with progress.stage("read logs") as stage:``."""
        stage = Stage(name)
        begin = time.monotonic()
        failed = True
        self._tell_start(name)
        self._at_work.append(name)
        try:
            with self._moving(self._named(name)):
                yield stage
            failed = False
        finally:
            self._at_work.remove(name)
            took = time.monotonic() - begin
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            self._tell_end(stage, took, failed)

    def _stage_at_work(self) -> str | None:
        return self._at_work[-1] if self._at_work else None

    def _named(self, stage: str) -> str:
        return stage if self._of is None else f"{self._of}: {stage}"

    def _moving(self, name: str) -> AbstractContextManager[object]:
        if not self._live:
            return nullcontext()
        return Live(
            _Moving(name), console=self._console, refresh_per_second=_PER_SECOND, transient=True
        )

    def _tell_start(self, name: str) -> None:
        if self._json:
            self._write_json("start", stage=name)
        elif not self._live:
            self.say(f"{_clock()}  {self._named(name)} …")

    def _tell_end(self, stage: Stage, took: float, failed: bool) -> None:
        if self._json:
            more = {"seconds": round(took, 3), "rows": stage.rows, "failed": failed}
            self._write_json("end", stage=stage.name, **more)
            return
        rows = "" if stage.rows is None else f"  {stage.rows:,} rows"
        mark = "  failed" if failed else ""
        clock = "" if self._live else f"{_clock()}  "
        self.say(f"{clock}{self._named(stage.name):<28} {took:7.1f} s{rows}{mark}")

    def _write_json(self, event: str, **fields: Any) -> None:
        if self._quiet:
            return
        now = datetime.now().astimezone().isoformat(timespec="milliseconds")
        run = {} if self.run_id is None else {"run_id": self.run_id}
        of = {} if self._of is None else {self._of_kind: self._of}
        record = {"time": now, **run, "event": event, **of, **fields}
        self._console.file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._console.file.flush()


@dataclass
class _Moving:
    """The line of a stage at work, as of the moment in which it is drawn."""

    name: str
    begin: float = field(default_factory=time.monotonic)

    def __rich__(self) -> Text:
        return Text(f"{self.name:<28} {time.monotonic() - self.begin:7.0f} s …")


def _clock() -> str:
    return datetime.now().strftime("%H:%M:%S")
