"""Fields of structs and of JSON objects as columns, in every kind of mapping."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from winnow.contracts.log import Log
from winnow.errors import InputError

from tests.contracts.logs_for_tests import (
    NOON_S,
    NOON_US,
    codes,
    config,
    impressions,
    opened,
    write,
    write_text,
)
from tests.near_equal import near_equal

KINDS = ("parquet", "json", *near_equal("delta", "dictionary"))
AT = {"column": "context.at", "unit": "s"}


def event(number: int, **more: Any) -> dict[str, Any]:
    user = {"id": 2, "device": {"id": f"d{number}", "os": "x"}}
    return {
        "request_id": 1,
        "user": user,
        "item": {"id": number},
        "context": {"at": NOON_S, "country": "DE"},
    } | more


DEVICE = pa.struct([("id", pa.string()), ("os", pa.string())])
SCHEMA = pa.schema(
    [
        ("request_id", pa.int64()),
        ("user", pa.struct([("id", pa.int64()), ("device", DEVICE)])),
        ("item", pa.struct([("id", pa.int64())])),
        ("context", pa.struct([("at", pa.int64()), ("country", pa.string())])),
    ]
)


def write_events(kind: str, home: Path, events: list[dict[str, Any]]) -> None:
    if kind == "json":
        text = "".join(json.dumps(line) + "\n" for line in events)
        write_text(home / "impressions" / "a.jsonl", text)
        return
    schema = SCHEMA
    if kind == "dictionary":
        country = pa.dictionary(pa.int32(), pa.string())
        context = pa.struct([("at", pa.int64()), ("country", country)])
        schema = SCHEMA.set(3, pa.field("context", context))
    table = pa.Table.from_pylist(events, schema=schema)
    if kind == "delta":
        write_deltalake(str(home / "impressions"), table)
    else:
        write(home / "impressions" / "a.parquet", table)


def found(log: Log, *columns: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in log.frame.select(*columns).collect())


@pytest.mark.parametrize("kind", KINDS)
class DescribeNestedFields:
    def it_reads_them_like_columns(self, spark: SparkSession, tmp_path: Path, kind: str) -> None:
        write_events(kind, tmp_path, [event(3), event(4)])
        columns = {"user_id": "user.id", "item_id": "item.id", "impression_ts": AT}
        log = opened(spark, config(impressions(columns=columns)), tmp_path)
        assert found(log, "user_id", "item_id", "event_us", "valid") == [
            (2, 3, NOON_US, True),
            (2, 4, NOON_US, True),
        ]

    def it_gives_null_where_an_object_on_the_way_is_missing(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        write_events(kind, tmp_path, [event(3), event(4, user=None), event(5, item=None)])
        columns = {"user_id": "user.id", "item_id": "item.id", "impression_ts": AT}
        log = opened(spark, config(impressions(columns=columns)), tmp_path)
        ids = {tuple(row) for row in log.frame.select("user_id", "item_id").collect()}
        assert ids == {(2, 3), (None, 4), (2, None)}
        assert sorted(codes(log)) == [[], ["missing"], ["missing"]]

    def it_takes_them_in_first_of_concat_where_and_carry(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        abroad = {"at": NOON_S, "country": "FR"}
        write_events(kind, tmp_path, [event(3), event(4, context=abroad), event(5, user=None)])
        columns = {
            "user_id": {"first_of": ["user.device.id", "item.id"]},
            "request_id": {"concat": ["context.country", "item.id"]},
            "item_id": "item.id",
            "impression_ts": AT,
            "os": "user.device.os",
        }
        settings = config(
            impressions(columns=columns, where={"context.country": ["DE"]}),
            ids={"user": "string", "request": "string", "impression": "string"},
            carry=["os"],
        )
        log = opened(spark, settings, tmp_path)
        assert dict(log.carry) == {"os": "string"}
        names = ("item_id", "user_id", "request_id", "os", "filtered")
        rows = {row.item_id: tuple(row)[1:] for row in log.frame.select(*names).collect()}
        assert rows == {
            3: ("d3", "DE|3", "x", False),
            4: ("d4", "FR|4", "x", True),
            5: ("5", "DE|5", None, False),
        }

    @pytest.mark.one_engine
    def it_names_the_nearest_field_where_one_is_missing(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        write_events(kind, tmp_path, [event(3)])
        columns = {"user_id": "user.uid", "item_id": "item.id", "impression_ts": AT}
        with pytest.raises(InputError, match=r"column user\.uid is missing, found user\.id"):
            opened(spark, config(impressions(columns=columns)), tmp_path)

    def it_reads_candidates_and_their_fields_at_any_depth(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        inner = pa.struct([("item", pa.struct([("id", pa.int64())])), ("score", pa.float64())])
        schema = pa.schema(
            [
                ("request_id", pa.int64()),
                ("who", pa.struct([("user", pa.struct([("id", pa.int64())]))])),
                ("payload", pa.struct([("shown", pa.list_(inner)), ("at", pa.int64())])),
            ]
        )
        shown: list[dict[str, Any] | None] = [
            {"item": {"id": 3}, "score": 1.0},
            {"item": None, "score": 2.0},
            {"item": {"id": 5}, "score": 3.0},
        ]
        payload = {"shown": shown, "at": NOON_S}
        events = [{"request_id": 1, "who": {"user": {"id": 2}}, "payload": payload}]
        if kind == "json":
            write_text(tmp_path / "impressions" / "a.jsonl", json.dumps(events[0]) + "\n")
        elif kind == "delta":
            write_deltalake(
                str(tmp_path / "impressions"), pa.Table.from_pylist(events, schema=schema)
            )
        else:
            table = pa.Table.from_pylist(events, schema=schema)
            write(tmp_path / "impressions" / "a.parquet", table)
        columns = {
            "user_id": "who.user.id",
            "item_id": "payload.shown.item.id",
            "impression_ts": {"column": "payload.at", "unit": "s"},
        }
        explode = {"kind": "structs", "columns": ["payload.shown"]}
        log = opened(spark, config(impressions(columns=columns, explode=explode)), tmp_path)
        rows = log.frame.orderBy("position").select("position", "user_id", "item_id", "event_us")
        assert [tuple(row) for row in rows.collect()] == [
            (1, 2, 3, NOON_US),
            (2, 2, None, NOON_US),
            (3, 2, 5, NOON_US),
        ]


class DescribeNamesWithDots:
    @pytest.mark.parametrize("kind", ["parquet", *near_equal("json")])
    def it_prefers_the_column_of_that_name(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        line = {"request_id": 1, "user_id": 2, "item.id": 3, "item": {"id": 4}, "ts": NOON_S}
        if kind == "json":
            write_text(tmp_path / "impressions" / "a.jsonl", json.dumps(line) + "\n")
        else:
            write(tmp_path / "impressions" / "a.parquet", pa.Table.from_pylist([line]))
        log = opened(spark, config(impressions(columns={"item_id": "item.id"})), tmp_path)
        assert found(log, "item_id", "valid") == [(3, True)]

    @pytest.mark.parametrize("kind", ["parquet", *near_equal("json")])
    def it_finds_a_field_whose_own_name_has_a_dot(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        line = {"request_id": 1, "user_id": 2, "a.b": {"c.d": 3}, "a": {"b": 1}, "ts": NOON_S}
        if kind == "json":
            write_text(tmp_path / "impressions" / "a.jsonl", json.dumps(line) + "\n")
        else:
            write(tmp_path / "impressions" / "a.parquet", pa.Table.from_pylist([line]))
        log = opened(spark, config(impressions(columns={"item_id": "a.b.c.d"})), tmp_path)
        assert found(log, "item_id", "valid") == [(3, True)]


class DescribeStructsThatDiffer:
    @pytest.mark.parametrize("turned", [False, True])
    def it_reads_a_field_that_all_have_though_they_differ_elsewhere(
        self, spark: SparkSession, tmp_path: Path, turned: bool
    ) -> None:
        lines = [{"id": 3}, {"id": 4, "more": "x"}]
        for name, item in zip("ab", lines[::-1] if turned else lines, strict=True):
            row = {"request_id": 1, "user_id": 2, "item": item, "ts": NOON_S}
            write(tmp_path / "impressions" / f"{name}.parquet", pa.Table.from_pylist([row]))
        log = opened(spark, config(impressions(columns={"item_id": "item.id"})), tmp_path)
        assert found(log, "item_id", "valid") == [(3, True), (4, True)]

    def it_reads_a_field_beside_one_that_no_engine_reads(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        kind = pa.struct([("big", pa.uint64()), ("id", pa.int64())])
        item = pa.array([{"big": 2**64 - 1, "id": 3}, None], kind)
        ids = pa.array([1, 1], pa.int64())
        ts = pa.array([NOON_S] * 2, pa.int64())
        table = pa.table({"request_id": ids, "user_id": ids, "item": item, "ts": ts})
        write(tmp_path / "impressions" / "a.parquet", table)
        settings = config(impressions(columns={"item_id": "item.id"}))
        items = {row.item_id for row in opened(spark, settings, tmp_path).frame.collect()}
        assert items == {3, None}
        with pytest.raises(InputError, match=r"item\.big with a type that engines cannot read"):
            opened(spark, config(impressions(columns={"item_id": "item.big"})), tmp_path)

    @pytest.mark.one_engine
    @pytest.mark.parametrize(
        ("item", "message"),
        [
            ({"id": "4"}, r"column item\.id has different types: bigint"),
            ({"other": 4}, r"column item\.id is missing, though other files have it"),
        ],
    )
    def it_names_a_field_that_differs_between_files(
        self, spark: SparkSession, tmp_path: Path, item: dict[str, Any], message: str
    ) -> None:
        for name, found_item in (("a", {"id": 3}), ("b", item)):
            row = {"request_id": 1, "user_id": 2, "item": found_item, "ts": NOON_S}
            write(tmp_path / "impressions" / f"{name}.parquet", pa.Table.from_pylist([row]))
        with pytest.raises(InputError, match=message):
            opened(spark, config(impressions(columns={"item_id": "item.id"})), tmp_path)

    @pytest.mark.one_engine
    def it_refuses_fields_that_differ_only_in_case(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        row = {"request_id": 1, "user_id": 2, "item": {"id": 3, "ID": 4}, "ts": NOON_S}
        write(tmp_path / "impressions" / "a.parquet", pa.Table.from_pylist([row]))
        with pytest.raises(InputError, match=r"differ only in case.*item\.id.*item\.ID"):
            opened(spark, config(impressions(columns={"item_id": "item.id"})), tmp_path)
