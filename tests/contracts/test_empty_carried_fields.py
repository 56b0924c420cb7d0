"""Carried columns of text logs: a field of CSV that is empty says nothing, a text of JSON does."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.contracts.rows import valid_rows

from tests.contracts.logs_for_tests import NOON_S, config, impressions, opened, write_text

_CSV = f'request_id,user_id,item_id,ts,city\n1,2,3,{NOON_S},\n1,2,4,{NOON_S},""\n1,2,5,{NOON_S},-\n'
_LINE = '{{"request_id": 1, "user_id": 2, "item_id": {}, "ts": {}{}}}\n'
_JSON = "".join(
    _LINE.format(item, NOON_S, city)
    for item, city in ((3, ""), (4, ', "city": ""'), (5, ', "city": null'))
)


@pytest.mark.parametrize(
    ("name", "text", "cities"),
    [
        ("a.csv", _CSV, {3: None, 4: None, 5: "-"}),
        ("a.jsonl", _JSON, {3: None, 4: "", 5: None}),
    ],
)
def it_is_null_where_a_field_of_csv_is_empty(
    spark: SparkSession, tmp_path: Path, name: str, text: str, cities: dict[int, str | None]
) -> None:
    write_text(tmp_path / "impressions" / name, text)
    log = opened(spark, config(impressions(), carry=["city"]), tmp_path)
    assert {row.item_id: row.city for row in valid_rows(log).collect()} == cities
