"""What a newcomer sees first: simulated logs as the command makes them, and the build of a date."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.building.progress import Progress
from winnow.cli.simulate import run_simulation
from winnow.config.loading import load_config

from tests.events.handmade import Built, build_day


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    size = {"users": 200, "items": 400, "requests_per_day": 200}
    out: Path = tmp_path_factory.mktemp("newcomer")
    simulated = run_simulation({"out": out, **size}, Progress(quiet=True))
    config = load_config(simulated["config"])
    return build_day(config, spark, date.fromisoformat(simulated["days"][0]))


class DescribeSimulatedLogsWithoutFurtherWords:
    def it_builds_them_without_a_warning(self, built: Built) -> None:
        assert built.summary.warnings == ()

    def it_draws_by_popularity(self, built: Built) -> None:
        weights = {row["weight"] for row in built.tables["item_stats"]}
        assert len(weights) > 5

    def it_thins_what_is_hot(self, built: Built) -> None:
        assert min(row["keep_prob"] for row in built.tables["positives"]) < 1.0
