"""The commands that look at what is there: releases, report, rejected. None needs an engine."""

from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    WarehouseOption,
    day_of,
    print_json,
    print_result,
    stdout,
    warehouse_of,
)

RunOption = Annotated[
    str | None,
    typer.Option("--run", help="A run whose gates failed, by its id: its staging is looked at."),
]


def releases(
    ds: Annotated[str | None, typer.Option("--ds", help="Only those of this date.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the releases: which date, when made, by which config, how many rows.

    The newest release of a date is the one that readers get. Needs no Spark.
    """
    day = None if ds is None else day_of(ds)
    place = warehouse_of(warehouse, config)
    from winnow.cli.releases import find_releases, print_releases, release_record

    found = find_releases(place, day)
    if as_json:
        print_json([release_record(release) for release in found])
    elif found:
        print_releases(found, stdout())
    else:
        stdout().print(f"no release in {place}", markup=False)


def report(
    release: Annotated[
        str | None, typer.Argument(help="A release id; by default the newest of the latest date.")
    ] = None,
    ds: Annotated[str | None, typer.Option("--ds", help="The newest release of this date.")] = None,
    run: RunOption = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option("--compare", metavar="A B", help="Two release ids: what changed from A to B."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the pages; by default _reports in the warehouse."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write the report of a release: one HTML page that needs no network.

    It shows the verdict and every gate first, then how rows became samples, what down-sampling
    did, whether draws follow their probabilities, where hard negatives come from, and the last
    releases side by side.
    """
    place = warehouse_of(warehouse, config)
    from winnow.cli import report as pages

    if compare is not None:
        written = pages.write_comparison(place, *compare, out=out)
    elif run is not None:
        written = pages.write_run_report(place, run, out=out)
    else:
        day = None if ds is None else day_of(ds)
        written = pages.write_report(place, release, day, out=out)
    print_result({"report": str(written)}, str(written), as_json)


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
    place = warehouse_of(warehouse, config)
    from winnow.building.rejected import find_rejected, print_rejected

    day = None if ds is None else day_of(ds)
    found = find_rejected(place, day, run=run, log=log, reason=reason, limit=limit)
    if as_json:
        print_json(found.as_record())
    else:
        print_rejected(found, stdout())
