"""Parquet footers: the columns and rows of every file, read by us before any engine reads."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import InputError, Problem
from winnow.logs.files.locations import Location, SourceFile
from winnow.logs.types import Columns, SourceColumn, source_column, twice_but_for_case

_THREADS = 16


def read_footers(log: str, location: Location, files: Sequence[SourceFile]) -> tuple[Columns, ...]:
    """Read the footer of every Parquet file.

    Raises:
        InputError: A file is truncated or not Parquet, or two of its columns differ only in case;
            every such file is named.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(lambda file: _footer(log, location, file), files))
    InputError.raise_if_any(result for result in results if isinstance(result, Problem))
    return tuple(result for result in results if isinstance(result, Columns))


_Key = tuple[str, str, int, int]
_KNOWN: OrderedDict[_Key, Columns] = OrderedDict()
_MOST_KNOWN = 20_000


def _footer(log: str, location: Location, file: SourceFile) -> Columns | Problem:
    """Return the columns of a file, read once per process as long as the file stays the same.

    Dates of one backfill read files of the same days; where these lie in an object store, each
    footer is a request or two. A file that is damaged is looked at each time.
    """
    key = (location.filesystem.type_name, file.path, file.size, file.changed_us)
    found = _KNOWN.get(key) if file.changed_us else None
    if found is not None:
        return found
    read = _read_footer(log, location, file)
    if isinstance(read, Columns):
        _KNOWN[key] = read
        while len(_KNOWN) > _MOST_KNOWN:
            with suppress(KeyError):  # another thread may have been first
                _KNOWN.popitem(last=False)
    return read


def _read_footer(log: str, location: Location, file: SourceFile) -> Columns | Problem:
    try:
        with location.filesystem.open_input_file(file.path) as handle:
            parquet = pq.ParquetFile(handle)
            schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
            int96 = _int96_leaves(parquet.schema)
    except (pa.ArrowException, OSError) as error:
        return location.refusal(log, file.path, error) or Problem(
            f"logs.{log}",
            f"{file.path} is not a complete Parquet file",
            found=str(error).splitlines()[0],
            next_step="Write the file again, or correct format in the config.",
        )
    if twice := _twice_in(schema):
        return Problem(f"logs.{log}", f"{file.path} has columns that differ only in case: {twice}")
    leaves = iter(int96)
    columns = [_column(file.path, field, leaves) for field in schema]
    return Columns(file.path, tuple(columns), rows)


def _column(path: str, field: pa.Field, int96: Iterator[bool]) -> SourceColumn:
    """Return a column; ``int96`` says of its leaves, in order, whether they are old timestamps."""
    if not pa.types.is_nested(field.type):
        return source_column(field.name, field.type, path=path, int96=next(int96))
    instants = _instants(field.type, int96)
    column = source_column(field.name, instants, path=path)
    return column if instants == field.type else replace(column, by_arrow=True)


def _instants(arrow: pa.DataType, int96: Iterator[bool]) -> pa.DataType:
    """Return a type in which old timestamps, which Arrow shows without a zone, are instants."""
    if pa.types.is_nested(arrow):
        old = [arrow.field(index) for index in range(arrow.num_fields)]
        new = [field.with_type(_instants(field.type, int96)) for field in old]
        if new == old:
            return arrow
        if pa.types.is_struct(arrow):
            return pa.struct(new)
        if pa.types.is_map(arrow):
            return pa.map_(new[0].type.field(0), new[0].type.field(1))
        return pa.list_(new[0])
    return pa.timestamp("us", "UTC") if next(int96) else arrow


def _twice_in(fields: Iterable[pa.Field]) -> list[str]:
    """Return the names that are there twice but for case, among columns and in each struct."""
    known = list(fields)
    twice = twice_but_for_case([field.name for field in known])
    for field in known:
        inner = [field.type.field(index) for index in range(field.type.num_fields)]
        twice += [f"{field.name}.{name}" for name in _twice_in(inner)]
    return twice


def _int96_leaves(schema: pq.ParquetSchema) -> list[bool]:
    return [schema.column(i).physical_type == "INT96" for i in range(len(schema))]
