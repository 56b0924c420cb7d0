"""Candidates packed into one text, each with fields of its own: ``N1-0 N2-1``."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pydantic import ValidationError
from pyspark.sql import SparkSession
from winnow.config.log_shapes import Explode
from winnow.contracts.log import Log
from winnow.contracts.rejected import rejected_rows
from winnow.contracts.rows import valid_rows
from winnow.errors import InputError

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

PACKED = {
    "kind": "delimited",
    "columns": ["shown"],
    "delimiter": " ",
    "item_delimiter": "-",
    "fields": ["item", "clicked"],
}
SHOWN = ["N1-0 N2-1", "N3-1", "N4 N5-0 N6-1-1", "", None]
KINDS = ["tsv", "parquet", *near_equal("jsonl", "delta")]


def written(base: Path, kind: str) -> None:
    rows = [
        {"request_id": n, "user_id": 9, "ts": NOON_S, "shown": text} for n, text in enumerate(SHOWN)
    ]
    place = base / "impressions" / f"a.{kind}"
    if kind == "tsv":
        lines = ["\t".join("" if v is None else str(v) for v in row.values()) for row in rows]
        write_text(place, "\n".join(["\t".join(rows[0]), *lines, ""]))
    elif kind == "jsonl":
        write_text(place, "".join(json.dumps(row) + "\n" for row in rows))
    elif kind == "parquet":
        write(place, pa.Table.from_pylist(rows))
    else:
        write_deltalake(str(base / "impressions"), pa.Table.from_pylist(rows))


@pytest.fixture(params=KINDS)
def written_base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    written(tmp_path, request.param)
    return tmp_path


def settings(**clicks: Any) -> Any:
    logs = impressions(columns={"item_id": "shown.item"}, explode=PACKED)
    logs["clicks"] = {"from": "impressions", "where": {"shown.clicked": [1]}, **clicks}
    return config(logs, ids={"item": "string", "impression": "string"})


def read(spark: SparkSession, base: Path, name: str = "impressions") -> Log:
    return opened(spark, settings(), base, name)


class DescribeCandidatesWithFields:
    def it_makes_a_row_of_every_candidate_with_its_own_fields(
        self, spark: SparkSession, written_base: Path
    ) -> None:
        log = read(spark, written_base)
        found = valid_rows(log).select("request_id", "item_id", "position").collect()
        assert sorted(map(tuple, found)) == [
            (0, "N1", 1), (0, "N2", 2), (1, "N3", 1), (2, "N5", 2),
        ]  # fmt: skip

    def it_takes_the_candidates_of_one_label_as_clicks(
        self, spark: SparkSession, written_base: Path
    ) -> None:
        log = read(spark, written_base, "clicks")
        found = valid_rows(log).select("request_id", "item_id").collect()
        assert sorted(map(tuple, found)) == [(0, "N2"), (1, "N3")]
        assert log.frame.where("filtered").count() == 2

    def it_rejects_a_candidate_with_another_number_of_fields(
        self, spark: SparkSession, written_base: Path
    ) -> None:
        log = read(spark, written_base)
        reasons = [r.reasons for r in rejected_rows(log, TODAY).collect()]
        assert sorted(reasons) == [
            ["missing: the list of candidates is NULL or empty"],
            ["missing: the list of candidates is NULL or empty"],
            ["unreadable: a candidate of shown has not 2 fields, found 'N4'"],
            ["unreadable: a candidate of shown has not 2 fields, found 'N6-1-1'"],
        ]
        # What the row says beside its candidates is known all the same.
        assert {r.request_id for r in log.frame.where("NOT valid").collect()} == {2, 3, 4}

    @pytest.mark.one_engine
    def it_refuses_a_column_that_is_no_text(self, spark: SparkSession, tmp_path: Path) -> None:
        row = {"request_id": 1, "user_id": 2, "ts": NOON_S, "shown": 3}
        write(tmp_path / "impressions" / "a.parquet", pa.Table.from_pylist([row]))
        with pytest.raises(InputError, match=r"column shown, found bigint, expected string"):
            read(spark, tmp_path)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"item_delimiter": None}, "go together"),
            ({"fields": []}, "go together"),
            ({"fields": ["item"]}, "two different names"),
            ({"fields": ["item", "item"]}, "two different names"),
            ({"item_delimiter": " "}, "must differ"),
            ({"kind": "structs"}, "no item_delimiter"),
        ],
    )
    def it_refuses_half_a_description(self, changed: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError, match=message):
            Explode.model_validate_json(json.dumps(PACKED | changed))
