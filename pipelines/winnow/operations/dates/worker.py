"""A process that builds dates for a backfill: one engine, one date after the other.

Speaks JSON lines: in comes what to build by, then dates; out goes how each date ended. It ends when
there are no more, so also when the process that began it is gone.
"""

import atexit
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from winnow.building.config_check import check_config
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.config.tree import Config
from winnow.engine.choice import start_engine
from winnow.engine.startup.garbage import nothing_collected
from winnow.operations.dates.backfill import build_date
from winnow.operations.dates.outcomes import DateOutcome
from winnow.spark.limits import DEFAULT_LIMITS

TERMINATED = 143


def setup_line(request: BuildRequest, engine: dict[str, str | None], memory_gib: float) -> str:
    """Return the first line that a worker reads.

    Args:
        request: What is asked for; neither its engine nor its date is used.
        engine: ``engine``, ``master``, ``remote``, ``driver_memory`` of ``start_engine``.
        memory_gib: What the engine may fill.
    """
    setup = {
        "config": request.config.model_dump(mode="json", by_alias=True, exclude_unset=True),
        "engine": engine,
        "memory_gib": memory_gib,
        "allow_empty": request.allow_empty,
        "immature": request.immature,
        "home": None if request.home is None else str(request.home),
    }
    return json.dumps(setup)


def work(lines: TextIO, out: TextIO) -> None:
    """Build the dates that come in, until there are no more.

    Where the engine cannot start, every date fails by that.
    """
    first = lines.readline()
    if not first:
        return
    try:
        _work(json.loads(first), lines, out)
    except Exception as error:
        for line in lines:
            _answer(DateOutcome.failure(date.fromisoformat(line.strip()), error), out)


def _work(setup: dict[str, Any], lines: TextIO, out: TextIO) -> None:
    config = Config.model_validate_json(json.dumps(setup["config"]))
    suites = check_config(config)
    with nothing_collected():
        engine = start_engine("winnow backfill", **setup["engine"])
    with engine:
        request = BuildRequest(
            config=config,
            day=date.min,
            engine=engine,
            allow_empty=setup["allow_empty"],
            immature=setup["immature"],
            progress=Progress(quiet=True),
            limits=replace(DEFAULT_LIMITS, memory_gib=setup["memory_gib"]),
            home=None if setup["home"] is None else Path(setup["home"]),
            suites=suites,
        )
        for line in lines:
            day = date.fromisoformat(line.strip())
            _answer(build_date(replace(request, day=day)), out)


def _answer(ended: DateOutcome, out: TextIO) -> None:
    out.write(json.dumps(ended.as_record(), ensure_ascii=False) + "\n")
    out.flush()


def main() -> None:
    """Work for the process at the other end of stdin and stdout."""
    # Whatever else prints goes to stderr: stdout is for the answers.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Ctrl-C reaches all processes of a terminal: the first one decides, and ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _terminate)
    code = 0
    try:
        work(sys.stdin, out)
    except SystemExit:
        code = TERMINATED
    # Threads may still load kernels: Python would end them within compiled libraries, and crash.
    with suppress(Exception):
        atexit._run_exitfuncs()
    sys.stderr.flush()
    os._exit(code)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    main()
