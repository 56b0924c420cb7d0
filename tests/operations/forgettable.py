"""Releases with rows of one user whose id is a rare text, in every table that may hold users."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from pyspark.sql import SparkSession
from winnow.config.tree import STATE_TABLES, TABLES, Ids
from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract, table_contract
from winnow.operations.forgetting.erased_users import columns_to_look_at
from winnow.release.commits import new_run_id
from winnow.release.promotion import Published, publish
from winnow.release.release import RunRecord, StateBefore
from winnow.release.store import Store

from tests.release.things import MONDAY, TUESDAY

WHO, OTHER = "zoë.qx7-1.x", "zoë.qx7-2.x"
ABSENT = "zoë.qx7-99.x"
USERS = 12
TEXT_IDS = Ids(user="string", item="bigint", request="bigint", impression="string")
NUMBER_IDS = Ids()
SOME = ("positives", "rejected", "training_samples")
CONFIG = json.dumps({"logs": {"clicks": {"columns": {"user_id": {"first_of": ["uid", "did"]}}}}})


def tables_with_users() -> tuple[str, ...]:
    return tuple(table for table in (*TABLES, *STATE_TABLES) if columns_to_look_at(table))


def release_rows(
    store: Store,
    spark: SparkSession,
    day: date,
    seed: int,
    *,
    ids: Ids = TEXT_IDS,
    users: Sequence[int] = range(1, USERS + 1),
    tables: Sequence[str] = SOME,
    quality: str = "{}",
    goes_on_from: tuple[StateBefore, ...] = (),
) -> Published:
    """Release random rows of some tables, and of item_stats, which holds no users."""
    since, draw = store.releases_snapshot(), Random(seed)
    run = RunRecord(
        new_run_id(), day, "c1", CONFIG, "0.1.0", "{}", quality, goes_on_from=goes_on_from
    )
    staged = {}
    for table in (*tables, "item_stats"):
        contract = table_contract(table).resolved(ids)
        rows = [_row(contract, draw, day, user) for user in users for _ in range(3)]
        # One file of each table, whatever the cores of the engine: some tests look into it.
        frame = spark.createDataFrame(rows, spark_schema(contract)).coalesce(1)
        staged[table] = store.stage(frame, contract, run.run_id)
    return publish(store, staged, run, since)


def release_thrice(store: Store, spark: SparkSession, tables: Sequence[str] = SOME) -> None:
    """Monday twice, Tuesday once; the record of the audit of the first one names the user."""
    record = {"gates": [{"detail": f"user '{WHO}' has 9 of 90 rows"}, {"detail": f"{OTHER} has 2"}]}
    release_rows(store, spark, MONDAY, 1, tables=tables, quality=json.dumps(record))
    release_rows(store, spark, MONDAY, 2, tables=tables)
    release_rows(store, spark, TUESDAY, 3, tables=tables)


def name_of(user: int, ids: Ids) -> Any:
    return f"zoë.qx7-{user}.x" if ids.user == "string" else user


def _row(contract: TableContract, draw: Random, day: date, user: int) -> tuple[Any, ...]:
    in_texts = any(one.name == "user_id" and one.type == "string" for one in contract.columns)
    name = name_of(user, TEXT_IDS if in_texts or contract.table == "rejected" else NUMBER_IDS)
    own = {"ds": day, "user_id": name, "log": "clicks", "raw": _raw(draw, name)}
    own |= {"split": draw.choice(["train", "valid", "test"])}
    return tuple(
        own[one.name] if one.name in own else _value(one.type, draw, one.nullable)
        for one in contract.columns
    )


def _raw(draw: Random, name: str) -> str:
    """A row with columns, or a line that could not be read."""
    row = {"uid": None, "did": name, "item": draw.randrange(9)}
    return draw.choice([json.dumps(row, ensure_ascii=False), f"7;{name};{draw.randrange(9)};?"])


def _value(kind: str, draw: Random, nullable: bool) -> Any:
    if nullable and draw.random() < 0.3:
        return None
    if kind.startswith("array<"):
        return [_value(kind[6:-1], draw, False) for _ in range(draw.randrange(4))]
    if bits := {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}.get(kind):
        return draw.randrange(2**bits)
    if kind in ("float", "double"):
        return draw.gauss(0, 1)
    if kind == "string":
        return draw.choice(["click", "cart", "an épée"])
    if kind == "boolean":
        return draw.random() < 0.5
    if kind == "date":
        return MONDAY
    assert kind == "timestamp", kind
    return datetime.fromtimestamp(draw.randrange(10**9), UTC)
