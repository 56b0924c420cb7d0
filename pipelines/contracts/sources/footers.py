"""Parquet footers: the columns and rows of every file, read by us before any engine reads."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contracts.sources.places import Place, SourceFile
from pipelines.contracts.sources.types import SourceColumn, source_column
from pipelines.errors import InputError, Problem

_THREADS = 16


@dataclass(frozen=True)
class Columns:
    """The columns that one file has, in file order, and its rows."""

    path: str
    columns: tuple[SourceColumn, ...]
    rows: int | None

    def named(self, name: str) -> SourceColumn | None:
        """Return a column by its exact name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def read_footers(log: str, place: Place, files: Sequence[SourceFile]) -> tuple[Columns, ...]:
    """Read the footer of every Parquet file.

    Raises:
        InputError: A file is truncated or not Parquet, or two of its columns differ only in case;
            every such file is named.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        results = list(pool.map(lambda file: _footer(log, place, file), files))
    InputError.raise_if_any(result for result in results if isinstance(result, Problem))
    return tuple(result for result in results if isinstance(result, Columns))


def _footer(log: str, place: Place, file: SourceFile) -> Columns | Problem:
    try:
        with place.filesystem.open_input_file(file.path) as handle:
            parquet = pq.ParquetFile(handle)
            schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
            int96 = _int96_columns(parquet.schema)
    except (pa.ArrowException, OSError) as error:
        return Problem(
            f"logs.{log}",
            f"{file.path} is not a complete Parquet file",
            found=str(error).splitlines()[0],
            next_step="Write the file again, or correct format in the config.",
        )
    if twice := _twice_in(schema):
        return Problem(f"logs.{log}", f"{file.path} has columns that differ only in case: {twice}")
    columns = [source_column(f.name, f.type, path=file.path, int96=f.name in int96) for f in schema]
    return Columns(file.path, tuple(columns), rows)


def twice_but_for_case(names: Sequence[str]) -> list[str]:
    """Return the names that another name equals when case is ignored: engines mix them up."""
    lowered = [name.lower() for name in names]
    return [name for name in names if lowered.count(name.lower()) > 1]


def _twice_in(fields: Iterable[pa.Field]) -> list[str]:
    """Return the names that are there twice but for case, among columns and in each struct."""
    known = list(fields)
    twice = twice_but_for_case([field.name for field in known])
    for field in known:
        inner = [field.type.field(place) for place in range(field.type.num_fields)]
        twice += [f"{field.name}.{name}" for name in _twice_in(inner)]
    return twice


def _int96_columns(schema: pq.ParquetSchema) -> set[str]:
    leaves = (schema.column(i) for i in range(len(schema)))
    return {leaf.path for leaf in leaves if leaf.physical_type == "INT96"}
