"""``winnow report``: the page of a release, of a failed run, or of what changed."""

from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    OfDateOption,
    ReleaseArgument,
    RunOption,
    WarehouseOption,
    day_of,
    print_result,
    require_at_most_one,
    warehouse_of,
)


def report(
    release: ReleaseArgument = None,
    ds: OfDateOption = None,
    run: RunOption = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option("--compare", metavar="A B", help="Two release ids: what changed from A to B."),
    ] = None,
    all_dates: Annotated[
        bool,
        typer.Option("--all", help="Every date's newest release, and an index page over them."),
    ] = False,
    open_it: Annotated[
        bool, typer.Option("--open", help="Open the page in the browser of this machine.")
    ] = False,
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
    releases side by side. With --all there is such a page for each date, and an index with the
    verdict and the volumes of all dates; what it shows is in the releases, no table is read.
    """
    require_at_most_one(
        {
            "a release id": release,
            "--ds": ds,
            "--run": run,
            "--compare": compare,
            "--all": all_dates,
        }
    )
    day = None if ds is None else day_of(ds)
    folder = warehouse_of(warehouse, config)
    from winnow.cli import report_pages as pages

    if all_dates:
        written = pages.write_all(folder, out=out)
    elif compare is not None:
        written = pages.write_comparison(folder, *compare, out=out)
    elif run is not None:
        written = pages.write_run_report(folder, run, out=out)
    else:
        written = pages.write_report(folder, release, day, out=out)
    print_result({"report": str(written)}, str(written), as_json)
    if open_it:
        import webbrowser

        webbrowser.open(written.resolve().as_uri())
