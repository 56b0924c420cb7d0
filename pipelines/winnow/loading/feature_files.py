"""Tables of features as they are stored: Parquet or Arrow files, folders of them, Delta tables."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as pds
from deltalake import DeltaTable
from pyarrow.fs import LocalFileSystem

from winnow.errors import Problem, ReleaseError
from winnow.release.metadata import (
    TableProtocol,
    arrow_schema,
    files_and_stats,
    open_table,
    open_version,
    protocol_problems,
)


def read_features(
    path: str | Path, columns: Sequence[str] | None = None, *, version: int | None = None
) -> pa.Table:
    """Return the rows of stored features, for a ``FeatureTable``.

    Args:
        path: A Parquet or Arrow file, a folder of Parquet files, or a Delta table. What the names
            of folders say (``ds=2026-01-01``) are columns; where all are dates, they are dates.
        columns: Those to read; by default all.
        version: Of a Delta table; by default the newest. Others are as they are.

    Raises:
        ReleaseError: There is no such table or column, or it cannot be read.
    """
    place = Path(path)
    if place.is_dir() and DeltaTable.is_deltatable(str(place)):
        rows = _delta(place, version)
    elif not place.exists():
        raise ReleaseError(Problem(str(place), "there is no such file or folder"))
    elif version is not None:
        raise ReleaseError(Problem("version", "only Delta tables have versions", str(version)))
    else:
        rows = _files(place)
    missing = [name for name in columns or () if name not in rows.schema.names]
    if missing:
        what, known = "is no column of the features", ", ".join(rows.schema.names)
        raise ReleaseError(Problem(", ".join(missing), what, expected=known))
    try:
        table = rows.to_table(columns=None if columns is None else list(columns))
    except (pa.ArrowException, OSError) as error:
        raise ReleaseError(Problem(str(place), "cannot be read", str(error))) from error
    for name in set(table.schema.names) - _in_files(rows):
        table = _with_dates(table, name)
    return table


def _files(place: Path) -> pds.Dataset:
    kind = "ipc" if place.suffix in (".arrow", ".feather") else "parquet"
    try:
        return pds.dataset(str(place), format=kind, partitioning="hive")
    except (pa.ArrowException, OSError) as error:
        raise ReleaseError(Problem(str(place), "cannot be read", str(error))) from error


def _delta(place: Path, version: int | None) -> pds.Dataset:
    table = open_table(place) if version is None else open_version(place, version)
    protocol = table.protocol()
    found = TableProtocol(protocol.min_reader_version, protocol.min_writer_version)
    # What a newer one adds, as rows that are deleted within a file, Arrow would not see.
    if found.reader > 1:
        raise ReleaseError(*protocol_problems(str(place), found))
    schema, by = arrow_schema(table), table.metadata().partition_columns
    paths, parts = [], []
    for file, action in files_and_stats(place, table):
        paths.append(str(file.path))
        part = pds.scalar(True)
        for name in by:
            value = pa.scalar(action[f"partition.{name}"], schema.field(name).type)
            part = part & (
                pds.field(name) == value if value.is_valid else pds.field(name).is_null()
            )
        parts.append(part)
    return pds.FileSystemDataset.from_paths(
        paths,
        schema=schema,
        format=pds.ParquetFileFormat(
            read_options=pds.ParquetReadOptions(coerce_int96_timestamp_unit="us")
        ),
        filesystem=LocalFileSystem(),
        partitions=parts,
    )


def _in_files(rows: pds.Dataset) -> set[str]:
    first = next(iter(rows.get_fragments()), None)
    return set(rows.schema.names) if first is None else set(first.physical_schema.names)


def _with_dates(table: pa.Table, name: str) -> pa.Table:
    column = table[name]
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type):
        try:
            column = column.cast(pa.date32())
        except pa.ArrowInvalid:
            return table
        return table.set_column(table.schema.get_field_index(name), name, column)
    return table
