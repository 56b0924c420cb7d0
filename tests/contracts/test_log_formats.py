"""Text formats line by line, Delta tables, and requests exploded into rows."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from pyspark.sql import SparkSession
from winnow.contracts.rejected import rejected_rows
from winnow.contracts.rows import valid_rows
from winnow.errors import ConfigError, InputError

from tests.contracts.logs_for_tests import (
    DAY,
    NOON_S,
    TODAY,
    codes,
    config,
    impressions,
    opened,
    rows,
    write,
    write_text,
)
from tests.near_equal import near_equal

HEADER = "request_id,user_id,item_id,ts\n"
GOOD = f"1,2,3,{NOON_S}\n"


class DescribeCsv:
    @pytest.mark.parametrize("name", ["a.csv", *near_equal("a.csv.gz")])
    @pytest.mark.fault(26)
    def it_makes_one_rejected_row_of_one_bad_line(
        self, spark: SparkSession, tmp_path: Path, name: str
    ) -> None:
        bad = ["1,2,3\n", '1,"2,4,5\n', f"1,2,4,{NOON_S},9\n", '1,"2"x,4,5\n']
        text = HEADER + GOOD + "".join(bad) + GOOD.replace("3,", "7,")
        write_text(tmp_path / "impressions" / name, text)
        log = opened(spark, config(impressions()), tmp_path)
        assert sorted(r.item_id for r in valid_rows(log).collect()) == [3, 7]
        rejected = {r.raw: r.reasons for r in rejected_rows(log, TODAY).collect()}
        assert set(rejected) == {line.strip() for line in bad}
        assert rejected["1,2,3"] == ["unreadable: the line has 3 fields, 4 are expected"]
        assert rejected['1,"2,4,5'] == ["unreadable: the line is not CSV (unexpected end of data)"]

    def it_handles_a_byte_order_mark_windows_line_ends_and_bytes_that_are_no_utf8(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = ("\ufeff" + HEADER + GOOD).replace("\n", "\r\n").encode()
        write_text(tmp_path / "impressions" / "a.csv", text + b"1,2,\xff,4\r\n\r\n")
        write_text(tmp_path / "impressions" / "b.csv", HEADER + GOOD.replace("3,", "7,"))
        log = opened(spark, config(impressions()), tmp_path)
        assert sorted(r.item_id for r in valid_rows(log).collect()) == [3, 7]
        [bad] = rejected_rows(log, TODAY).collect()
        assert (bad.raw, bad.reasons) == ("1,2,\\xff,4", ["unreadable: the line is not UTF-8"])

    def it_reads_files_without_header_and_with_columns_in_another_order(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write_text(tmp_path / "bare" / "a.csv", GOOD.replace(",", ";"))
        names = ["request_id", "user_id", "item_id", "ts"]
        bare = impressions("bare", csv={"delimiter": ";", "names": names})
        assert [r.item_id for r in valid_rows(opened(spark, config(bare), tmp_path)).collect()] == [
            3
        ]
        write_text(tmp_path / "mixed" / "a.csv", HEADER + GOOD)
        write_text(
            tmp_path / "mixed" / "b.csv", f"item_id,ts,,user_id,request_id\n7,{NOON_S},x,2,1\n"
        )
        with pytest.raises(InputError, match="column _c2 is missing, though other files have it"):
            columns = {"request_id": "_c2"}
            opened(spark, config(impressions("mixed", columns=columns)), tmp_path)
        log = opened(spark, config(impressions("mixed")), tmp_path)
        assert sorted(r.item_id for r in valid_rows(log).collect()) == [3, 7]

    def it_reads_an_unnamed_column_by_its_place(self, spark: SparkSession, tmp_path: Path) -> None:
        write_text(tmp_path / "impressions" / "a.csv", f",user_id,item_id,ts\n9,2,3,{NOON_S}\n")
        log = opened(spark, config(impressions(columns={"request_id": "_c0"})), tmp_path)
        assert [r.request_id for r in valid_rows(log).collect()] == [9]


class DescribeJsonLines:
    @pytest.mark.fault(26)
    def it_makes_one_rejected_row_of_one_bad_line(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        good = {"request_id": 1, "user_id": 2, "item_id": 3, "ts": NOON_S, "more": [1, {"a": None}]}
        bad = ['{"request_id": 1,', "[1]", "null", '{"user_id": "\\ud800", "item_id": 5}']
        lines = [json.dumps(good), *bad, json.dumps(good | {"item_id": 7})]
        write_text(tmp_path / "impressions" / "a.jsonl.gz", "\n".join(lines))
        log = opened(spark, config(impressions()), tmp_path)
        assert sorted(r.item_id for r in valid_rows(log).collect()) == [3, 7]
        rejected = rejected_rows(log, TODAY).collect()
        assert sorted(r.raw for r in rejected) == sorted(bad)
        assert {r.reasons[0].split(" (")[0] for r in rejected} == {
            "unreadable: the line is not JSON",
            "unreadable: the line is not a JSON object",
        }

    def it_reads_numbers_as_they_are_written(self, spark: SparkSession, tmp_path: Path) -> None:
        ids = ["3", '"4"', "5.0", "1e3", "9223372036854775808", "true", "null", '""', "-0", "007"]
        line = '{"request_id": 1, "user_id": 2, "item_id": %s, "ts": %d}\n'
        write_text(tmp_path / "impressions" / "a.json", "".join(line % (i, NOON_S) for i in ids))
        log = opened(spark, config(impressions()), tmp_path)
        assert sorted(r.item_id for r in valid_rows(log).collect()) == [3, 4]
        found = sorted(r.reasons[0].split(":")[0] for r in rejected_rows(log, TODAY).collect())
        assert found == ["missing"] * 2 + ["unreadable"] * 6


class DescribeDelta:
    def it_reads_the_dates_it_needs(self, spark: SparkSession, tmp_path: Path) -> None:
        path = str(tmp_path / "impressions")
        for day in (DAY, date(2020, 1, 1)):
            table = rows((1, 2, 3, NOON_S)).append_column("date", pa.array([day]))
            write_deltalake(path, table, partition_by=["date"], mode="append")
        settings = config(impressions(partition={"column": "date"}))
        log = opened(spark, settings, tmp_path, required=[DAY])
        found = valid_rows(log).select("item_id", "partition_date").collect()
        assert found == [(3, DAY)]
        assert (log.dates, log.rows_in_files) == ((DAY,), 1)
        with pytest.raises(InputError, match="has no files where date is 2026-01-05"):
            opened(spark, settings, tmp_path, required=[date(2026, 1, 5)])

    @pytest.mark.one_engine
    def it_names_a_file_that_the_table_lacks(self, spark: SparkSession, tmp_path: Path) -> None:
        path = tmp_path / "impressions"
        write_deltalake(str(path), rows((1, 2, 3, NOON_S)))
        [file] = DeltaTable(str(path)).file_uris()
        Path(file).unlink()
        with pytest.raises(InputError, match="is named by the Delta log but is missing"):
            opened(spark, config(impressions()), tmp_path)


class DescribeRequestsWithCandidates:
    def it_explodes_structs_with_the_place_as_position(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        shown: list[Any] = [[{"id": 5, "x": 1.5}, None, {"id": 7, "x": 2.5}], [], None]
        self._write(tmp_path, shown, pa.list_(pa.struct([("id", pa.int64()), ("x", pa.float64())])))
        settings = self._config({"kind": "structs", "columns": ["shown"]}, "shown.id")
        log = opened(spark, settings, tmp_path)
        found = valid_rows(log).select("request_id", "item_id", "position").collect()
        assert sorted(found) == [(0, 5, 1), (0, 7, 3)]
        reasons = [r.reject_reasons for r in log.frame.collect() if r.reject_reasons]
        assert sorted(reasons) == [
            ["missing: item_id is NULL or empty"],
            ["missing: the list of candidates is NULL or empty"],
            ["missing: the list of candidates is NULL or empty"],
        ]

    def it_explodes_parallel_arrays_and_never_cuts_them(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        self._write(
            tmp_path,
            [[5, 7], [8, 9], None],
            pa.list_(pa.int64()),
            places=pa.array([[4, 2], [1], None], pa.list_(pa.int32())),
        )
        explode = {"kind": "arrays", "columns": ["shown", "places"]}
        log = opened(spark, self._config(explode, "shown", position="places"), tmp_path)
        found = valid_rows(log).select("item_id", "position").collect()
        assert sorted(found) == [(5, 4), (7, 2)]
        reasons = [r.reject_reasons for r in log.frame.collect() if r.reject_reasons]
        assert sorted(reasons) == [
            ["missing: the list of candidates is NULL or empty"],
            ["unreadable: parallel lists have the lengths 2, 1"],
        ]

    @pytest.mark.parametrize("name", ["a.parquet", "a.csv", *near_equal("a.jsonl")])
    def it_explodes_a_delimited_text_alike_in_every_format(
        self, spark: SparkSession, tmp_path: Path, name: str
    ) -> None:
        shown = ["5|7||x", "", "8"]
        path = tmp_path / "impressions" / name
        if name.endswith("parquet"):
            self._write(tmp_path, shown, pa.string())
        elif name.endswith("csv"):
            lines = [f"{n},2,{text},{NOON_S}" for n, text in enumerate(shown)]
            write_text(path, "\n".join(["request_id,user_id,shown,ts", *lines]))
        else:
            lines = [
                json.dumps({"request_id": n, "user_id": 2, "shown": text, "ts": NOON_S})
                for n, text in enumerate(shown)
            ]
            write_text(path, "\n".join(lines))
        explode = {"kind": "delimited", "columns": ["shown"], "delimiter": "|"}
        log = opened(spark, self._config(explode, "shown"), tmp_path)
        found = valid_rows(log).select("request_id", "item_id", "position").collect()
        assert sorted(found) == [(0, 5, 1), (0, 7, 2), (2, 8, 1)]
        assert codes(log).count(["missing"]) == 2
        assert codes(log).count(["unreadable"]) == 1

    def it_explodes_json_structs_alike(self, spark: SparkSession, tmp_path: Path) -> None:
        shown: list[Any] = [[{"id": 5}, None, {"id": "7"}], [], None, 4]
        lines = [
            json.dumps({"request_id": n, "user_id": 2, "shown": s, "ts": NOON_S})
            for n, s in enumerate(shown)
        ]
        write_text(tmp_path / "impressions" / "a.jsonl", "\n".join(lines))
        settings = self._config({"kind": "structs", "columns": ["shown"]}, "shown.id")
        log = opened(spark, settings, tmp_path)
        found = valid_rows(log).select("request_id", "item_id", "position").collect()
        assert sorted(found) == [(0, 5, 1), (0, 7, 3)]
        assert sorted(codes(log)) == [[], [], ["missing"], ["missing"], ["missing"], ["unreadable"]]

    @pytest.mark.one_engine
    def it_refuses_structs_in_csv(self, spark: SparkSession, tmp_path: Path) -> None:
        explode = {"kind": "structs", "columns": ["shown"]}
        with pytest.raises(ConfigError, match="a CSV file can only hold delimited lists"):
            opened(spark, config(impressions(format="csv", explode=explode)), tmp_path)

    @staticmethod
    def _config(explode: dict[str, Any], item: str, **columns: str) -> Any:
        return config(impressions(explode=explode, columns={"item_id": item, **columns}))

    @staticmethod
    def _write(tmp_path: Path, shown: Any, kind: pa.DataType, **more: pa.Array) -> None:
        count = len(shown)
        table = pa.table(
            {
                "request_id": pa.array(range(count), pa.int64()),
                "user_id": pa.array([2] * count, pa.int64()),
                "shown": pa.array(shown, kind),
                "ts": pa.array([NOON_S] * count, pa.int64()),
                **more,
            }
        )
        write(tmp_path / "impressions" / "a.parquet", table)


@pytest.mark.one_engine
class DescribeAFormatThatIsNamed:
    def it_is_an_error_of_the_config_where_no_file_has_it(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write(tmp_path / "parquet" / "a.parquet", rows((1, 2, 3, NOON_S)))
        write_text(tmp_path / "text" / "a.csv", HEADER + GOOD)
        for folder, named in (("parquet", "csv"), ("parquet", "json_lines"), ("text", "parquet")):
            with pytest.raises(ConfigError, match=r"logs\.impressions\.format"):
                opened(spark, config(impressions(folder, format=named)), tmp_path)

    def it_is_right_where_one_file_of_it_is_damaged(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        good = write(tmp_path / "impressions" / "a.parquet", rows((1, 2, 3, NOON_S)))
        (good.parent / "b.parquet").write_bytes(good.read_bytes()[:-9])
        with pytest.raises(InputError, match=r"b\.parquet is not a complete Parquet file"):
            opened(spark, config(impressions(format="parquet")), tmp_path)
