"""Text files as rows: read and parsed line by line in the tasks.

Engines differ in what they do with a malformed line, up to failing the whole read.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO

import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql.types import DateType, IntegerType, StringType, StructField, StructType

from winnow.logs.split_files import Split
from winnow.logs.text.csv_blocks import ordinary_block
from winnow.logs.text.lines import LineFormat, Row
from winnow.logs.text.streams import TextShape, lines_of, open_stream

_ROWS_PER_BATCH = 20_000
_BYTES_PER_BLOCK = 2**20


@dataclass(frozen=True)
class LineReader:
    """Reads splits of text files; travels to the tasks.

    Attributes:
        lines: How the lines read.
        shape: How the files' bytes become lines.
        filesystem: Where the files lie.
    """

    lines: LineFormat
    shape: TextShape
    filesystem: pafs.FileSystem

    def schema(self) -> StructType:
        """Return the columns of ``read``.

        ``line``, ``problem`` (NULL where the line can be read), ``list_position`` (from 0),
        ``partition_date``, and a text column ``c0``, ``c1``, … per wanted column.
        """
        wanted = (StructField(f"c{i}", StringType()) for i in range(len(self.lines.wanted)))
        return StructType(
            [
                StructField("line", StringType()),
                StructField("problem", StringType()),
                StructField("list_position", IntegerType()),
                StructField("partition_date", DateType()),
                *wanted,
            ]
        )

    def read(self, split: Split) -> Iterator[pa.RecordBatch]:
        """Give the rows of a split. Empty lines and header lines are no rows."""
        with self.filesystem.open_input_file(split.path) as handle:
            lines = _Lines(open_stream(handle, self.shape), self.shape, split)
            if self.lines.kind == "json_lines" or self.lines.explode or self.shape.line_end != "\n":
                yield from self._one_by_one(self.lines.rows(lines), split)
                return
            while block := lines.block():
                columns = ordinary_block(
                    block,
                    self.lines.names,
                    self.lines.wanted,
                    self.lines.header,
                    self.lines.dialect,
                )
                if columns is None:
                    yield from self._one_by_one(self.lines.rows(BytesIO(block), lines), split)
                else:
                    yield self._of_columns(columns, split)

    def _of_columns(self, columns: list[pa.Array], split: Split) -> pa.RecordBatch:
        count = len(columns[0])
        alike = [
            pa.nulls(count, pa.string()),
            pa.nulls(count, pa.int32()),
            pa.repeat(pa.scalar(split.date, pa.date32()), count),
        ]
        return pa.RecordBatch.from_arrays(
            [columns[0], *alike, *columns[1:]], names=self.schema().names
        )

    def _one_by_one(
        self, records: Iterator[tuple[str, list[Row]]], split: Split
    ) -> Iterator[pa.RecordBatch]:
        texts: list[str] = []
        rows: list[Row] = []
        for text, found in records:
            rows += found
            texts += [text] * len(found)
            if len(texts) >= _ROWS_PER_BATCH:
                yield self._batch(texts, rows, split)
                texts, rows = [], []
        if texts:
            yield self._batch(texts, rows, split)

    def _batch(self, texts: list[str], rows: list[Row], split: Split) -> pa.RecordBatch:
        columns = [
            pa.array(texts, pa.string()),
            pa.array([row[0] for row in rows], pa.string()),
            pa.array([row[1] for row in rows], pa.int32()),
            pa.array([split.date] * len(rows), pa.date32()),
        ]
        for index in range(len(self.lines.wanted)):
            columns.append(pa.array([row[2][index] for row in rows], pa.string()))
        return pa.RecordBatch.from_arrays(columns, names=self.schema().names)


class _Lines:
    """The lines that begin in a split: one by one, or in blocks."""

    def __init__(self, stream: BufferedReader, shape: TextShape, split: Split) -> None:
        self._stream = stream
        self._lines = lines_of(stream, shape.line_end)
        # Other bytes than the file's cannot be counted; such a file is one split.
        self._end = split.end if shape.divisible else sys.maxsize
        self._place = split.start if shape.divisible else 0
        if self._place > 0:
            # The line that the byte before belongs to began in the split before.
            stream.seek(self._place - 1)
            self._place += len(stream.readline()) - 1

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            if self._place >= self._end:
                return
            self._place += len(line)
            yield line

    def block(self) -> bytes:
        """Return about so many bytes of whole lines as a block has; none at the end."""
        if self._place >= self._end:
            return b""
        block = self._stream.read(min(_BYTES_PER_BLOCK, self._end - self._place))
        if not block.endswith(b"\n"):
            block += self._stream.readline()
        self._place += len(block)
        return block
