"""The command ``winnow``: arguments in, exit code out. Spark starts only once these are checked."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from winnow.cli import looking
from winnow.cli.exit_codes import run_to_exit_code
from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    WarehouseOption,
    day_of,
    print_json,
    print_result,
    progress_for,
    refuse_address,
    stdout,
    warehouse_of,
)
from winnow.cli.process import leave, require_docstrings
from winnow.engine.startup.garbage import nothing_collected

app = typer.Typer(
    name="winnow",
    help="Make training samples for retrieval models from a recommender's logs.\n\n"
    "Start with winnow init, or try it on made-up logs: winnow simulate --out demo, then "
    "winnow build --config demo/winnow.yaml --ds 2026-01-01.\n\n"
    "Exit codes: 0 done or nothing to do, 2 wrong config or arguments, 3 the data broke a "
    "contract or a gate, 4 somebody else published meanwhile (safe to run again), 1 anything else.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="sail: this machine, no Java. spark: needs Java, runs on clusters too. By default "
        "sail, and spark under spark-submit.",
    ),
]
MasterOption = Annotated[
    str | None,
    typer.Option(help="Spark only: its master, by default local[*]; spark-submit decides itself."),
]
MemoryOption = Annotated[
    str | None, typer.Option(help="Spark only: memory of the JVM on one machine, by default 4g.")
]


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a commented config to start from.

    It explains every key and holds every default. Change the part called logs to say where your
    logs lie and which of their columns mean what; then run winnow build.
    """
    from winnow.cli.init import write_starter

    write_starter(path, force=force)
    print_result({"config": str(path)}, f"{path} is written. Change logs in it, then: ", as_json)
    if not as_json:
        stdout().print(f"  winnow build --config {path} --ds 2026-01-01", markup=False)


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder that receives logs/, truth/, winnow.yaml.")],
    days: Annotated[int, typer.Option(help="Dates to simulate.")] = 3,
    first_day: Annotated[str, typer.Option(help="The first of them, YYYY-MM-DD.")] = "2026-01-01",
    history_days: Annotated[int, typer.Option(help="Dates before it, for popularity.")] = 14,
    users: Annotated[int, typer.Option(help="Users.")] = 2_000,
    items: Annotated[int, typer.Option(help="Items.")] = 3_000,
    requests_per_day: Annotated[int, typer.Option(help="Requests per date.")] = 4_000,
    dirty_share: Annotated[float, typer.Option(help="Broken rows per clean row.")] = 0.002,
    string_ids: Annotated[bool, typer.Option(help="Ids like u000123.")] = False,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal logs.")] = 0,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make up the logs of a whole recommender, to try Winnow on.

    Users with tastes, items with a popularity; recall, coarse and fine ranking, showing, clicks by
    relevance and position, some late, some stronger; a share of broken rows. The truth behind it
    lies beside the logs, and so does a winnow.yaml that fits them.
    """
    from winnow.cli.simulate import run_simulation

    settings = {
        "out": out,
        "days": days,
        "first_day": day_of(first_day, "--first-day"),
        "history_days": history_days,
        "users": users,
        "items": items,
        "requests_per_day": requests_per_day,
        "dirty_share": dirty_share,
        "string_ids": string_ids,
        "seed": seed,
    }
    record = run_simulation(settings, progress_for(as_json))
    rows = ", ".join(f"{log} {count:,}" for log, count in record["rows"].items())
    print_result(record, f"Rows: {rows}.\nNow build the first date:", as_json)
    if not as_json:
        stdout().print(f"  winnow build --config {record['config']} --ds {first_day}", markup=False)


@app.command()
def build(
    ds: Annotated[str, typer.Option("--ds", help="The date of the impressions, YYYY-MM-DD.")],
    config: ConfigOption = DEFAULT_CONFIG,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Accept missing or empty logs of the date.")
    ] = False,
    immature: Annotated[
        bool,
        typer.Option("--immature", help="Build before the last clicks are in; mature = false."),
    ] = False,
    warehouse: WarehouseOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    driver_memory: MemoryOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Build, audit and release the samples of one date.

    Reads the logs that the config names, checks every row against its contract, makes positives,
    easy and hard negatives, and publishes them as one release, or nothing at all. Running it again
    on the same logs releases nothing new.
    """
    day = day_of(ds)
    from winnow.config.loading import load_config

    tree = load_config(config)
    if warehouse is not None:
        refuse_address(warehouse)
        tree = tree.model_copy(update={"warehouse": str(warehouse.absolute())})
    progress = progress_for(as_json)
    with nothing_collected(), progress.stage("start the engine"):
        from winnow.building.build import build as build_date
        from winnow.building.request import BuildRequest
        from winnow.building.summary import print_summary
        from winnow.engine.choice import start_engine

        running = start_engine(
            f"winnow build {day}", engine=engine, master=master, driver_memory=driver_memory
        )
    with running:
        summary = build_date(
            BuildRequest(
                config=tree,
                day=day,
                engine=running,
                allow_empty=allow_empty,
                immature=immature,
                progress=progress,
                home=config.resolve().parent,
            )
        )
    if as_json:
        print_json(summary.as_record())
    else:
        print_summary(summary, stdout())


@app.command()
def verify(
    release: Annotated[
        str | None, typer.Argument(help="A release id; by default the newest of the latest date.")
    ] = None,
    ds: Annotated[str | None, typer.Option("--ds", help="The newest release of this date.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    warehouse: WarehouseOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    driver_memory: MemoryOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Check that a release still holds what it promised.

    Opens every file of the pinned versions as readers do, reads all tables again, counts their
    rows, computes their content hashes and compares both with the release. Ends with 3 where
    something is missing, cannot be opened, or differs.
    """
    day = None if ds is None else day_of(ds)
    place = warehouse_of(warehouse, config)
    progress = progress_for(as_json)
    with nothing_collected():
        from winnow.cli.releases import find_release, raise_findings
        from winnow.cli.releases import verify as verify_one
        from winnow.engine.choice import start_engine

        one = find_release(place, release, day)
        with progress.stage("start the engine"):
            running = start_engine(
                "winnow verify", engine=engine, master=master, driver_memory=driver_memory
            )
    with running:
        found, findings = verify_one(place, one, running, progress)
    raise_findings(findings)
    tables = {pin.table: pin.content.rows for pin in found.tables}
    record = {"release_id": found.release_id, "ds": found.ds.isoformat(), "tables": tables}
    text = f"{found.release_id} of {found.ds} holds what it promised: {len(tables)} tables, "
    print_result(record, f"{text}{sum(tables.values()):,} rows.", as_json)


for command in (looking.releases, looking.report, looking.rejected):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Without arguments it is the one of the process, which ends with it.
    """
    if arguments is None:
        require_docstrings()
        leave(main(sys.argv[1:]))
    words = list(arguments)
    return run_to_exit_code(lambda: app(words, prog_name="winnow"), words)


if __name__ == "__main__":
    main()
