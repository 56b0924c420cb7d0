"""Text files as rows: read and parsed line by line in the tasks.

Engines differ in what they do with a malformed line, up to failing the whole read.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
from pyspark.sql.types import DateType, IntegerType, StringType, StructField, StructType

from pipelines.contracts.sources.split_files import Split
from pipelines.contracts.sources.text_lines import LineFormat, Row, clean_line

_LINES_PER_BATCH = 20_000
_BUFFER_BYTES = 2**20


@dataclass(frozen=True)
class LineReader:
    """Reads splits of text files; travels to the tasks.

    Attributes:
        lines: How the lines read.
        filesystem: Where the files lie.
    """

    lines: LineFormat
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
            raw = _lines_of(handle, split)
            while some := list(islice(raw, _LINES_PER_BATCH)):
                yield self._batch(some, split)

    def _batch(self, raws: list[bytes], split: Split) -> pa.RecordBatch:
        texts: list[str] = []
        rows: list[Row] = []
        for raw in raws:
            line, is_utf8 = clean_line(raw.removesuffix(b"\n"))
            if not line or line == self.lines.header:
                continue
            if is_utf8:
                found = self.lines.rows(line)
            else:
                none = [None] * len(self.lines.wanted)
                found = [("unreadable: the line is not UTF-8", None, [*none])]
            rows += found
            texts += [line] * len(found)
        columns = [
            pa.array(texts, pa.string()),
            pa.array([row[0] for row in rows], pa.string()),
            pa.array([row[1] for row in rows], pa.int32()),
            pa.array([split.date] * len(rows), pa.date32()),
        ]
        for index in range(len(self.lines.wanted)):
            columns.append(pa.array([row[2][index] for row in rows], pa.string()))
        return pa.RecordBatch.from_arrays(columns, names=self.schema().names)


def _lines_of(handle: pa.NativeFile, split: Split) -> Iterator[bytes]:
    if split.path.endswith(".gz"):
        yield from gzip.GzipFile(fileobj=handle)
        return
    raw: Any = handle
    reader = BufferedReader(raw, _BUFFER_BYTES)
    place = split.start
    if place > 0:
        # The line that the byte before belongs to began in the split before.
        reader.seek(place - 1)
        place += len(reader.readline()) - 1
    lines: Iterable[bytes] = reader
    for line in lines:
        if place >= split.end:
            return
        yield line
        place += len(line)
