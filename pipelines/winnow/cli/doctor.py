"""``winnow doctor``: what is wrong with this machine or this warehouse, and what to do."""

from typing import Any

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
from winnow.terminal import plain_console

_FAILED = 3


def doctor(
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Look at this machine and at the warehouse: what works, what does not, and what to do next.

    Python, memory, engines, Java and JARs; rights, links, free space and clock of the warehouse;
    protocol and properties of its tables, releases and their files, what dead runs have left. No
    engine is started. Ends with 3 where something failed; warnings alone end with 0.
    """
    from winnow.operations.doctor import examine

    known = warehouse is not None or config.exists() or config != DEFAULT_CONFIG
    folder = warehouse_of(warehouse, config) if known else None
    checks: list[dict[str, Any]] = []
    console = plain_console()
    for check in examine(folder):
        checks.append(check.as_record())
        if not as_json:
            step = f" {check.next_step}" if check.next_step else ""
            console.print(f"{check.state:8} {check.name}: {check.text}.{step}")
    if as_json:
        print_json({"warehouse": None if folder is None else str(folder), "checks": checks})
    if any(check["state"] == "failed" for check in checks):
        raise typer.Exit(_FAILED)
