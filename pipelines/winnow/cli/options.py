"""What the commands of ``winnow`` share: options, dates, folders, and how results are printed."""

import json
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from winnow.terminal import plain_console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winnow.building.progress import Progress
    from winnow.config.tree import Config
    from winnow.release.release import Release
    from winnow.storage.object_path import Place

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The config of your logs.")]
WarehouseOption = Annotated[
    str | None,
    typer.Option(
        "--warehouse",
        metavar="<path>",
        help="Folder of the tables, or s3://bucket/prefix, in place of the config's.",
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout, problems on stderr.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show where an error came from.")]
DEFAULT_CONFIG = Path("winnow.yaml")
_LONGEST = timedelta(days=36_500)

EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        help="sail: this machine, no Java. spark: needs Java, runs on clusters too. connect: a "
        "server of Spark Connect. By default sail, and spark under spark-submit.",
    ),
]
MasterOption = Annotated[
    str | None,
    typer.Option(help="Spark only: its master, by default local[*]; spark-submit decides itself."),
]
RemoteOption = Annotated[
    str | None,
    typer.Option(
        help="Connect only: the server's address, sc://host:port, by default $SPARK_REMOTE."
    ),
]
MemoryOption = Annotated[
    str | None, typer.Option(help="Spark only: memory of the JVM on one machine, by default 4g.")
]
LogFormatOption = Annotated[
    str | None,
    typer.Option(
        "--log-format",
        help="Progress on stderr: text, lines with clock times; json, one object per line. By "
        "default text, with a moving line in a terminal, and none with --json.",
    ),
]
VariantOption = Annotated[
    str | None, typer.Option("--variant", help="One of the config's variants, by its name.")
]
ReleaseArgument = Annotated[
    str | None, typer.Argument(help="A release id; by default the newest of the latest date.")
]
OfDateOption = Annotated[str | None, typer.Option("--ds", help="The newest release of this date.")]
RunOption = Annotated[
    str | None,
    typer.Option("--run", help="A run whose gates failed, by its id: its staging is looked at."),
]


def day_of(text: str, where: str = "--ds") -> date:
    """Return the date that an argument names.

    Raises:
        ConfigError: It is no date.
    """
    from winnow.config.loading import parse_day

    return parse_day(text, where)


def duration_of(text: str, where: str) -> timedelta:
    """Return the duration that an argument names, such as ``90m``, ``24h`` or ``7d``.

    Raises:
        ConfigError: It is none.
    """
    from winnow.config.sampling import duration_us
    from winnow.errors import ConfigError, Problem

    try:
        found = timedelta(microseconds=duration_us(text))
    except ValueError as error:
        raise ConfigError(Problem(where, str(error), found=text)) from error
    if found > _LONGEST:
        # No calendar reaches back as far as six digits of days.
        raise ConfigError(Problem(where, "this is too long", text, f"at most {_LONGEST.days}d"))
    return found


def require_folder(warehouse: str | None) -> None:
    """Refuse a warehouse that an argument names and that is not there: nothing would be looked at.

    One that a config names may not be there yet.

    Raises:
        ConfigError: It is no folder, and nothing lies under that prefix of an object store.
    """
    from winnow.storage.object_path import place_of

    if warehouse is not None and not place_of(warehouse).is_dir():
        from winnow.errors import ConfigError, Problem

        raise ConfigError(Problem("--warehouse", "there is no such folder", warehouse))


def require_engine(engine: str | None, master: str | None, remote: str | None) -> None:
    """Refuse an engine that is not known, before anything is read or started.

    Raises:
        ConfigError: There is no such engine, or it cannot do what is asked.
    """
    from winnow.engine.choice import choose_engine

    choose_engine(engine, master=master, remote=remote)


def config_of(config: Path, warehouse: str | None) -> "Config":
    """Return the config of a file, with the argument's warehouse where one is given.

    Raises:
        ConfigError: The config or the warehouse is wrong.
    """
    from winnow.config.loading import load_config
    from winnow.config.warehouse import with_warehouse

    tree = load_config(config)
    return tree if warehouse is None else with_warehouse(tree, warehouse, "--warehouse")


def warehouse_of(warehouse: str | None, config: Path) -> "Place":
    """Return where the tables are: by the argument, or by the config where there is none.

    Raises:
        ConfigError: The warehouse is wrong, or the config, or it has several.
    """
    if warehouse is not None:
        from winnow.config.warehouse import warehouse_place

        return warehouse_place(warehouse, "--warehouse")
    from winnow.config.loading import load_config
    from winnow.errors import ConfigError, Problem
    from winnow.storage.object_path import place_of

    tree = load_config(config)
    if tree.variants:
        what = "the config has variants, and each has a warehouse of its own; which one?"
        known = ", ".join(tree.variant(name).warehouse for name in tree.variants)
        raise ConfigError(Problem("--warehouse", what, expected=f"one of {known}"))
    return place_of(tree.warehouse)


def warehouses_of(warehouse: str | None, config: Path) -> "list[Place]":
    """Return where tables are: by the argument, or by the config and all of its variants.

    Raises:
        ConfigError: The warehouse or the config is wrong.
    """
    if warehouse is not None:
        return [warehouse_of(warehouse, config)]
    from winnow.config.loading import load_config
    from winnow.storage.object_path import place_of

    tree = load_config(config)
    of_variants = (place_of(tree.variant(name).warehouse) for name in tree.variants)
    return [place_of(tree.warehouse), *of_variants]


def require_at_most_one(options: "Mapping[str, object]") -> None:
    """Refuse options that contradict each other.

    Args:
        options: What was given, by the names of the options; None and False were not.

    Raises:
        ConfigError: There are two or more.
    """
    first, *others = [name for name, value in options.items() if value not in (None, False)] or [""]
    if others:
        from winnow.errors import ConfigError, Problem

        fix = "Give one of them."
        raise ConfigError(
            *(Problem(name, f"does not go together with {first}", next_step=fix) for name in others)
        )


def find_release(warehouse: "Place", release_id: str | None, ds: date | None) -> "Release":
    """Return a release by its id or date, by default the newest of the latest date.

    Raises:
        ConfigError: It is named by both.
        ReleaseError: There is no such release; says which dates are released.
    """
    from winnow.release.opening import open_release

    require_at_most_one({"a release id": release_id, "--ds": ds})
    return open_release(warehouse, release_id, ds).releases[0]


def progress_for(as_json: bool, log_format: str | None = None) -> "Progress":
    """Return what tells of the stages: with ``--json`` nothing, unless a format is named.

    Raises:
        ConfigError: The format is not known.
    """
    from winnow.building.progress import Progress
    from winnow.errors import ConfigError, Problem
    from winnow.release.commits import new_run_id

    run_id = new_run_id()
    if log_format == "text":
        return Progress(log_format="text", run_id=run_id)
    if log_format == "json":
        return Progress(log_format="json", run_id=run_id)
    if log_format is not None:
        what = "this format is not known"
        raise ConfigError(Problem("--log-format", what, log_format, "text or json"))
    return Progress(quiet=as_json, run_id=run_id)


def print_json(record: Any) -> None:
    """Print a result for machines."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False, indent=2) + "\n")


def print_result(record: Any, text: str, as_json: bool) -> None:
    """Print a result: the record for machines, or the text for a person."""
    if as_json:
        print_json(record)
    else:
        plain_console().print(text)
