"""``winnow backfill``: many dates in one command."""

from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.engines import started
from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    EngineOption,
    JsonOption,
    LogFormatOption,
    MasterOption,
    MemoryOption,
    RemoteOption,
    VariantOption,
    WarehouseOption,
    print_json,
    progress_for,
    require_at_most_one,
    require_engine,
)
from winnow.cli.stale import FromOption, IgnoreOption, ToOption, range_of, recipe_of
from winnow.engine.startup.garbage import nothing_collected
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.operations.dates.plan import Which


def backfill(
    first: FromOption = None,
    last: ToOption = None,
    only_missing: Annotated[
        bool, typer.Option("--only-missing", help="Build no date that is released already.")
    ] = False,
    only_stale: Annotated[
        bool, typer.Option("--stale", help="Build released dates that are stale, and no others.")
    ] = False,
    only_mature: Annotated[
        bool,
        typer.Option("--mature", help="Build dates released as immature that are complete now."),
    ] = False,
    build_all: Annotated[
        bool, typer.Option("--all", help="Build every date, those that are right too.")
    ] = False,
    ignore: IgnoreOption = None,
    parallel: Annotated[
        int, typer.Option(min=1, help="Processes that build dates side by side.")
    ] = 1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and end.")] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Accept missing or empty logs of a date.")
    ] = False,
    immature: Annotated[
        bool, typer.Option("--immature", help="Build dates that wait for later logs too.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    variant: VariantOption = None,
    warehouse: WarehouseOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    remote: RemoteOption = None,
    driver_memory: MemoryOption = None,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Build the dates of a range that are missing or stale, each a release of its own.

    First the plan: which dates are released, which are missing or stale and why (as winnow stale
    tells), and what will become of each. Then the dates, one after the other on one engine, or
    side by side with --parallel. A date that fails stops no other, but for those that go on from
    a state of it. Run again after a stop, dates that were done are found right and kept.

    Ends with the exit code of the gravest failure: 1 goes before 3, that before 2 and 4. Dates
    that wait for later logs are no failure; those without logs of their own are.
    """
    days = range_of(first, last)
    require_at_most_one(
        {
            "--only-missing": only_missing,
            "--stale": only_stale,
            "--mature": only_mature,
            "--all": build_all,
        }
    )
    which: Which = (
        "missing"
        if only_missing
        else "stale"
        if only_stale
        else "mature"
        if only_mature
        else "all"
        if build_all
        else "needed"
    )
    require_engine(engine, master, remote)
    progress = progress_for(as_json, log_format)
    tree = recipe_of(config, variant, warehouse)
    with nothing_collected():
        from winnow.operations.dates.backfill_text import print_backfill, print_plan
        from winnow.operations.dates.many_dates import DatesRequest, build_plan, plan_of
        from winnow.operations.dates.reasons import kinds_of

        request = DatesRequest(
            config=tree,
            first=days[0],
            last=days[1],
            which=which,
            ignore=kinds_of(ignore or (), "--ignore"),
            parallel=parallel,
            allow_empty=allow_empty,
            immature=immature,
            progress=progress,
            home=config.resolve().parent,
        )
        plan = plan_of(request)
    if not as_json:
        print_plan(plan.dates, plain_console())
    record = {"plan": [one.as_record() for one in plan.dates]}
    if dry_run:
        if as_json:
            print_json(record)
        return
    options = {"engine": engine, "master": master, "remote": remote, "driver_memory": driver_memory}
    done = build_plan(
        plan,
        options,
        lambda: started("winnow backfill", progress, engine, master, remote, driver_memory),
    )
    if as_json:
        print_json(record | done.as_record())
    elif plan.n_to_build:
        print_backfill(done, plain_console())
    done.raise_if_failed()
