"""One engine for all tests, started when the first test asks for it."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from winnow.engine.engine import Engine

    from tests.invariants.staged import Staged

TEST_ENGINE = os.environ.get("WINNOW_TEST_ENGINE", "sail")
"""The engine of this process: a classic and a Connect session cannot share one."""


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Engine"]:
    """The engine that ``WINNOW_TEST_ENGINE`` names; on Spark two cores, four shuffle partitions."""
    if TEST_ENGINE == "connect":
        from tests.engines.connect_session import connect_engine

        with connect_engine(tmp_path_factory.mktemp("server")) as connect:
            yield connect
        return
    if TEST_ENGINE == "sail":
        from winnow.engine.sail import SailEngine

        with SailEngine.launch() as sail:
            yield sail
        return
    from winnow.engine.spark import SparkEngine, start_session

    session = start_session(
        "winnow-tests",
        # Two attempts of a task: one test lets each of its tasks fail once.
        master="local[2,2]",
        driver_memory="2g",
        shuffle_partitions=4,
        small_data=True,
        # Compiling a plan takes longer than running it on a few rows; the demo runs compiled.
        settings={"spark.sql.codegen.wholeStage": "false"},
    )
    with SparkEngine(session) as spark_engine:
        yield spark_engine


@pytest.fixture(scope="session")
def spark(engine: "Engine") -> "SparkSession":
    """The session of the engine, in UTC."""
    return engine.spark


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The config of a small simulated funnel, which no test may change."""
    from tests.invariants.staged import write_logs

    return write_logs(tmp_path_factory.mktemp("funnel"))


@pytest.fixture(scope="session")
def staged(engine: "Engine", simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> "Staged":
    """What comes before the sampler, for the simulated funnel."""
    from tests.invariants.staged import stage

    folder = tmp_path_factory.mktemp("staged")
    return stage(engine.spark, engine.ship, simulated, folder, uuid.uuid4().hex)


ENGINE_FACING = ("contracts", "release")
"""Folders of tests that meet the engine itself; the others meet what is built on it."""


ON_BOTH = ("both_engines", "spark_only")
"""Marks of tests that are run on each engine; in other folders a file says so itself."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only tests of both engines are asked for, do not load files that have none."""
    of_both = str(config.getoption("markexpr")).startswith("both_engines")
    if not of_both or collection_path.is_dir() or collection_path.parent.name in ENGINE_FACING:
        return None
    text = collection_path.read_text(encoding="utf-8")
    return None if any(mark in text for mark in ON_BOTH) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what only the other engine has, and mark what must be run on both."""
    for item in items:
        if item.get_closest_marker("spark_only") or _meets_the_engine(item):
            item.add_marker(pytest.mark.both_engines)
        if item.get_closest_marker("spark_only") and TEST_ENGINE != "spark":
            item.add_marker(pytest.mark.skip(reason="of the spark engine only"))
        if item.get_closest_marker("connect_only") and TEST_ENGINE != "connect":
            item.add_marker(pytest.mark.skip(reason="of the connect engine only"))
        if item.get_closest_marker("sail_only") and TEST_ENGINE != "sail":
            item.add_marker(pytest.mark.skip(reason="of the sail engine only"))


def _meets_the_engine(item: pytest.Item) -> bool:
    """Return whether a test of such a folder has a session, and no other one stands for it."""
    if item.path.parent.name not in ENGINE_FACING or item.get_closest_marker("one_engine"):
        return False
    return not {"engine", "spark"}.isdisjoint(getattr(item, "fixturenames", ()))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the golden run write its expected tables again."""
    parser.addoption(
        "--regenerate-golden",
        action="store_true",
        help="write tests/golden/expected again from what is built now",
    )
