"""Text files as rows: read and parsed line by line in the tasks.

Engines differ in what they do with a malformed line, up to failing the whole read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql.types import DateType, IntegerType, StringType, StructField, StructType

from pipelines.contracts.sources.split_files import Split
from pipelines.contracts.sources.text_lines import LineFormat, Row
from pipelines.contracts.sources.text_streams import TextShape, lines_of, open_stream

_LINES_PER_BATCH = 20_000


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

        ``line``, ``problem`` (NULL where the line can be read), ``place`` (in its list of
        candidates), ``partition_date``, and a text column ``c0``, ``c1``, … per wanted column.
        """
        wanted = (StructField(f"c{i}", StringType()) for i in range(len(self.lines.wanted)))
        return StructType(
            [
                StructField("line", StringType()),
                StructField("problem", StringType()),
                StructField("place", IntegerType()),
                StructField("partition_date", DateType()),
                *wanted,
            ]
        )

    def read(self, split: Split) -> Iterator[pa.RecordBatch]:
        """Give the rows of a split. Empty lines and header lines are no rows."""
        with self.filesystem.open_input_file(split.path) as handle:
            records = self.lines.rows(self._raw_lines(handle, split))
            while some := list(islice(records, _LINES_PER_BATCH)):
                yield self._batch(some, split)

    def _raw_lines(self, handle: pa.NativeFile, split: Split) -> Iterator[bytes]:
        stream = open_stream(handle, self.shape)
        lines = lines_of(stream, self.shape.line_end)
        if not self.shape.divisible:
            yield from lines
            return
        place = split.start
        if place > 0:
            # The line that the byte before belongs to began in the split before.
            stream.seek(place - 1)
            place += len(stream.readline()) - 1
        for line in lines:
            if place >= split.end:
                return
            yield line
            place += len(line)

    def _batch(self, records: list[tuple[str, list[Row]]], split: Split) -> pa.RecordBatch:
        texts: list[str] = []
        rows: list[Row] = []
        for text, found in records:
            rows += found
            texts += [text] * len(found)
        columns = [
            pa.array(texts, pa.string()),
            pa.array([row[0] for row in rows], pa.string()),
            pa.array([row[1] for row in rows], pa.int32()),
            pa.array([split.date] * len(rows), pa.date32()),
        ]
        for index in range(len(self.lines.wanted)):
            columns.append(pa.array([row[2][index] for row in rows], pa.string()))
        return pa.RecordBatch.from_arrays(columns, names=self.schema().names)
