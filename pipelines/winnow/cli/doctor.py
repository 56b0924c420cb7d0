"""``winnow doctor``: what is wrong with this machine or this warehouse, and what to do."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    WarehouseOption,
    print_json,
    warehouse_of,
)
from winnow.errors import ConfigError, Problem
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.repair import Repaired

_FAILED = 3


def doctor(
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Bring back releases whose rows, or the log of which, were damaged or lost.",
        ),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Look at this machine and at the warehouse: what works, what does not, and what to do next.

    Python, memory, engines, Java and JARs; rights, links, free space and clock of the warehouse;
    protocol and properties of its tables, releases and their files, what dead runs have left. No
    engine is started. Ends with 3 where something failed; warnings alone end with 0.

    --repair first makes the table of releases whole again, from its own files, and says which dates
    must be built again where these are gone too.
    """
    from winnow.operations.doctor import examine
    from winnow.operations.repair import Repaired, repair_releases

    known = warehouse is not None or config.exists() or config != DEFAULT_CONFIG
    folder = warehouse_of(warehouse, config) if known else None
    if repair and folder is None:
        raise ConfigError(Problem("--repair", "which warehouse?", expected="--warehouse FOLDER"))
    done = repair_releases(folder) if repair and folder is not None else Repaired()
    checks: list[dict[str, Any]] = []
    console = plain_console()
    if not as_json:
        for line in _told(done):
            console.print(line)
    for check in examine(folder):
        checks.append(check.as_record())
        if not as_json:
            step = f" {check.next_step}" if check.next_step else ""
            console.print(f"{check.state:8} {check.name}: {check.text}.{step}")
    if as_json:
        record = {"warehouse": None if folder is None else str(folder), "checks": checks}
        lost = [problem.as_record() for problem in done.lost]
        print_json(record | ({"repaired": list(done.restored), "lost": lost} if repair else {}))
    if done.lost or any(check["state"] == "failed" for check in checks):
        raise typer.Exit(_FAILED)


def _told(done: "Repaired") -> Iterator[str]:
    if done.old_log is not None:
        yield f"the damaged log of releases is kept in {done.old_log}"
    yield from (f"repaired {release_id}" for release_id in done.restored)
    yield from (f"lost     {problem}" for problem in done.lost)
