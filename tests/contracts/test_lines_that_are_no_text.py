"""Lines with bytes that cannot be decoded: rejected, and yet they tell what a user was shown."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.contracts.log import Log
from winnow.contracts.rows import readable_rows, valid_rows

from tests.contracts.logs_for_tests import (
    NOON_S,
    NOON_US,
    config,
    impressions,
    opened,
    write_text,
)
from tests.contracts.text_logs import rejected

# Lines are taken apart by the same Python code on every engine.
pytestmark = pytest.mark.one_engine

NAMES = ("request_id", "user_id", "item_id", "ts", "city")
HEADER = ",".join(NAMES) + "\n"


def csv(*values: object) -> str:
    return ",".join(map(str, values)) + "\n"


def json(*values: object) -> str:
    fields = (f'"{name}": "{value}"' for name, value in zip(NAMES, values, strict=True))
    return "{" + ", ".join(fields) + "}\n"


def read(spark: SparkSession, base: Path, **rest: Any) -> Log:
    return opened(spark, config(impressions(**rest), carry=["city"]), base)


def shown(log: Log) -> list[tuple[Any, ...]]:
    """What a user was shown, whose item and time can be read."""
    columns = ("user_id", "item_id", "event_us", "city")
    valid = {row.item_id for row in valid_rows(log).collect()}
    rows = readable_rows(log).select(*columns).collect()
    return sorted((*row, row.item_id in valid) for row in rows)


class DescribeLinesThatAreNoText:
    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def it_rejects_them_and_keeps_what_can_be_read(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        line = csv if kind == "csv" else json
        text = line(1, 2, 3, NOON_S, "Bonn") + line(1, 2, 4, NOON_S, "Köln")
        text = (HEADER if kind == "csv" else "") + text
        write_text(tmp_path / "impressions" / f"a.{kind}", text.encode("latin-1"))
        log = read(spark, tmp_path)
        assert shown(log) == [(2, 3, NOON_US, "Bonn", True), (2, 4, NOON_US, None, False)]
        assert set(rejected(log).values()) == {"unreadable: the line is not UTF-8"}

    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def it_does_so_where_the_line_is_of_another_encoding(
        self, spark: SparkSession, tmp_path: Path, kind: str
    ) -> None:
        line = csv if kind == "csv" else json
        text = line(1, 2, 3, NOON_S, "Bonn") + line(1, 2, 4, NOON_S, "K?ln")
        text = (HEADER if kind == "csv" else "") + text
        body = text.encode("utf-16-le").replace(b"?\0", b"\x00\xd8")
        write_text(tmp_path / "impressions" / f"a.{kind}", b"\xff\xfe" + body)
        log = read(spark, tmp_path)
        assert shown(log) == [(2, 3, NOON_US, "Bonn", True), (2, 4, NOON_US, None, False)]
        assert set(rejected(log).values()) == {"unreadable: the line is not UTF-16"}

    def it_takes_no_id_of_which_a_part_could_not_be_decoded(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = HEADER + csv(1, "2é", 3, NOON_S, "Bonn") + csv(1, 2, "4é", NOON_S, "Bonn")
        write_text(tmp_path / "impressions" / "a.csv", text.encode("latin-1"))
        log = read(spark, tmp_path)
        assert shown(log) == []
        assert len(rejected(log)) == 2

    def it_keeps_all_items_of_a_list(self, spark: SparkSession, tmp_path: Path) -> None:
        text = HEADER + csv(1, 2, "3|4", NOON_S, "Köln")
        write_text(tmp_path / "impressions" / "a.csv", text.encode("latin-1"))
        explode = {"kind": "delimited", "columns": ["item_id"], "delimiter": "|"}
        log = read(spark, tmp_path, explode=explode)
        assert shown(log) == [(2, 3, NOON_US, None, False), (2, 4, NOON_US, None, False)]

    def it_has_nothing_of_a_line_that_is_no_record_either(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = HEADER + "1,2,3,Köln\n"
        write_text(tmp_path / "impressions" / "a.csv", text.encode("latin-1"))
        log = read(spark, tmp_path)
        assert shown(log) == []
        assert set(rejected(log).values()) == {"unreadable: the line is not UTF-8"}
