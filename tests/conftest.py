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
        "winnow-tests", master="local[2]", driver_memory="2g", shuffle_partitions=4
    )
    yield session
    session.stop()
