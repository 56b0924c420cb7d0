"""What a column means does not depend on where in the files it first occurs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.contracts.rows import valid_rows
from winnow.errors import InputError
from winnow.logs.text.json_keys import KeySearch

from tests.contracts.logs_for_tests import (
    NOON_S,
    config,
    impressions,
    opened,
    rows,
    write,
    write_text,
)
from tests.near_equal import near_equal

MANY = 150
LATE = {"request_id": 2, "user_id": 2, "item_id": 999, "ts": NOON_S}

Row = dict[str, Any]


def plain(n: int) -> Row:
    return {"request_id": 1, "user_id": 2, "item_id": n, "ts": NOON_S}


def lines(*found: Row) -> str:
    return "".join(json.dumps(row) + "\n" for row in found)


def first(found: list[Row]) -> dict[str, str]:
    return {"a.jsonl": lines(*found[::-1])}


def last(found: list[Row]) -> dict[str, str]:
    return {"a.jsonl": lines(*found)}


def alone(found: list[Row]) -> dict[str, str]:
    return {"a.jsonl": lines(*found[:-1]), "b.jsonl.gz": lines(found[-1])}


@pytest.mark.parametrize("place", [last, *near_equal(first, alone)])
class DescribeKeysOfJsonLines:
    def it_finds_what_nobody_named(
        self, spark: SparkSession, tmp_path: Path, place: Callable[[list[Row]], dict[str, str]]
    ) -> None:
        self._write(tmp_path, place, {"viewed": True, "position": 7})
        log = opened(spark, config(impressions()), tmp_path)
        assert {"viewed", "position"} <= log.mapped
        assert "impression_id" not in log.mapped
        found = valid_rows(log).select("item_id", "viewed", "position").collect()
        assert len(found) == MANY
        assert [row for row in found if row.item_id == 999] == [(999, True, 7)]
        assert {(row.viewed, row.position) for row in found if row.item_id != 999} == {(None, None)}

    def it_finds_what_is_mapped_carried_and_filtered(
        self, spark: SparkSession, tmp_path: Path, place: Callable[[list[Row]], dict[str, str]]
    ) -> None:
        self._write(tmp_path, place, {"scène": "home", "slot": 3, "user": {"id": 7}})
        settings = config(
            impressions(columns={"position": "slot"}, where={"scène": ["home"]}), carry=["slot"]
        )
        log = opened(spark, settings, tmp_path)
        kept = log.frame.where("NOT filtered").select("item_id", "position", "slot").collect()
        assert kept == [(999, 3, "3")]

    @pytest.mark.one_engine
    def it_refuses_what_no_line_has(
        self, spark: SparkSession, tmp_path: Path, place: Callable[[list[Row]], dict[str, str]]
    ) -> None:
        # As a value, within a value, with another ending: never as a key of the line.
        more = {"a": "slot", "b": {"c": {"slot": 1}}, "slots": 1, "d": '"slot": 1'}
        self._write(tmp_path, place, more)
        with pytest.raises(InputError, match="column slot is missing"):
            opened(spark, config(impressions(columns={"position": "slot"})), tmp_path)

    def it_finds_fields_of_candidates(
        self, spark: SparkSession, tmp_path: Path, place: Callable[[list[Row]], dict[str, str]]
    ) -> None:
        def request(n: int, **more: Any) -> Row:
            shown = [{"item_id": n, "tags": ["x]"]}, {"item_id": 500 + n, **more}]
            return {"request_id": n, "user_id": 2, "ts": NOON_S, "shown": shown}

        every = [*(request(n) for n in range(MANY - 1)), request(MANY, position=9)]
        for name, text in place(every).items():
            write_text(tmp_path / "impressions" / name, text)
        explode = {"kind": "structs", "columns": ["shown"]}
        log = opened(spark, config(impressions(explode=explode)), tmp_path)
        found = valid_rows(log).select("item_id", "position").collect()
        assert len(found) == 2 * MANY
        assert [row for row in found if row.position is not None] == [(500 + MANY, 9)]

    @staticmethod
    def _write(
        tmp_path: Path, place: Callable[[list[Row]], dict[str, str]], more: dict[str, Any]
    ) -> None:
        every = [*(plain(n) for n in range(MANY - 1)), LATE | more]
        for name, text in place(every).items():
            write_text(tmp_path / "impressions" / name, text)


class DescribeSearchForKeys:
    @pytest.mark.parametrize(
        ("line", "name"),
        [
            (r'{"viewed":1}', "viewed"),
            ('{"a": 1, "viewed" \t: null}', "viewed"),
            (r'{"vi\u0065wed": 1}', "viewed"),
            (r'{"Titel \u00DCber": 1}', "Titel Über"),
            ('{"Titel Über": 1}', "Titel Über"),
            (r'{"a\/b": 1}', "a/b"),
            (r'{"a\"b": 1}', 'a"b'),
            ('{"a": {"b": 1}, "c": [1, "]"], "viewed": 1}', "viewed"),
            ('{"a": {"b": {"c": 1}}, "viewed": 1}', "viewed"),
            ('{"a": [{"b": [1]}, "x"], "d": {}, "viewed": 1}', "viewed"),
            ('  {"a": "}\\"{", "viewed": 1}', "viewed"),
            ('{"user": {"id": 1}}', "user.id"),
            ('{"user.id": 1}', "user.id"),
            ('{"shown": [{"x": "]"}, {"id": 1}]}', "shown.id"),
            ('{"shown": [{"x": [1]}, {"id": 1}]}', "shown.id"),
        ],
    )
    def it_finds_a_key_however_it_is_written(self, line: str, name: str) -> None:
        search = KeySearch([name, "never"], ["shown"])
        nested = {"id": 1, "shown": [{"x": 1}], "of": {"viewed": 1, "list": [{"viewed": 1}]}}
        filler = f"{json.dumps(nested)}\nno JSON\n".encode() * 500
        search.look_through(filler)
        assert search.missing == {name, "never"}
        search.look_through(filler + line.encode() + b"\n")
        assert (search.found, search.missing) == ({name}, {"never"})


class DescribeColumnsOfSomeFiles:
    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def it_reads_null_where_absence_means_null(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        self._write(tmp_path, kind, "position", [7])
        log = opened(spark, config(impressions()), tmp_path)
        found = valid_rows(log).select("item_id", "position").collect()
        assert sorted(found) == [(3, None), (4, 7), (5, None)]

    @pytest.mark.one_engine
    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    @pytest.mark.parametrize(
        ("name", "value", "settings", "carry"),
        [
            ("viewed", True, {}, []),
            ("impression_id", "x", {}, []),
            ("position", 7, {"columns": {"position": "position"}}, []),
            ("position", 7, {"where": {"position": [7]}}, []),
            ("scene", 7, {}, ["scene"]),
        ],
    )
    def it_refuses_what_is_named_or_means_something_by_its_absence(
        self, spark: SparkSession, tmp_path: Path, kind: str, name: str, value: Any,
        settings: dict[str, Any], carry: list[str],
    ) -> None:  # fmt: skip
        self._write(tmp_path, kind, name, [value])
        with pytest.raises(InputError, match=f"column {name} is missing, though other files have"):
            opened(spark, config(impressions(**settings), carry=carry), tmp_path)

    @staticmethod
    def _write(tmp_path: Path, kind: str, name: str, values: list[Any]) -> None:
        for n, file in enumerate("abc"):
            table = rows((1, 2, 3 + n, NOON_S))
            if file == "b":
                table = table.append_column(name, pa.array(values))
            path = tmp_path / "impressions" / f"{file}.{kind}"
            if kind == "parquet":
                write(path, table)
            else:
                body = [table.column_names, *(row.values() for row in table.to_pylist())]
                write_text(path, "".join(",".join(map(str, line)) + "\n" for line in body))
