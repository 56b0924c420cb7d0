"""``winnow.sample``: frames in, the tables of a date out; no warehouse, no audit, no release.

For notebooks, and for tests of a config: the rows are those that a build of these logs publishes.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from winnow.building.face import config_of, date_of, running
from winnow.building.frames import arrow_of, config_of_frames, frames_of, kind_of
from winnow.building.progress import Progress
from winnow.config.tree import Config
from winnow.errors import ConfigError, Problem
from winnow.extras import extras_named

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

    from winnow.building.request import BuildRequest
    from winnow.contracts.tables import TableContract


def sample(
    impressions: Any,
    clicks: Any = None,
    ranking_log: Any = None,
    items: Any = None,
    users: Any = None,
    item_aliases: Any = None,
    negative_feedback: Any = None,
    *,
    config: "str | Path | Config",
    ds: str | date,
    spark: "SparkSession | None" = None,
    folder: str | Path | None = None,
) -> dict[str, Any]:
    """Make the tables of one date out of frames, for a notebook or a test.

    Each frame takes the place of its log's files: the same columns, mapping and contract, and the
    same rejected rows. Its rows pass through this process, so it is not for a whole day's logs.

    Args:
        impressions: A DataFrame of Spark, pandas or Polars, or a PyArrow table, with the columns
            that the config's mapping names. With the log's partition column too, the rows of each
            of its values are those of a date folder.
        clicks: The click log; None where the config takes clicks from the impressions.
        ranking_log: None where there is none: what hard negatives lack is filled or short.
        items: None where there is none: the catalogue is then what the logs have seen.
        users: None where there is none.
        item_aliases: None where no item has several ids.
        negative_feedback: None where nothing is asked for of what users rejected.
        config: The path of a config, or a config as ``load_config`` returned it. Paths of logs and
            the warehouse in it are not used.
        ds: The date of the impressions: a date, or ``YYYY-MM-DD``.
        spark: The session to compute with. By default that of the frames; where none is of Spark,
            ``sail`` is started and stopped.
        folder: A folder to compute in, on a cluster one that all executors see; what is written
            there is removed at the end. By default a temporary one.

    Returns:
        The tables that the config writes, by name, as frames of the kind of ``impressions``:
        columns and types of ``schemas/``. They depend on no file.

    Raises:
        ConfigError: The config or an argument is wrong.
        InputError: A frame is not what its contract says.
        MissingExtraError: A package that a build needs is not installed.
    """
    day, (tree, _) = date_of(ds), config_of(config)
    given = {"impressions": impressions, "clicks": clicks, "ranking_log": ranking_log}
    given |= {"items": items, "users": users, "item_aliases": item_aliases}
    given |= {"negative_feedback": negative_feedback}
    given = {name: frame for name, frame in given.items() if frame is not None}
    kinds = {name: kind_of(name, frame) for name, frame in given.items()}
    if "impressions" not in kinds:
        raise ConfigError(Problem("impressions", "this frame is missing"))
    sessions = [given[name].sparkSession for name, kind in kinds.items() if kind == "spark"]
    session = spark or next(iter(sessions), None)
    with (
        extras_named(),
        running(session, f"winnow sample {day}", small_data=True) as engine,
        TemporaryDirectory(prefix="winnow-sample-", dir=folder) as scratch,
    ):
        from winnow.building.request import BuildRequest
        from winnow.engine.choice import engine_of

        arrow = {name: arrow_of(frame, kinds[name]) for name, frame in given.items()}
        with for_few_rows(engine.spark) as quick:
            request = BuildRequest(
                config=config_of_frames(tree, arrow, Path(scratch)),
                day=day,
                engine=engine_of(quick),
                allow_empty=True,
                immature=True,
                progress=Progress(quiet=True),
            )
            tables = _tables(request, Path(scratch) / "run")
        return frames_of(tables, kinds["impressions"], session)


@contextmanager
def for_few_rows(spark: "SparkSession") -> "Iterator[SparkSession]":
    """Give a session for few rows, in UTC: on Spark one beside the user's, which stays as it is."""
    from winnow.spark.dialect import dialect_of

    if dialect_of(spark).name == "spark":
        quick = spark.newSession()
        for name, value in _FEW_ROWS.items():
            quick.conf.set(name, value)
        yield quick
        return
    zone = "spark.sql.session.timeZone"
    before = spark.conf.get(zone, "UTC")
    spark.conf.set(zone, "UTC")
    try:
        yield spark
    finally:
        spark.conf.set(zone, before or "UTC")


_FEW_ROWS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # A task, a plan and the code of a plan take longer than a few hundred rows.
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
}


def _tables(request: "BuildRequest", folder: Path) -> "dict[str, pa.Table]":
    """Return the rows of every table that the config writes, by name."""
    from winnow.building.inputs import maturity, open_for_build
    from winnow.building.sampling import count_logs, run_in, sample_logs
    from winnow.release.commits import new_run_id
    from winnow.tables.all_tables import contracts, frames_of_logs
    from winnow.tables.of_groups import GroupTables, with_placement

    engine, config = request.engine, request.config
    engine.warm_up(audit=False)
    run, first = run_in(folder, request, new_run_id()), None
    if config.carries_history:
        first = request.day - timedelta(config.requests.days(config.exclusion))
    logs = open_for_build(request, clicks_from=first)
    counted = count_logs(logs, request, run, at_once=len(logs))
    sampled = sample_logs(counted, request, run)
    known, mature = contracts(config, logs), maturity(request, logs)
    inputs = sampled.table_inputs(known["rejected"], run, mature=mature)
    with ThreadPoolExecutor(4) as pool:
        placed = with_placement(inputs.groups.frame, config, request.day, mature=mature)
        groups = pool.submit(placed.toArrow)
        frames = frames_of_logs(inputs, known, run)
        others = {name: pool.submit(frame.toArrow) for name, frame in frames}
        found = dict(GroupTables.of(config, known).rows(groups.result()))
        found |= {name: table.result() for name, table in others.items()}
    return {name: found[name].cast(_arrow_schema(known[name])) for name in known}


def _arrow_schema(contract: "TableContract") -> "pa.Schema":
    """Return the Arrow schema of a contract, nullable as in frames that are read from files."""
    from pyspark.sql.pandas.types import to_arrow_schema

    from winnow.contracts.spark_schema import spark_schema

    schema = to_arrow_schema(spark_schema(contract))
    for place, field in enumerate(schema):
        schema = schema.set(place, field.with_nullable(True))
    return schema
