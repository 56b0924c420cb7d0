"""``winnow build``: one date, from logs to a release."""

from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.engines import started
from winnow.cli.observed_build import (
    MetricsOption,
    Observation,
    Observers,
    OnFailureOption,
    OpenLineageOption,
    observed,
)
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
    config_of,
    day_of,
    print_json,
    progress_for,
    require_engine,
)
from winnow.engine.startup.garbage import nothing_collected
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from winnow.building.request import BuildRequest
    from winnow.building.summary import BuildSummary


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
    variant: VariantOption = None,
    warehouse: WarehouseOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    remote: RemoteOption = None,
    driver_memory: MemoryOption = None,
    log_format: LogFormatOption = None,
    metrics: MetricsOption = None,
    on_failure: OnFailureOption = None,
    openlineage: OpenLineageOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Build, audit and release the samples of one date.

    Reads the logs that the config names, checks every row against its contract, makes positives,
    easy and hard negatives, and publishes them as one release, or nothing at all. Running it again
    on the same logs releases nothing new.

    Where the config has variants, all of them are built, or the one that is named: their logs are
    read once, each has its own tables in WAREHOUSE/NAME, and one that fails a gate harms no other.
    """
    progress = progress_for(as_json, log_format)
    with observed(Observers(metrics, on_failure, openlineage), ds, progress) as observation:
        day = day_of(ds)
        require_engine(engine, master, remote)
        tree = config_of(config, warehouse)
        all_variants = bool(tree.variants) and variant is None
        with nothing_collected():
            from winnow.building.config_check import check_config
            from winnow.config.chosen_variant import one_recipe

            if not all_variants:
                tree = one_recipe(tree, variant, "--variant")
            suites = check_config(tree)
            from winnow.building.build import build as build_date
            from winnow.building.request import BuildRequest
            from winnow.building.small_logs import logs_are_small
        observation.read(tree)
        with started(
            f"winnow build {day}",
            progress,
            engine,
            master,
            remote,
            driver_memory,
            small_data=logs_are_small(tree),
        ) as running:
            request = BuildRequest(
                config=tree,
                day=day,
                engine=running,
                allow_empty=allow_empty,
                immature=immature,
                progress=progress,
                home=config.resolve().parent,
                suites=suites,
                run_id=progress.run_id,
            )
            if all_variants:
                _build_all(request, observation, as_json)
            else:
                observation.summary = build_date(request)
    if observation.summary is not None:
        _print_one(observation.summary, as_json)


def _print_one(summary: "BuildSummary", as_json: bool) -> None:
    if as_json:
        print_json(summary.as_record())
        return
    from winnow.building.summary_text import print_summary

    print_summary(summary, plain_console())


def _build_all(request: "BuildRequest", observation: Observation, as_json: bool) -> None:
    """Build all variants, print what was made, and end as the gravest of those that failed."""
    from winnow.building.summary_text import print_variants
    from winnow.building.variants import build_variants

    observation.builds = builds = build_variants(request)
    if as_json:
        print_json(builds.as_record())
    else:
        print_variants(builds, plain_console())
    builds.raise_if_failed()
