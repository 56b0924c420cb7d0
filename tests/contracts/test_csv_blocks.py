"""CSV in blocks and CSV record by record give the same rows, whatever stands in the file."""

from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from winnow.logs.split_files import Split
from winnow.logs.text import line_rows
from winnow.logs.text.csv_blocks import ordinary_block
from winnow.logs.text.csv_records import COMMON_CSV, CsvDialect
from winnow.logs.text.line_rows import LineReader
from winnow.logs.text.lines import LineFormat
from winnow.logs.text.streams import TextShape

NAMES = ("a", "b")
DIALECTS = (COMMON_CSV, CsvDialect(quote=None), CsvDialect(";", "'"), CsvDialect(escape="\\"))

FIELDS = st.sampled_from(
    ["", "1", "é", " ", '"1"', '"a ""b"""', '"a,b"', '"a\nb"', '"', '""', 'x"y', '"x"y', '"\\"',
     '"a\\"b"', "\\", "\r", "\x1f", "\ufeff", "\0", "\ud800", "'a;b'", "a;b"]
)  # fmt: skip
LINES = st.lists(FIELDS, min_size=0, max_size=3).map(",".join)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n"])
FILES = st.lists(st.tuples(LINES, ENDS), max_size=8).map(
    lambda lines: "".join(line + end for line, end in lines)
)


def rows(body: bytes, dialect: CsvDialect, path: Path) -> list[dict[str, str | None]]:
    path.write_bytes(body)
    lines = LineFormat("csv", ("b", "a", "none"), NAMES, "a,b", dialect)
    reader = LineReader(lines, TextShape(divisible=False), pafs.LocalFileSystem())
    batches = list(reader.read(Split(str(path), 0, len(body), None)))
    return [row for batch in batches for row in batch.to_pylist()]


def signs(text: str) -> str:
    """A text without line ends and byte order marks, which belong to no row."""
    return text.translate(dict.fromkeys(map(ord, "\r\n\ufeff")))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks") / "a.csv"


class DescribeBlocks:
    @settings(max_examples=200, deadline=None)
    @given(text=FILES, dialect=st.sampled_from(DIALECTS), size=st.sampled_from([1, 7, 40]))
    def it_gives_the_rows_of_the_records(
        self, path: Path, text: str, dialect: CsvDialect, size: int
    ) -> None:
        body = b"a,b\n" + text.encode(errors="surrogatepass")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(line_rows, "ordinary_block", lambda *_: None)
            expected = rows(body, dialect, path)
            patch.undo()
            patch.setattr(line_rows, "_BYTES_PER_BLOCK", size)
            assert rows(body, dialect, path) == expected

    @settings(max_examples=200, deadline=None)
    @given(text=FILES, dialect=st.sampled_from(DIALECTS))
    def it_loses_nothing(self, path: Path, text: str, dialect: CsvDialect) -> None:
        body = b"a,b\n" + text.encode(errors="replace")
        kept = "\n".join(str(row["line"]) for row in rows(body, dialect, path))
        assert signs(kept) == signs(text.encode(errors="replace").decode())

    @pytest.mark.parametrize(
        "block",
        [
            b'1,"2\n', b'1,"2"x\n', b'1,x"y\n', b"1,2,3\n", b"1\n", b"1,\xff\n", b"1,2\r3,4\n",
            b'1,"2\n3"\n', b"1,\x1f\n",
        ],
    )  # fmt: skip
    def it_takes_no_block_that_needs_a_closer_look(self, block: bytes) -> None:
        good = b'1,"2"\n\n3,"a ""b"""\r\n'
        assert ordinary_block(good, NAMES, NAMES, None, COMMON_CSV) == [
            pa.array(['1,"2"', '3,"a ""b"""']),
            pa.array(["1", "3"]),
            pa.array(["2", 'a "b"']),
        ]
        assert ordinary_block(good + block, NAMES, NAMES, None, COMMON_CSV) is None
