from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.events import edge_cases
from tests.events.handmade import Built, build_day


@pytest.fixture(scope="session")
def edge_case_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("edge_cases")
    edge_cases.logs().write(base)
    return base


@pytest.fixture(scope="session")
def built(spark: SparkSession, edge_case_logs: Path) -> Built:
    """The day of ``edge_cases``, built once for all tests."""
    return build_day(edge_cases.settings(edge_case_logs), spark)
