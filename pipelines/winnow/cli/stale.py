"""``winnow stale``: which dates should be built, or built again, and why."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    DebugOption,
    JsonOption,
    VariantOption,
    WarehouseOption,
    config_of,
    day_of,
    print_json,
)
from winnow.terminal import plain_console

if TYPE_CHECKING:
    from rich.console import Console

    from winnow.config.tree import Config
    from winnow.operations.dates.stale import DateState

FromOption = Annotated[
    str | None, typer.Option("--from", help="The first date; by default the first released one.")
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", help="The last date; by default the last that is released or has logs."),
]
IgnoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        help="A kind of reason that does not count: missing, immature, inputs, gone, config, "
        "code, state or damaged. May be repeated.",
    ),
]


def stale(
    first: FromOption = None,
    last: ToOption = None,
    ignore: IgnoreOption = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="End with exit code 3 where a date is to be built, or decided."
        ),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    variant: VariantOption = None,
    warehouse: WarehouseOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Tell which dates should be built, or built again, and why. Needs no engine.

    A release records the files that it was made of, its config, its code, and what it went on
    from. A date is stale where one of these is another now: a file of its logs is new, was written
    again or is gone; the config or the version of Winnow differs; the date before, whose state it
    carries, was released anew; or it was released as immature and what it waited for is there. It
    is missing where its logs are there and no release is. Where old logs of a date were deleted
    and others of it came since, you decide: --ignore gone builds it of what is left.

    Nothing is read of the logs but the names, sizes and times of their files. What it finds,
    winnow backfill builds.
    """
    states = states_of(config, variant, warehouse, first, last, ignore)
    if as_json:
        print_json({"dates": [state.as_record() for state in states]})
    else:
        print_states(states, plain_console())
    if check and any(state.to_build or state.to_decide for state in states):
        raise typer.Exit(3)


def states_of(
    config: Path,
    variant: str | None,
    warehouse: str | None,
    first: str | None,
    last: str | None,
    ignore: Sequence[str] | None,
) -> "tuple[DateState, ...]":
    """Return the states of the dates that the options of a command name."""
    days = range_of(first, last)
    tree = recipe_of(config, variant, warehouse)
    from winnow.operations.dates.reasons import kinds_of
    from winnow.operations.dates.stale import judge_dates

    return judge_dates(tree, *days, ignore=kinds_of(ignore or (), "--ignore"))[1]


def range_of(first: str | None, last: str | None) -> tuple[date | None, date | None]:
    """Return the dates that ``--from`` and ``--to`` name.

    Raises:
        ConfigError: One is no date.
    """
    return (
        None if first is None else day_of(first, "--from"),
        None if last is None else day_of(last, "--to"),
    )


def recipe_of(config: Path, variant: str | None, warehouse: str | None) -> "Config":
    """Return the one recipe of a config file that a command is about.

    Raises:
        ConfigError: The config is wrong, or has variants of which none is named.
    """
    from winnow.config.chosen_variant import one_recipe

    return one_recipe(config_of(config, warehouse), variant, "--variant")


def print_states(states: "Sequence[DateState]", console: "Console") -> None:
    """Print the dates that are not as they should be, and how many are."""
    for state in states:
        if state.state != "current":
            console.print(f"{state.ds} {state.state}: {state.text}")
    counts = {state.state: 0 for state in states}
    for state in states:
        counts[state.state] += 1
    said = ", ".join(f"{count:,} {state}" for state, count in counts.items())
    none = "no date is released, and no date folder tells of one: name dates by --from and --to"
    console.print(said or none)
    if to_decide := sum(state.to_decide for state in states):
        console.print(
            f"{to_decide:,} of inputs gone: files have come since that are not in the release; "
            "--ignore gone builds it of the logs that are left"
        )
