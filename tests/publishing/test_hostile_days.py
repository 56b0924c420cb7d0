"""A day that is no plain date reaches no predicate and no table."""

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession

from pipelines.errors import ConfigError
from pipelines.publishing.commits import day_predicate
from pipelines.publishing.promotion import publish
from pipelines.publishing.store import Store
from tests.publishing.released import LABEL, marks
from tests.publishing.things import MONDAY, THINGS, Run, thing, things


class DescribeHostileDays:
    @pytest.mark.parametrize(
        "day",
        ["2026-01-05' OR '1'='1", "2026-01-05", datetime(2026, 1, 5, tzinfo=UTC), None, 20260105],
    )
    def it_builds_a_predicate_from_a_date_only(self, day: object) -> None:
        with pytest.raises(ConfigError, match="a partition is named by a plain date only"):
            day_predicate(day)  # type: ignore[arg-type]

    def it_names_the_date_in_the_predicate(self) -> None:
        assert day_predicate(date(2026, 1, 5)) == "ds = DATE '2026-01-05'"

    def it_refuses_to_publish_or_promote_one(self, spark: SparkSession, store: Store) -> None:
        hostile = "2026-01-05' OR '1'='1"
        run = Run(store, hostile)  # type: ignore[arg-type]
        with pytest.raises(ConfigError):
            publish(store, {}, run.record, run.since)
        staged = store.stage(things(spark, thing(1)), THINGS, "run1")
        with pytest.raises(ConfigError):
            store.promote(staged, hostile, LABEL)  # type: ignore[arg-type]
        with pytest.raises(ConfigError):
            store.read_version("things", 1, hostile)  # type: ignore[arg-type]
        assert marks(store, MONDAY) == {"a"}
