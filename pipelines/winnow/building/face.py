"""``winnow.build`` and ``build_variants``: one date, from Python as from the command line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.building.progress import Progress
from winnow.building.small_logs import logs_are_small
from winnow.config.chosen_variant import one_recipe
from winnow.config.loading import load_config, parse_day
from winnow.config.tree import Config
from winnow.config.warehouse import with_warehouse
from winnow.errors import ConfigError, Problem
from winnow.extras import extras_named
from winnow.storage.object_path import Place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from winnow.building.request import BuildRequest
    from winnow.building.summary import BuildSummary
    from winnow.building.variants import VariantBuilds
    from winnow.engine.engine import Engine


def build(
    config: "str | Path | Config",
    ds: str | date,
    *,
    variant: str | None = None,
    engine: "str | SparkSession | None" = None,
    warehouse: str | Place | None = None,
    allow_empty: bool = False,
    immature: bool = False,
    verbose: bool = False,
) -> "BuildSummary":
    """Build, audit and release the samples of one date.

    Args:
        config: The path of a config, or a config as ``load_config`` returned it.
        ds: The date of the impressions: a date, or ``YYYY-MM-DD``.
        variant: Which of the config's variants; ``build_variants`` builds all.
        engine: ``sail`` or ``spark`` is started for this build and stopped after it; ``connect``,
            or an address ``sc://host:port``, is a session on a server of Spark Connect. A session
            that runs is used and left running; one of Spark needs the settings that Winnow's own
            have (docs/engines.md). None is ``$WINNOW_ENGINE``, or ``sail``.
        warehouse: The folder of the tables, in place of the config's; of a variant the folder that
            its own is in.
        allow_empty: Accept logs that are missing or have no rows for the date.
        immature: Build before the last clicks are in; the rows say ``mature = false``.
        verbose: Tell of every stage on stderr.

    Returns:
        The release, where the rows of each log went, and what the samples hold.

    Raises:
        ConfigError: The config or an argument is wrong.
        InputError: A log is missing, damaged or not what its contract says.
        GateError: A table failed a gate; nothing was published.
        ConflictError: Another run released the date meanwhile.
        MissingExtraError: A package that a build needs is not installed.
    """
    with extras_named():
        from winnow.building.build import build as build_date

    recipe = partial(one_recipe, variant=variant, where="variant")
    options = {"allow_empty": allow_empty, "immature": immature, "verbose": verbose}
    with _requested(config, ds, recipe, engine, warehouse, **options) as request:
        return build_date(request)


def build_variants(
    config: "str | Path | Config",
    ds: str | date,
    *,
    engine: "str | SparkSession | None" = None,
    warehouse: str | Place | None = None,
    allow_empty: bool = False,
    immature: bool = False,
    verbose: bool = False,
) -> "VariantBuilds":
    """Build all variants of a config for one date; their logs are read once.

    Args:
        config, ds, engine, warehouse, allow_empty, immature, verbose: As of ``build``.

    Returns:
        The summaries by the names of the variants, and why some were not released, if any:
        ``raise_if_failed`` raises that.

    Raises:
        ConfigError: The config has no variants, or it or an argument is wrong.
        InputError: A log is missing, damaged or not what its contract says; nothing was built.
        MissingExtraError: A package that a build needs is not installed.
    """
    with extras_named():
        from winnow.building.variants import build_variants as build_all

    options = {"allow_empty": allow_empty, "immature": immature, "verbose": verbose}
    with _requested(config, ds, lambda tree: tree, engine, warehouse, **options) as request:
        return build_all(request)


@contextmanager
def _requested(
    config: "str | Path | Config",
    ds: str | date,
    recipe: "Callable[[Config], Config]",
    engine: "str | SparkSession | None",
    warehouse: str | Place | None,
    *,
    allow_empty: bool,
    immature: bool,
    verbose: bool,
) -> "Iterator[BuildRequest]":
    """Give what is asked for, on an engine that stops when it is done.

    Args:
        recipe: Gives the recipe that is meant of the whole config.
        config, ds, engine, warehouse, allow_empty, immature, verbose: As of ``build``.
    """
    day = date_of(ds)
    tree, home = config_of(config)
    if warehouse is not None:
        tree = with_warehouse(tree, warehouse, "warehouse")
    tree = recipe(tree)
    with extras_named():
        from winnow.building.config_check import check_config
        from winnow.building.request import BuildRequest

        suites = check_config(tree)
    with running(engine, f"winnow build {day}", small_data=logs_are_small(tree)) as started:
        yield BuildRequest(
            config=tree,
            day=day,
            engine=started,
            allow_empty=allow_empty,
            immature=immature,
            progress=Progress(quiet=not verbose),
            home=home,
            suites=suites,
        )


def date_of(ds: str | date) -> date:
    """Return the date that an argument names.

    Raises:
        ConfigError: It names none.
    """
    if isinstance(ds, date) and not isinstance(ds, datetime):
        return ds
    return parse_day(str(ds), "ds")


def config_of(config: "str | Path | Config") -> tuple[Config, Path | None]:
    """Return a config, and the folder of its file where it was read from one.

    Raises:
        ConfigError: Holds every problem of the file.
    """
    if isinstance(config, Config):
        return config, None
    path = Path(config)
    return load_config(path), path.resolve().parent


@contextmanager
def running(
    engine: "str | SparkSession | None", app_name: str, *, small_data: bool = False
) -> "Iterator[Engine]":
    """Give an engine: one that is started and stopped here, or the session that runs already.

    Args:
        engine: Its name, the address of a server, or the session. app_name: As a cluster shows it.
        small_data: Spark starts faster, and runs long work slower.

    Raises:
        ConfigError: There is no such engine.
        RequirementError: What it needs is missing; says what to do.
    """
    with extras_named():
        from winnow.engine.choice import engine_of, start_engine

        if isinstance(engine, str) and engine.startswith("sc://"):
            started = start_engine(app_name, engine="connect", remote=engine)
        elif engine is None or isinstance(engine, str):
            started = start_engine(app_name, engine=engine, small_data=small_data)
        elif hasattr(engine, "createDataFrame"):
            yield engine_of(engine)
            return
        else:
            expected = "sail, spark, connect, an address sc://host:port, or a running session"
            raise ConfigError(Problem("engine", "this is no engine", repr(engine), expected))
    with started:
        yield started
