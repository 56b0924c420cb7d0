"""A day that is no plain date names no partition and reaches no table."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession
from winnow.errors import ConfigError
from winnow.release.commits import require_date
from winnow.release.promotion import publish
from winnow.release.store import Store

from tests.release.released import LABEL, marks
from tests.release.things import MONDAY, THINGS, Run, thing, things

# Refused before an engine is asked.
pytestmark = pytest.mark.one_engine


class DescribeHostileDays:
    @pytest.mark.fault(22)
    @pytest.mark.parametrize(
        "day",
        ["2026-01-05' OR '1'='1", "2026-01-05", datetime(2026, 1, 5, tzinfo=UTC), None, 20260105],
    )
    def it_takes_a_plain_date_only(self, day: object) -> None:
        assert require_date(MONDAY) == MONDAY
        with pytest.raises(ConfigError, match="a partition is named by a plain date only"):
            require_date(day)  # type: ignore[arg-type]

    @pytest.mark.fault(22)
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
