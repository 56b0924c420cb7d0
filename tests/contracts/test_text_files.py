"""Text as other programs write it: encodings, line ends, quotes, compression, files cut off."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.contracts.log import Log
from winnow.contracts.rejected import rejected_rows
from winnow.contracts.rows import valid_rows
from winnow.errors import InputError
from winnow.logs import split_files
from winnow.logs.text import opening

from tests.contracts.logs_for_tests import (
    NOON_S,
    TODAY,
    compressed,
    config,
    impressions,
    opened,
    write_text,
)

HEADER = "request_id,user_id,item_id,ts,title\n"


def lines(*titles: str) -> str:
    """Impressions of the items 1, 2, …, each with the title as it stands in the file."""
    rows = [f"1,2,{n},{NOON_S},{title}\n" for n, title in enumerate(titles, 1)]
    return HEADER + "".join(rows)


def titles(log: Log) -> dict[int, str]:
    """The title of every valid row by its item."""
    return {row.item_id: row.title for row in valid_rows(log).collect()}


def read(spark: SparkSession, base: Path, **rest: Any) -> Log:
    return opened(spark, config(impressions(**rest), carry=["title"]), base)


def rejected(log: Log) -> dict[str, str]:
    """The reason of every rejected row by its text."""
    return {row.raw: row.reasons[0] for row in rejected_rows(log, TODAY).collect()}


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

    def it_rejects_one_line_for_bytes_that_are_no_text(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        body = lines("a", "?", "c").encode("utf-16-le").replace(b"?\0", b"\x00\xd8")
        write_text(tmp_path / "impressions" / "a.csv", b"\xff\xfe" + body)
        log = read(spark, tmp_path)
        assert titles(log) == {1: "a", 3: "c"}
        assert rejected(log) == {f"1,2,2,{NOON_S},\\x00\\xd8": "unreadable: the line is not UTF-16"}

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
            ('"' + "long " * 40_000 + '"', "long " * 40_000),
        ],
    )
    def it_reads_what_stands_in_them(
        self, spark: SparkSession, tmp_path: Path, written: str, meant: str
    ) -> None:
        write_text(tmp_path / "impressions" / "a.csv", lines("a", written, "c", written))
        log = read(spark, tmp_path)
        assert titles(log) == {1: "a", 2: meant, 3: "c", 4: meant}
        assert not rejected(log)

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

    @pytest.mark.parametrize("title", ["plain", '"a,"', '"a\nb"', '"a \\" b"', '"a\n\\", b\nc"'])
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


class DescribeCompressedText:
    @pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst"])
    def it_reads_files_of_several_members_whole(
        self, spark: SparkSession, tmp_path: Path, ending: str
    ) -> None:
        first, second = lines("a").encode(), lines("a", "b").encode()[len(lines("a")) :]
        body = compressed(first, ending) + compressed(second, ending)
        (tmp_path / "impressions").mkdir()
        (tmp_path / "impressions" / f"a.csv{ending}").write_bytes(body)
        assert titles(read(spark, tmp_path)) == {1: "a", 2: "b"}

    @pytest.mark.parametrize("ending", [".gz", ".bz2", ".zst"])
    @pytest.mark.parametrize("lost", [1, 9, 0.5])
    def it_refuses_a_truncated_file(
        self, spark: SparkSession, tmp_path: Path, ending: str, lost: float
    ) -> None:
        body = compressed(lines(*map(str, range(20_000))).encode(), ending)
        kept = len(body) - lost if lost >= 1 else len(body) * lost
        (tmp_path / "impressions").mkdir()
        (tmp_path / "impressions" / f"a.csv{ending}").write_bytes(body[: int(kept)])
        with pytest.raises(InputError, match=r"a\.csv\.\w+ is not a complete \w+ file"):
            read(spark, tmp_path)

    def it_knows_compressed_bytes_by_themselves(self, spark: SparkSession, tmp_path: Path) -> None:
        for ending in (".gz", ".bz2", ".zst"):
            body = compressed(lines("a").encode("utf-16"), ending)
            write_text(tmp_path / "impressions" / f"{ending[1:]}.csv", body)
        assert [r.title for r in valid_rows(read(spark, tmp_path)).collect()] == ["a"] * 3


class DescribeFilesCutOff:
    @pytest.mark.parametrize("ending", ["", ".gz"])
    @pytest.mark.parametrize(
        "end",
        [
            f"1,2,9,{NOON_S}",
            "1",
            f'1,2,9,{NOON_S},"a',
            f'1,2,9,{NOON_S},"a\nb',
            f"1,2,9,{NOON_S},a\n1,2,8",
            f"1,2,9,{NOON_S},é".encode()[:-1],
        ],
    )
    def it_refuses_csv_until_the_cut_is_accepted(
        self, spark: SparkSession, tmp_path: Path, end: str | bytes, ending: str
    ) -> None:
        cut = end if isinstance(end, bytes) else end.encode()
        path = write_text(tmp_path / "impressions" / f"a.csv{ending}", lines("a").encode() + cut)
        with pytest.raises(InputError) as caught:
            read(spark, tmp_path)
        how = "half a character" if isinstance(end, bytes) else "too few fields"
        assert str(caught.value) == (
            f"logs.impressions: {path} ends in the middle of a row: its last line has no line end "
            f"and {how}. Write the file again, or set accept_cut: true to reject that row alone."
        )
        log = read(spark, tmp_path, accept_cut=True)
        assert titles(log)[1] == "a"
        last = [raw for raw in rejected(log) if cut.decode(errors="backslashreplace").endswith(raw)]
        assert last

    @pytest.mark.parametrize("end", ['{"request_id": 1, "user', "{", '{"a": "é'])
    def it_refuses_json_lines_alike(self, spark: SparkSession, tmp_path: Path, end: str) -> None:
        row = {"request_id": 1, "user_id": 2, "item_id": 1, "ts": NOON_S, "title": "é"}
        write_text(tmp_path / "impressions" / "a.jsonl", json.dumps(row) + "\n" + end)
        with pytest.raises(InputError, match=r"middle of a row.* half an object"):
            read(spark, tmp_path)
        log = read(spark, tmp_path, accept_cut=True)
        assert (titles(log), list(rejected(log))) == ({1: "é"}, [end])

    @pytest.mark.parametrize(
        ("last", "end", "refused"),
        [
            ("2026-01-02T10:00:00Z", "2026-01-02T10:0", True),
            ("2026-01-02 10:00:00.5", "2026-01-02 1", True),
            ("2026-01-02 10:00:00.5", "2026-01-02 10:00:00", False),
            ("1767355200", "17673552", True),
            ("1767355200", "1767355201", False),
            ("0.5", "0", False),
            ("a title", "a", False),
        ],
    )
    def it_compares_the_last_field_of_rows_that_have_a_time_there(
        self, spark: SparkSession, tmp_path: Path, last: str, end: str, refused: bool
    ) -> None:
        more = [last, last.removesuffix(".5")] * 20
        body = lines(*more) + f"1,2,99,{NOON_S},{end}"
        write_text(tmp_path / "impressions" / "a.csv", body)
        if refused:
            with pytest.raises(InputError, match="a last field shorter than in the rows before"):
                read(spark, tmp_path)
        log = read(spark, tmp_path, accept_cut=refused)
        assert titles(log)[99] == end

    @pytest.mark.parametrize("end", ["", '"b\nc"', '"b ""\n""c"""', "\r", "a,too,many"])
    def it_reads_a_last_row_that_is_whole(
        self, spark: SparkSession, tmp_path: Path, end: str
    ) -> None:
        body = lines("a") + f"1,2,9,{NOON_S},{end}"
        write_text(tmp_path / "impressions" / "a.csv", body)
        assert read(spark, tmp_path).frame.count() == 2

    def it_reads_a_header_without_a_line_end(self, spark: SparkSession, tmp_path: Path) -> None:
        write_text(tmp_path / "impressions" / "a.csv", HEADER.strip())
        assert read(spark, tmp_path).frame.count() == 0
