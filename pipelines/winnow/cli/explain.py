"""``winnow explain``: what a config will do before it runs, in words and in figures."""

from pathlib import Path
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
    config_of,
    day_of,
    print_json,
    progress_for,
    require_engine,
)
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from datetime import date

    from rich.console import Console

    from winnow.building.progress import Progress
    from winnow.config.tree import Config
    from winnow.engine.engine import Engine
    from winnow.explanation.figures import Figures, ItemFigures
    from winnow.explanation.words import Words


def explain(
    ds: Annotated[
        str | None,
        typer.Option("--ds", help="A date whose logs give the figures; without it, words alone."),
    ] = None,
    scratch: Annotated[
        Path | None,
        typer.Option(help="A folder to compute in, which all executors see; nothing stays in it."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    variant: VariantOption = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    remote: RemoteOption = None,
    driver_memory: MemoryOption = None,
    log_format: LogFormatOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Say what a config will do before it runs. Nothing is sampled or published.

    In words, from the config alone and without an engine: what becomes a positive, what is
    forbidden, what makes an item popular, and for each source of negatives how many a positive
    asks for, from what they are drawn, by which formula, and given what.

    With a date also in figures, from its logs: for the hottest items, a middle and a new one, how
    likely each source draws them, how often that is expected given every user's forbidden set, and
    how many requests have no ranking rows. That costs what the first stages of a build cost.

    Of a config with variants: what all share, and in which sentences each differs. Figures are of
    one variant, which --variant names.

    Exit codes are those of a build: 2 the config is wrong, 3 the logs are.
    """
    day = None if ds is None else day_of(ds)
    require_engine(engine, master, remote)
    progress = progress_for(as_json, log_format)
    tree = config_of(config, None)
    if variant is not None or day is not None:
        from winnow.config.chosen_variant import one_recipe

        tree = one_recipe(tree, variant, "--variant")
    if scratch is not None and not scratch.is_dir():
        from winnow.errors import ConfigError, Problem

        raise ConfigError(Problem("--scratch", "there is no such folder", found=str(scratch)))
    from winnow.building.apart import require_apart
    from winnow.building.small_logs import logs_are_small
    from winnow.explanation.words import in_words

    require_apart(tree)
    words, figures = in_words(tree), None
    if day is not None:
        with started(
            f"winnow explain {day}",
            progress,
            engine,
            master,
            remote,
            driver_memory,
            small_data=logs_are_small(tree),
        ) as running:
            figures = _figures(tree, day, running, progress, scratch)
    if as_json:
        told = None if figures is None else figures.as_record()
        print_json(words.as_record() | {"figures": told})
        return
    print_words(words, plain_console())
    if figures is not None:
        print_figures(figures, plain_console())


def print_words(words: "Words", console: "Console") -> None:
    """Print the sections, and what each source does."""
    for title, sentences in words.sections.items():
        console.print(title, style="bold")
        for sentence in sentences:
            console.print(f"  {sentence}")
        if title == "Negatives":
            _print_sources(words, console)


def _print_sources(words: "Words", console: "Console") -> None:
    pools = set()
    for one in words.sources:
        if len(one.together) > 1 and one.together not in pools:
            pools.add(one.together)
            console.print(f"  {one.asked} together: {', '.join(one.together)}")
        asked = "" if one.asked is None or len(one.together) > 1 else f", {one.asked} of a positive"
        console.print(f"  {one.name} ({one.kind}{asked}): {one.does}.")
        for text in filter(None, (one.formula, one.probability, one.shortfall)):
            console.print(f"    {text}")


def print_figures(figures: "Figures", console: "Console") -> None:
    """Print what the logs of the date say: the items, their draws, and what falls short."""
    from winnow.terminal import plain_table, print_whole

    console.print(f"Figures of {figures.ds}", style="bold")
    for text in figures.missing:
        console.print(f"  warning: a build waits, or needs --immature: {text}", style="yellow")
    console.print(
        f"  {figures.catalogue:,} items may be drawn; about {figures.positives:,.0f} rows of "
        f"positives of {figures.users:,} users are expected"
    )
    table = plain_table(
        "item", "item_id", "clicks", "f", "W", "q", "keep_prob", "positives", "forbidden to"
    )
    for item in figures.items:
        table.add_row(item.role, *_cells(item))
    print_whole(table, console)
    table = plain_table(
        "draws of 1,000 positives", "source", "q", "nothing forbidden", "expected", "kept",
        texts=["source"],
    )  # fmt: skip
    for item in figures.items:
        for of in item.sources:
            kept = "" if of.kept is None else f"{of.kept:.1%}"
            cells = (of.source, f"{of.q:.3g}", f"{of.declared:.4g}", f"{of.expected:.4g}", kept)
            table.add_row(f"{item.role} ({item.item_id})", *cells)
    if table.row_count:
        print_whole(table, console)
    _print_shortfall(figures, console)


def _print_shortfall(figures: "Figures", console: "Console") -> None:
    from winnow.terminal import plain_table, print_whole

    for source, share in figures.without_group.items():
        what = "positives have no group to draw from (group_unknown)"
        console.print(f"  {source}: {share:.1%} of the {what}")
    if figures.not_ranked is None:
        return
    requests = figures.requests
    console.print(
        f"  {requests.shown_ranked:,} of {requests.shown:,} requests of the date have ranking "
        f"rows, and {requests.positive_ranked:,} of the {requests.positive:,} with a positive: "
        f"{figures.not_ranked:.1%} have none, and get no hard negative (request_not_logged)"
    )
    table = plain_table("stage", "requests with a positive", "rows", "rows of a request")
    for stage, (n, rows) in requests.stages.items():
        table.add_row(stage, f"{n:,}", f"{rows:,}", f"{rows / n:.1f}" if n else "")
    print_whole(table, console)


def _cells(item: "ItemFigures") -> tuple[str, ...]:
    return (
        str(item.item_id),
        f"{item.clicks:,}",
        f"{item.popularity:g}",
        f"{item.weight:,}",
        f"{item.q:.3g}",
        f"{item.keep_prob:.3g}",
        f"{item.positives:.1f}",
        f"{item.forbidden_users:.1%} of users",
    )


def _figures(
    config: "Config", day: "date", engine: "Engine", progress: "Progress", scratch: Path | None
) -> "Figures":
    """Compute the figures in a temporary folder, with nothing left of it."""
    from tempfile import TemporaryDirectory

    from winnow.building.request import BuildRequest
    from winnow.building.sampling import run_in
    from winnow.explanation.figures import in_figures
    from winnow.release.commits import new_run_id

    request = BuildRequest(config, day, engine, immature=True, progress=progress)
    with TemporaryDirectory(prefix="winnow-explain-", dir=scratch) as folder:
        return in_figures(request, run_in(Path(folder), request, new_run_id()))
