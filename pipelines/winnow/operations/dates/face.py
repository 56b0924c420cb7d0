"""``winnow.backfill``: many dates, from Python as from the command line."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.building.face import config_of, date_of, running
from winnow.config.chosen_variant import one_recipe
from winnow.config.tree import Config
from winnow.config.warehouse import with_warehouse
from winnow.errors import ConfigError, Problem
from winnow.extras import extras_named
from winnow.storage.object_path import Place

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from winnow.operations.dates.outcomes import Backfill
    from winnow.operations.dates.plan import Which


def backfill(
    config: "str | Path | Config",
    first: "str | date | None" = None,
    last: "str | date | None" = None,
    *,
    which: "Which" = "needed",
    parallel: int = 1,
    variant: str | None = None,
    engine: "str | SparkSession | None" = None,
    warehouse: str | Place | None = None,
    allow_empty: bool = False,
    immature: bool = False,
    verbose: bool = False,
) -> "Backfill":
    """Build the dates of a range that are missing or stale, on one engine.

    Args:
        config: The path of a config, or a config as ``load_config`` returned it.
        first: The first date; None is the first that is released or has logs.
        last: The last date; None is the last that is released or has logs.
        which: ``needed``: those that are missing or stale; or only the ``missing``, the ``stale``,
            or the ``mature``, which were released as immature and are complete now; or ``all``.
        parallel: How many processes build dates side by side.
        variant, engine, warehouse, allow_empty, immature, verbose: As of ``build``; a session that
            runs takes one date after the other.

    Returns:
        How each date ended; ``raise_if_failed`` raises what dates failed by.

    Raises:
        ConfigError: The config or an argument is wrong.
        InputError: The files of a log cannot be listed.
        ReleaseError: The log of the table ``releases`` is damaged.
        MissingExtraError: A package that a build needs is not installed.
    """
    tree, home = config_of(config)
    if warehouse is not None:
        tree = with_warehouse(tree, warehouse, "warehouse")
    tree = one_recipe(tree, variant, "variant")
    with extras_named():
        from winnow.building.progress import Progress
        from winnow.operations.dates.many_dates import DatesRequest, build_plan, plan_of
        from winnow.operations.dates.plan import WHICH

    if which not in WHICH:
        expected = f"one of {', '.join(WHICH)}"
        raise ConfigError(Problem("which", "is not known", repr(which), expected))
    if parallel > 1 and not (engine is None or isinstance(engine, str)):
        what = "a session that runs builds one date after the other"
        raise ConfigError(Problem("parallel", what, str(parallel), "1, or the name of an engine"))
    request = DatesRequest(
        config=tree,
        first=None if first is None else date_of(first),
        last=None if last is None else date_of(last),
        which=which,
        parallel=parallel,
        allow_empty=allow_empty,
        immature=immature,
        progress=Progress(quiet=not verbose),
        home=home,
    )
    plan = plan_of(request)
    name = engine if isinstance(engine, str) else None
    return build_plan(plan, {"engine": name}, lambda: running(engine, "winnow backfill"))
