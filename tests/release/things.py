"""Two small tables and the runs that publish them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.engine.choice import engine_of
from winnow.release import promotion
from winnow.release.commits import Label, new_run_id
from winnow.release.promotion import Published, publish
from winnow.release.release import Release, RunRecord
from winnow.release.releases import ReleasesSnapshot
from winnow.release.staged_table import StagedTable
from winnow.release.staging import drop_staging
from winnow.release.store import Store
from winnow.storage.object_path import Place

MONDAY = date(2026, 1, 5)
TUESDAY = date(2026, 1, 6)
NOON = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)


def contract(table: str, *columns: tuple[str, str, bool], key: str) -> TableContract:
    return TableContract.model_validate(
        {
            "table": table,
            "kind": "published",
            "grain": f"one {key}",
            "key": ("ds", key),
            "partition": "ds",
            "columns": tuple(
                {"name": name, "type": kind, "nullable": nullable, "meaning": name}
                for name, kind, nullable in (("ds", "date", False), *columns)
            ),
        }
    )


THINGS = contract(
    "things",
    ("id", "bigint", False),
    ("name", "string", True),
    ("nick", "string", True),
    ("score", "double", True),
    ("left", "array<bigint>", False),
    ("right", "array<bigint>", False),
    ("log_q", "array<double>", False),
    ("seen_ts", "timestamp", True),
    ("shuffle_key", "bigint", False),
    key="id",
)
STATS = contract("stats", ("item_id", "bigint", False), ("q", "double", False), key="item_id")


def thing(
    id: int,
    *,
    day: date = MONDAY,
    name: str | None = "a",
    nick: str | None = None,
    score: float | None = 0.5,
    left: tuple[int | None, ...] = (1, 2),
    right: tuple[int | None, ...] = (3,),
    log_q: tuple[float | None, ...] = (-1.5, None),
) -> tuple[object, ...]:
    return (
        day, id, name, nick, score, list(left), list(right), list(log_q), NOON, id * 7919 % 1013,
    )  # fmt: skip


def things(spark: SparkSession, *rows: tuple[object, ...]) -> DataFrame:
    return spark.createDataFrame(list(rows), spark_schema(THINGS))


def stats(spark: SparkSession, day: date, items: int, q: float = 0.25) -> DataFrame:
    rows = [(day, item, q) for item in range(items)]
    return spark.createDataFrame(rows, spark_schema(STATS))


@contextmanager
def watched(store: Store, after: Callable[[str], None]) -> Iterator[Store]:
    """Give a store that tells of each step of publishing when it is done.

    The steps are ``promoted:<table>``, ``released``, ``read_back`` and ``staging_dropped``.
    """

    class Watched(type(store)):  # type: ignore[misc]
        def promote(self, staged: StagedTable, day: date, label: Label) -> int:
            version: int = super().promote(staged, day, label)
            after(f"promoted:{staged.contract.table}")
            return version

        def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
            super().append_release(release, snapshot)
            after("released")

    def drop(warehouse: Path, run_id: str) -> None:
        after("read_back")
        drop_staging(warehouse, run_id)
        after("staging_dropped")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(promotion, "drop_staging", drop)
        yield Watched(store.spark, store.warehouse)


class Run:
    """One process that builds one date: its start, what it stages, its publishing."""

    def __init__(
        self, store: Store, day: date = MONDAY, mark: str = "a", config: str = "c1"
    ) -> None:
        self.store = store
        self.record = RunRecord(
            run_id=new_run_id(),
            day=day,
            config_hash=config,
            config_json='{"k":1}',
            code_version="0.1.0",
            inputs_json='{"clicks":{"read":3}}',
        )
        self.since: ReleasesSnapshot = store.releases_snapshot()
        self.mark = mark

    def stage(self, spark: SparkSession, rows: int = 5) -> Mapping[str, StagedTable]:
        made = [thing(i, day=self.record.day, name=self.mark) for i in range(rows)]
        frames = [
            (things(spark, *made), THINGS),
            (stats(spark, self.record.day, 3, 0.5 if self.mark == "a" else 0.25), STATS),
        ]
        run_id = self.record.run_id
        return {c.table: self.store.stage(f, c, run_id) for f, c in frames}

    def publish(
        self, staged: Mapping[str, StagedTable], after: Callable[[str], None] | None = None
    ) -> Published:
        """Publish; ``after`` is called with the name of each step when it is done."""
        if after is None:
            return publish(self.store, staged, self.record, self.since)
        with watched(self.store, after) as store:
            return publish(store, staged, self.record, self.since)

    def go(self, spark: SparkSession, rows: int = 5) -> Published:
        return self.publish(self.stage(spark, rows))


def store_of(spark: SparkSession, warehouse: Place) -> Store:
    """The store that belongs to the engine of the session."""
    return engine_of(spark).store(warehouse, retention_days=400)
