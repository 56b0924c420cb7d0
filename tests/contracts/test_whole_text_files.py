"""Whether a text file is whole: compressed, truncated, cut off in the middle of a row."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from winnow.contracts.rows import valid_rows
from winnow.errors import InputError

from tests.contracts.logs_for_tests import (
    NOON_S,
    compressed,
    write_text,
)
from tests.contracts.text_logs import HEADER, lines, read, rejected, titles

# Files are looked at, and lines taken apart, by the same Python code on every engine.
pytestmark = pytest.mark.one_engine


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

    @pytest.mark.both_engines
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

    @pytest.mark.parametrize(
        "end",
        [pytest.param('{"request_id": 1, "user', marks=pytest.mark.both_engines), "{", '{"a": "é'],
    )
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
