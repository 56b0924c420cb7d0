"""Some rows of a log as they are written, column by column, read without an engine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from winnow.config.date_patterns import date_in
from winnow.config.log_shapes import Partition
from winnow.errors import InputError, Problem
from winnow.logs.files.locations import Location
from winnow.logs.opened import FileGroup, Opened
from winnow.logs.text.csv_records import UnreadableLineError
from winnow.logs.text.lines import as_text, json_fields
from winnow.logs.text.streams import clean_line, lines_of, open_stream

MOST_ROWS = 5_000


@dataclass(frozen=True)
class Sample:
    """The first rows of a log.

    Attributes:
        columns: Its columns, ``user.id`` for a field of a struct, and the values of each that are
            not NULL: text where the file is text.
        rows: How many rows were looked at.
        kinds: Parquet and Delta: the type of each column as the file says it.
    """

    columns: Mapping[str, list[Any]]
    rows: int
    kinds: Mapping[str, str] = field(default_factory=dict)


def file_sample(opened: Opened) -> Sample:
    """Return the first rows of files that were looked at."""
    rows: list[dict[str, Any]] = []
    for group in opened.groups:
        rows += islice(_rows(opened, group), MOST_ROWS - len(rows))
    kinds = {column.name: column.found for column in opened.columns if not column.text}
    return _sample([column.name for column in opened.columns], rows, kinds)


def delta_sample(place: Location) -> tuple[Sample, Partition | None, tuple[date, ...]]:
    """Return the first rows of a Delta table, its partition column of dates, and the dates.

    Raises:
        InputError: The table cannot be read.
    """
    try:
        table = DeltaTable(place.path if place.local else place.uri(place.path))
        dataset = table.to_pyarrow_dataset()
        columns = table.metadata().partition_columns
        found = pa.table(table.get_add_actions(flatten=True)).to_pydict()
    except (DeltaError, pa.ArrowException, OSError) as error:
        what = f"{place.path} cannot be looked at as a Delta table"
        raise InputError(Problem("--from", what, str(error).splitlines()[0])) from error
    rows = dataset.head(MOST_ROWS).to_pylist()
    kinds = {one.name: str(one.type) for one in dataset.schema}
    sample = _sample(dataset.schema.names, [_flat(row) for row in rows], kinds)
    for column in columns:
        dates = {date_in(str(value), None) for value in found.get(f"partition.{column}", ())}
        known = sorted(one for one in dates if one is not None)
        if known:
            return sample, Partition(column=column), tuple(known)
    return sample, None, ()


def _sample(names: list[str], rows: list[dict[str, Any]], kinds: Mapping[str, str]) -> Sample:
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for row in rows:
        for name, value in row.items():
            if value is not None and value != "":
                columns.setdefault(name, []).append(value)
    return Sample(columns, len(rows), kinds)


def _rows(opened: Opened, group: FileGroup) -> Iterator[dict[str, Any]]:
    for file in group.files:
        with opened.location.filesystem.open_input_file(file.path) as handle:
            if group.text is None:
                for batch in pq.ParquetFile(handle).iter_batches(MOST_ROWS):
                    yield from map(_flat, batch.to_pylist())
                continue
            shape = group.text.shape
            lines = lines_of(open_stream(handle, shape), shape.line_end)
            if opened.kind == "json_lines":
                yield from _json_rows(lines)
                continue
            names = [column.name for column in group.columns]
            for record in group.text.dialect.records(lines, None, shape.encoding):
                if record.text != group.text.header and record.values is not None:
                    yield dict(zip(names, record.values, strict=False))


def _json_rows(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            fields = _flat(json_fields(clean_line(line)[0]))
        except UnreadableLineError:
            continue
        yield {name: as_text(value) for name, value in fields.items()}


def _flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat
