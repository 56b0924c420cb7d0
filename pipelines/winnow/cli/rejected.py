"""``winnow rejected``: the rows that broke a rule."""

from typing import Annotated

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    RunOption,
    WarehouseOption,
    day_of,
    print_json,
    require_at_most_one,
    warehouse_of,
)
from winnow.terminal import plain_console


def rejected(
    ds: Annotated[str | None, typer.Option("--ds", help="The date; by default the latest.")] = None,
    log: Annotated[str | None, typer.Option(help="Only rows of this log.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Only rows with this reason, such as missing or orphan.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Rows to show of each log and reason.")] = 3,
    run: RunOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show the rows that broke a rule: how many per log and reason, and some of them as they were.

    A row with two reasons counts in both. Fix the source and build the date again: the release
    that comes then holds only what is still broken.
    """
    require_at_most_one({"--ds": ds, "--run": run})
    day = None if ds is None else day_of(ds)
    folder = warehouse_of(warehouse, config)
    from winnow.building.rejected import find_rejected, print_rejected

    found = find_rejected(folder, day, run=run, log=log, reason=reason, limit=limit)
    if as_json:
        print_json(found.as_record())
    else:
        print_rejected(found, plain_console())
