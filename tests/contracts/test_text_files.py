"""Text as other programs write it: encodings, line ends, delimiters, quotes, empty fields."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.errors import InputError
from winnow.logs import split_files
from winnow.logs.text import opening

from tests.contracts.logs_for_tests import (
    NOON_S,
    config,
    impressions,
    opened,
    write_text,
)
from tests.contracts.text_logs import lines, read, rejected, titles

# Lines are taken apart by the same Python code on every engine; few cases show that it arrives.
pytestmark = pytest.mark.one_engine


class DescribeEncodings:
    @pytest.mark.parametrize(
        ("written", "told"),
        [
            ("utf-16", None),
            ("utf-32", None),
            ("utf-8-sig", None),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "UTF-16BE"),
            ("latin-1", "latin-1"),
            ("cp1252", "windows-1252"),
        ],
    )
    @pytest.mark.parametrize("kind", ["csv", "jsonl"])
    def it_reads_them_by_byte_order_mark_or_by_name(
        self, spark: SparkSession, tmp_path: Path, written: str, told: str | None, kind: str
    ) -> None:
        if kind == "csv":
            text = lines("é", "ü,").replace("ü,", '"ü,"').replace("\n", "\r\n")
        else:
            row = {"request_id": 1, "user_id": 2, "item_id": 1, "ts": NOON_S, "title": "é"}
            rows = [row, row | {"item_id": 2, "title": "ü,"}]
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write_text(tmp_path / "impressions" / f"a.{kind}", text.encode(written))
        rest = {"encoding": told} if told else {}
        assert titles(read(spark, tmp_path, **rest)) == {1: "é", 2: "ü,"}

    @pytest.mark.both_engines
    def it_rejects_one_line_for_bytes_that_are_no_text(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        body = lines("a", "?", "c").encode("utf-16-le").replace(b"?\0", b"\x00\xd8")
        write_text(tmp_path / "impressions" / "a.csv", b"\xff\xfe" + body)
        log = read(spark, tmp_path)
        assert titles(log) == {1: "a", 3: "c"}
        assert rejected(log) == {f"1,2,2,{NOON_S},\\x00\\xd8": "unreadable: the line is not UTF-16"}

    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ('[{"a": 1}, {"a": 2}]', "a JSON array"),
            ('[\n{"a": 1},\n{"a": 2}\n]\n', "a JSON array"),
            ('\n[\n  {\n    "a": 1\n  }\n]\n', "a JSON array"),
            ('{\n  "a": 1\n}\n{\n  "a": 2\n}\n', "JSON with objects of several lines"),
        ],
    )
    def it_names_json_that_has_not_one_object_a_line(
        self, spark: SparkSession, tmp_path: Path, text: str, what: str
    ) -> None:
        write_text(tmp_path / "impressions" / "a.json", text)
        with pytest.raises(InputError, match=rf"a\.json is {what}, no JSON lines.*jq"):
            read(spark, tmp_path)

    def it_rejects_a_first_line_that_only_begins_as_an_array_does(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write_text(tmp_path / "impressions" / "a.json", "[WARN] restarted\n")
        row = f'{{"request_id": 1, "user_id": 2, "item_id": 3, "ts": {NOON_S}, "title": "a"}}'
        write_text(tmp_path / "impressions" / "b.json", f"{row}\n")
        log = read(spark, tmp_path)
        assert titles(log) == {3: "a"}
        assert list(rejected(log)) == ["[WARN] restarted"]

    def it_rejects_a_line_that_is_an_array_among_objects(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        row = f'{{"request_id": 1, "user_id": 2, "item_id": 3, "ts": {NOON_S}, "title": "a"}}'
        write_text(tmp_path / "impressions" / "a.json", f"[1]\n{row}\n")
        log = read(spark, tmp_path)
        assert titles(log) == {3: "a"}
        assert rejected(log) == {"[1]": "unreadable: the line is not a JSON object"}

    def it_names_utf16_without_a_mark_and_files_that_are_no_text(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = lines("a").encode("utf-16-be")
        write_text(tmp_path / "impressions" / "a.csv", text)
        with pytest.raises(InputError, match=r"a\.csv is no UTF-8.*encoding: utf-16-le"):
            read(spark, tmp_path)
        write_text(tmp_path / "impressions" / "a.csv", b"PK\x03\x04" + text)
        with pytest.raises(InputError, match=r"is a zip archive, as \.xlsx files are, no text"):
            read(spark, tmp_path)

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def it_reads_every_kind_of_line_end(
        self, spark: SparkSession, tmp_path: Path, end: str
    ) -> None:
        text = lines("a", '"b\nc"', "d") + "\n" + "1,2\n"
        write_text(tmp_path / "impressions" / "a.csv", text.replace("\n", end).encode())
        log = read(spark, tmp_path)
        assert titles(log) == {1: "a", 2: f"b{end}c", 3: "d"}
        assert list(rejected(log)) == ["1,2"]


class DescribeDelimiters:
    @pytest.mark.parametrize(
        ("name", "sign"), [("a.tsv", "\t"), ("a.csv", ";"), ("a.txt", "\t"), ("a.tsv.zst", "\t")]
    )
    def it_takes_the_one_that_the_header_has(
        self, spark: SparkSession, tmp_path: Path, name: str, sign: str
    ) -> None:
        write_text(tmp_path / "impressions" / name, lines("a", "b").replace(",", sign))
        assert titles(read(spark, tmp_path, format="csv")) == {1: "a", 2: "b"}

    def it_takes_tabs_in_tsv_whatever_a_name_holds(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = lines("a,b").replace("item_id", "item|id").replace(",", "\t").replace("a\tb", "a,b")
        write_text(tmp_path / "impressions" / "a.tsv", text)
        assert titles(read(spark, tmp_path, columns={"item_id": "item|id"})) == {1: "a,b"}


class DescribeQuotes:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ('"a 5"" screen, new"', 'a 5" screen, new'),
            ('"a 5\\" screen, new"', 'a 5" screen, new'),
            ('"a screen,\nnew"', "a screen,\nnew"),
            ('"a ""5"" screen,\n\n\nnew,\n"', 'a "5" screen,\n\n\nnew,\n'),
            ('"a \\"5\\" screen,\nnew"', 'a "5" screen,\nnew'),
            ('5" screen', '5" screen'),
            ('"C:\\"', "C:\\"),
            pytest.param(
                '"' + "long " * 40_000 + '"', "long " * 40_000, marks=pytest.mark.both_engines
            ),
        ],
    )
    def it_reads_what_stands_in_them(
        self, spark: SparkSession, tmp_path: Path, written: str, meant: str
    ) -> None:
        write_text(tmp_path / "impressions" / "a.csv", lines("a", written, "c", written))
        log = read(spark, tmp_path)
        assert titles(log) == {1: "a", 2: meant, 3: "c", 4: meant}
        assert not rejected(log)

    @pytest.mark.both_engines
    def it_lets_a_quote_that_is_not_closed_damage_no_other_line(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = lines('"a', "b", '"c"', '"', '"d\ne"', "f", '"g"h')
        write_text(tmp_path / "impressions" / "a.csv", text)
        log = read(spark, tmp_path)
        assert titles(log) == {2: "b", 3: "c", 5: "d\ne", 6: "f"}
        broken = [f"1,2,{n},{NOON_S},{title}" for n, title in ((1, '"a'), (4, '"'), (7, '"g"h'))]
        assert sorted(rejected(log)) == broken

    def it_keeps_the_text_of_a_record_of_several_lines(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        text = lines('"a\n""b"""').replace(",1,", ",x,")
        write_text(tmp_path / "impressions" / "a.csv", text)
        assert list(rejected(read(spark, tmp_path))) == [f'1,2,x,{NOON_S},"a\n""b"""']

    def it_takes_quotes_as_they_are_where_they_mean_nothing(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write_text(tmp_path / "impressions" / "a.csv", lines('"a" b', '"c', '""'))
        log = read(spark, tmp_path, csv={"quote": None})
        assert titles(log) == {1: '"a" b', 2: '"c', 3: '""'}

    def it_takes_another_quote_and_escape(self, spark: SparkSession, tmp_path: Path) -> None:
        write_text(tmp_path / "impressions" / "a.csv", lines("'a, ^'b^''", "c^,d"))
        log = read(spark, tmp_path, csv={"quote": "'", "escape": "^"})
        assert titles(log) == {1: "a, 'b'", 2: "c,d"}

    @pytest.mark.parametrize(
        "title",
        [
            *("plain", '"a,"', '"a\nb"', '"a \\" b"'),
            pytest.param('"a\n\\", b\nc"', marks=pytest.mark.both_engines),
        ],
    )
    def it_reads_every_row_once_wherever_a_file_is_divided(
        self, spark: SparkSession, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (split_files, opening):
            monkeypatch.setattr(module, "BYTES_PER_SPLIT", 61)
        write_text(tmp_path / "impressions" / "a.csv", lines(*[title, '"x"', "y"] * 40))
        log = read(spark, tmp_path)
        assert sorted(titles(log)) == list(range(1, 121))
        assert log.frame.count() == 120


class DescribeEmptyFields:
    @pytest.mark.both_engines
    def it_takes_no_user_for_nobody_only_where_a_row_must_have_one(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        write_text(tmp_path / "impressions" / "a.csv", lines("a").replace("1,2,", "1,,"))
        write_text(tmp_path / "ranking.csv", "request_id,user_id,item_id,stage\n1,,3,coarse\n")
        settings = config({**impressions(), "ranking_log": {"path": "ranking.csv"}})
        for name, nobody in (("impressions", True), ("ranking_log", False)):
            log = opened(spark, settings, tmp_path, name)
            found = log.frame.select("user_id", "anonymous", "reject_reasons").collect()
            assert found == [(None, nobody, [])]
