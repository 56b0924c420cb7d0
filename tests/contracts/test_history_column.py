"""A static list of a user's items in each row of the impressions, for ``exclusion.history``."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from winnow.contracts.log import Log
from winnow.contracts.rejected import rejected_rows
from winnow.errors import InputError
from winnow.events.events import history_events
from winnow.events.kinds import FORBIDDEN

from tests.contracts.logs_for_tests import (
    NOON_S,
    TODAY,
    config,
    impressions,
    opened,
    write,
    write_text,
)
from tests.near_equal import near_equal

LISTS: list[list[int] | None] = [[7, 8], [], None, [9]]
PACKED = {"kind": "delimited", "columns": ["item_id"], "delimiter": ","}


def written(base: Path, name: str, *, kind: pa.DataType | None = None) -> None:
    rows: list[dict[str, Any]] = [
        {"request_id": n, "user_id": 1 + n % 2, "ts": NOON_S, "item_id": "3,4", "seen": seen}
        for n, seen in enumerate(LISTS)
    ]
    place = base / "impressions" / name
    if name.endswith("tsv"):
        texts = [[*[*row.values()][:4], " ".join(map(str, row["seen"] or []))] for row in rows]
        lines = ["\t".join(map(str, text)) for text in texts]
        write_text(place, "\n".join(["\t".join(rows[0]), *lines, ""]))
    elif name.endswith("jsonl"):
        write_text(place, "".join(json.dumps(row) + "\n" for row in rows))
    else:
        lists = pa.array([row["seen"] for row in rows], pa.list_(pa.int64()))
        table = pa.Table.from_pylist(
            [{k: v for k, v in row.items() if k != "seen"} for row in rows]
        )
        write(place, table.append_column("seen", lists.cast(kind) if kind else lists))


def read(spark: SparkSession, base: Path, delimiter: str | None = None) -> tuple[Log, Any]:
    history = {"column": "seen", "delimiter": delimiter}
    settings = config(impressions(explode=PACKED), exclusion={"history": history})
    return opened(spark, settings, base), settings


class DescribeALongListOfAUser:
    @pytest.mark.parametrize(
        ("name", "delimiter", "kind"),
        [
            ("a.tsv", " ", None),
            ("a.parquet", None, pa.list_(pa.string())),
            *near_equal(("a.jsonl", None, None), ("a.parquet", None, None)),
        ],
    )
    def it_forbids_every_item_of_it_to_the_user(
        self, spark: SparkSession, tmp_path: Path, name: str, delimiter: Any, kind: Any
    ) -> None:
        written(tmp_path, name, kind=kind)
        log, settings = read(spark, tmp_path, delimiter)
        found = history_events(log.frame, settings).collect()
        assert sorted(map(tuple, found)) == [
            (1, 7, FORBIDDEN),
            (1, 8, FORBIDDEN),
            (2, 9, FORBIDDEN),
        ]
        # Of the two candidates of a request one row has the list, and none is rejected.
        assert log.frame.where("history != ''").count() == 2
        assert log.frame.where("valid").count() == 8

    def it_rejects_a_row_whose_list_holds_something_else(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = f"request_id\tuser_id\tts\titem_id\tseen\n1\t1\t{NOON_S}\t3\t7 N8\n"
        write_text(tmp_path / "impressions" / "a.tsv", text)
        log, _ = read(spark, tmp_path, " ")
        [bad] = rejected_rows(log, TODAY).collect()
        assert bad.reasons == ["unreadable: history holds what is no bigint, found '7 N8'"]

    @pytest.mark.one_engine
    def it_refuses_a_column_that_is_no_list(self, spark: SparkSession, tmp_path: Path) -> None:
        row = {"request_id": 1, "user_id": 1, "ts": NOON_S, "item_id": "3", "seen": 5}
        write(tmp_path / "impressions" / "a.parquet", pa.Table.from_pylist([row]))
        with pytest.raises(InputError, match="column seen is no list of item ids"):
            read(spark, tmp_path)

    @pytest.mark.one_engine
    def it_refuses_csv_without_a_delimiter(self, spark: SparkSession, tmp_path: Path) -> None:
        written(tmp_path, "a.tsv")
        with pytest.raises(InputError, match="column seen is no list of item ids"):
            read(spark, tmp_path)

    @pytest.mark.one_engine
    def it_refuses_text_without_a_delimiter(self, spark: SparkSession, tmp_path: Path) -> None:
        row = {"request_id": 1, "user_id": 1, "ts": NOON_S, "item_id": "3", "seen": "7 8"}
        write(tmp_path / "impressions" / "a.parquet", pa.Table.from_pylist([row]))
        with pytest.raises(InputError, match="column seen is no list of item ids"):
            read(spark, tmp_path)
