"""Candidates as parallel arrays of JSON lines, in which every value is text until it is read."""

import json
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from winnow.contracts.rows import valid_rows

from tests.contracts.logs_for_tests import NOON_S, config, impressions, opened, write_text


class DescribeArraysOfJson:
    def it_explodes_them_as_those_of_parquet(self, spark: SparkSession, tmp_path: Path) -> None:
        shown: list[tuple[Any, Any]] = [([5, "7"], [4, None]), ([8, 9], [1]), (None, None)]
        lines = [
            json.dumps({"request_id": 1, "user_id": 2, "shown": a, "places": b, "ts": NOON_S})
            for a, b in shown
        ]
        write_text(tmp_path / "impressions" / "a.jsonl", "\n".join(lines))
        explode = {"kind": "arrays", "columns": ["shown", "places"]}
        columns = {"item_id": "shown", "position": "places"}
        log = opened(spark, config(impressions(columns=columns, explode=explode)), tmp_path)
        found = valid_rows(log).select("item_id", "position").collect()
        assert sorted(found, key=lambda row: row.item_id) == [(5, 4), (7, None)]
        reasons = [r.reject_reasons for r in log.frame.collect() if r.reject_reasons]
        assert sorted(reasons) == [
            ["missing: the list of candidates is NULL or empty"],
            ["unreadable: parallel lists have the lengths 2, 1"],
        ]
