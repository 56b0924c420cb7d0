"""One Spark session for all tests, started when the first test asks for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """A local session with Delta: two cores, four shuffle partitions, UTC."""
    from jobs.engine import start_session

    session = start_session(
        "winnow-tests",
        master="local[2]",
        driver_memory="2g",
        shuffle_partitions=4,
        small_data=True,
        # Compiling a plan takes longer than running it on a few rows; the demo runs compiled.
        settings={"spark.sql.codegen.wholeStage": "false"},
    )
    yield session
    session.stop()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the golden run write its expected tables again."""
    parser.addoption(
        "--regenerate-golden",
        action="store_true",
        help="write tests/golden/expected again from what is built now",
    )
