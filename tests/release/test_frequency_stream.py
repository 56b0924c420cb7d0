"""The running estimate by Structured Streaming says what the build says."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.errors import ConfigError, ReleaseError
from winnow.frequency.estimator import FrequencySettings, StreamingFrequency
from winnow.frequency.state import STATE, state_of
from winnow.release.frequency_stream import _tell, frequency_stream, kept_frequency, told_dates
from winnow.release.opening import open_release

from tests.e2e.test_streaming_frequency import DATES, build_dates, streaming, written


def settings_of(config: Config) -> FrequencySettings:
    assert config.in_batch is not None
    return config.in_batch.frequency


def told_by(spark: SparkSession, config: Config, folder: Path) -> None:
    query = frequency_stream(spark, Path(config.warehouse), folder, settings_of(config))
    query.awaitTermination()


def of_the_build(config: Config, day: date) -> list[dict[str, Any]]:
    rows = open_release(Path(config.warehouse), ds=day).arrow("frequency_state").to_table()
    order = [("array_no", "ascending"), ("bucket", "ascending")]
    found: list[dict[str, Any]] = rows.select(STATE.names).sort_by(order).to_pylist()
    return found


@pytest.fixture(scope="module")
def config(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """Three dates of logs, of which two are released."""
    base = tmp_path_factory.mktemp("streamed")
    written(base)
    made = streaming(base)
    build_dates(made, spark, *DATES[:2])
    yield made


@pytest.mark.spark_only
class DescribeTheStream:
    def it_ends_with_the_state_of_the_build(
        self, config: Config, spark: SparkSession, tmp_path: Path
    ) -> None:
        folder = tmp_path / "estimate"
        told_by(spark, config, folder)
        estimate = kept_frequency(folder, settings_of(config))
        assert state_of(estimate).to_pylist() == of_the_build(config, DATES[1])
        # Without anything new it stays, though Spark may give rows twice.
        rows = open_release(Path(config.warehouse), ds=DATES[1]).spark(spark, "training_samples")
        told_dates(rows, Path(config.warehouse), folder, settings_of(config), "bigint")
        told_by(spark, config, folder)
        again = kept_frequency(folder, settings_of(config))
        assert again.step == estimate.step > 0
        # A date that is new is told, and nothing else; one that is built again is not.
        build_dates(config, spark, DATES[2])
        build_dates(config.model_copy(update={"seed": 5}), spark, DATES[0])
        told_by(spark, config, folder)
        estimate = kept_frequency(folder, settings_of(config))
        assert state_of(estimate).to_pylist() == of_the_build(config, DATES[2])

    def it_tells_what_is_released_and_nothing_else(
        self, config: Config, spark: SparkSession, tmp_path: Path
    ) -> None:
        warehouse, settings = Path(config.warehouse), settings_of(config)
        rows = open_release(warehouse, ds=DATES[1]).spark(spark, "training_samples")
        with pytest.raises(ReleaseError, match="is not released"):
            told_dates(rows, tmp_path, tmp_path, settings, "bigint")
        assert kept_frequency(tmp_path, settings).step == 0
        # As where the date was built again before the query looked: others than those that came.
        told_dates(rows.limit(3), warehouse, tmp_path, settings, "bigint")
        batches = rows.where("split = 'train'").select("batch_id").distinct().count()
        assert kept_frequency(tmp_path, settings).step == batches > 0

    def it_passes_over_a_date_without_rows_of_train(self) -> None:
        frequency = StreamingFrequency(FrequencySettings(8))
        names = ("batch_id", "batch_rows", "item")
        _tell(frequency, pa.table({name: pa.array([], pa.int64()) for name in names}), DATES[0])
        assert frequency.step == 0


@pytest.mark.sail_only
class DescribeTheOtherEngine:
    def it_is_told_that_it_cannot(self, spark: SparkSession, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="only the engine spark"):
            frequency_stream(spark, tmp_path, tmp_path, FrequencySettings(8))
