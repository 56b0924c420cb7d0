"""A table as plain files, one for each date: Parquet, JSON lines, CSV."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from winnow.export.folder import ExportFolder
from winnow.export.rows import rows_of, table_of
from winnow.export.text import json_text, lines
from winnow.release.reader import ReleaseReader
from winnow.release.table_files import TableFiles

PlainFormat = Literal["parquet", "jsonl", "csv"]
PLAIN: tuple[PlainFormat, ...] = get_args(PlainFormat)

_Write = Callable[[pa.RecordBatch], Any]


def write_plain(
    folder: ExportFolder,
    release: ReleaseReader,
    kind: PlainFormat,
    table: str = "training_samples",
    columns: Sequence[str] | None = None,
    split: str | None = None,
) -> None:
    """Write ``ds=DATE/TABLE.KIND`` for each date, without rows where the table has none of it.

    Parquet keeps the types. JSON lines has an object a line, times as text in UTC. CSV has lists as
    JSON in one field, and an empty field for NULL.

    Args:
        folder: Where to write. release: What to read. kind: The kind of file.
        table: The table. columns: Those to write; by default all, ``ds`` among them.
        split: ``train``, ``valid`` or ``test``; None: all.

    Raises:
        ReleaseError: A release has no such table, or has expired.
        ConfigError: A column is not there.
    """
    asked = list(columns or ())
    found = table_of(release, table, [*asked, *(["split"] if split else [])])
    names = asked or found.schema.names
    schema = pa.schema([found.schema.field(name) for name in names])
    for day in release.dates:
        files = tuple(file for file in found.files if file[1] == day)
        name = f"ds={day}/{table}.{kind}"
        with ExitStack() as stack:
            write = _writer(stack, folder.file(name), kind, schema)
            for batch in rows_of(TableFiles(found.schema, files), names, split):
                write(batch)
                folder.count(name, batch.num_rows)


def _writer(stack: ExitStack, path: Path, kind: PlainFormat, schema: pa.Schema) -> _Write:
    if kind == "parquet":
        return stack.enter_context(pq.ParquetWriter(path, schema)).write_batch  # type: ignore[no-any-return]
    if kind == "jsonl":
        file = stack.enter_context(path.open("wb"))
        return lambda batch: file.write(_json_lines(batch))
    flat = pa.schema(
        [(f.name, pa.string() if pa.types.is_list(f.type) else f.type) for f in schema]
    )
    writer = stack.enter_context(csv.CSVWriter(path, flat))
    return lambda batch: writer.write_batch(_flat(batch, flat))


def _json_lines(batch: pa.RecordBatch) -> bytes:
    parts: list[pa.Array | str] = []
    for i, name in enumerate(batch.schema.names):
        key = json_text(pa.array([name]))[0].as_py()
        parts += [f"{'{' if i == 0 else ','}{key}:", json_text(batch[name])]
    joined = pa.compute.binary_join_element_wise(*parts, "}", "")
    return lines([joined])


def _flat(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        pa.compute.if_else(column.is_valid(), json_text(column), None)
        if pa.types.is_list(column.type)
        else column
        for column in batch.columns
    ]
    return pa.record_batch(columns, schema)
