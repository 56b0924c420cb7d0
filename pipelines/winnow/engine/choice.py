"""Which engine works: chosen by name, started, or taken as it runs already."""

import os
from typing import TYPE_CHECKING, Literal, get_args

from winnow.config.model import nearest
from winnow.engine.remote import refuse_remote_variable, remote_address
from winnow.engine.spark_submit import under_spark_submit
from winnow.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from winnow.engine.engine import Engine

EngineName = Literal["sail", "spark", "connect"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
ENGINE_VARIABLE = "WINNOW_ENGINE"
"""Names the engine where no argument does."""


def choose_engine(
    named: str | None = None, *, master: str | None = None, remote: str | None = None
) -> EngineName:
    """Return the engine to start: the named one, else ``$WINNOW_ENGINE``, else the default.

    The default is ``spark`` under spark-submit and ``sail`` elsewhere.

    Args:
        named: What the user asked for.
        master: A Spark master; only ``spark`` has one.
        remote: The address of a server of Spark Connect; only ``connect`` has one.

    Raises:
        ConfigError: There is no such engine, or it cannot do what is asked.
    """
    where = "--engine" if named else ENGINE_VARIABLE
    name = named or os.environ.get(ENGINE_VARIABLE) or ("spark" if under_spark_submit() else "sail")
    if name not in ENGINES:
        known, hint = ", ".join(ENGINES[:-1]) + f" or {ENGINES[-1]}", nearest(name, ENGINES)
        raise ConfigError(Problem(where, "this engine is not known", name, known, hint))
    if name != "spark" and under_spark_submit():
        what = "spark-submit starts the spark engine only"
        raise ConfigError(Problem(where, what, found=name, expected="spark"))
    if name != "spark" and master is not None:
        why = "runs on this machine only" if name == "sail" else "goes to a server that runs"
        what = f"the {name} engine {why} and has no master"
        fix = "Add --engine spark, or drop it."
        raise ConfigError(Problem("--master", what, found=master, next_step=fix))
    if name != "connect" and remote is not None:
        what = f"the {name} engine goes to no server of Spark Connect"
        fix = "Add --engine connect, or drop it."
        raise ConfigError(Problem("--remote", what, found=remote, next_step=fix))
    if name == "connect":
        remote_address(remote)
    if name == "spark":
        refuse_remote_variable()
    return name


def start_engine(
    app_name: str,
    *,
    engine: str | None = None,
    master: str | None = None,
    remote: str | None = None,
    driver_memory: str | None = None,
    small_data: bool = False,
) -> "Engine":
    """Start the chosen engine; nothing of the other one is needed or loaded.

    Args:
        app_name: Shown in Spark's UI and logs.
        engine: ``sail``, ``spark`` or ``connect``; None chooses as ``choose_engine`` does.
        master: Spark only: by default ``local[*]``.
        remote: Connect only: the address of the server, by default ``$SPARK_REMOTE``.
        driver_memory: Spark only: memory of the JVM on one machine, by default 4g.
        small_data: Spark only: start faster and run long work slower.

    Raises:
        ConfigError: There is no such engine, or it cannot do what is asked.
        RequirementError: What the engine needs is missing; says what to do.
        ExecutorError: Tasks of a cluster cannot import what they need.
    """
    name = choose_engine(engine, master=master, remote=remote)
    if name == "sail":
        from winnow.engine.sail import SailEngine

        return SailEngine.launch()
    if name == "connect":
        from winnow.engine.connect import ConnectEngine

        return ConnectEngine.launch(remote)
    from winnow.engine.spark import SparkEngine

    return SparkEngine.launch(
        app_name, master=master, driver_memory=driver_memory, small_data=small_data
    )


def engine_of(spark: "SparkSession") -> "Engine":
    """Return the engine around a session that runs already."""
    from winnow.spark.dialect import engine_name

    name = engine_name(spark)
    if name == "sail":
        from winnow.engine.sail import SailEngine

        return SailEngine(spark)
    if name == "connect":
        from winnow.engine.connect import ConnectEngine

        return ConnectEngine(spark)
    from winnow.engine.spark import SparkEngine

    return SparkEngine(spark)
