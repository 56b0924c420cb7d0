"""The rows of a split, in the pieces that they can be read in: row groups of Parquet files."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.errors import Problem, ReleaseError
from winnow.release.table_files import TableFiles, parquet_file

_THREADS = 8
"""Footers that are read beside each other: a shared file system answers slowly."""


@dataclass(frozen=True)
class Piece:
    """The rows of one split in one row group.

    Attributes:
        file: Which of the table's files. group: Which of its row groups.
        rows: How many rows of the split it has; at least one.
        mixed: Whether it has rows of other splits too, which files of older releases do.
    """

    file: int
    group: int
    rows: int
    mixed: bool


def pieces_of(files: TableFiles, split: str | None) -> tuple[Piece, ...]:
    """Return where the rows of a split are, file by file; of all splits for None.

    Only the ends of the files are read, and the column ``split`` of row groups that do not tell.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda n: _of_file(files, n, split), range(len(files.files)))
        return tuple(piece for of_file in found for piece in of_file)


def _of_file(files: TableFiles, number: int, split: str | None) -> list[Piece]:
    with parquet_file(files.paths[number]) as file:
        footer = file.metadata
        found = []
        for group in range(footer.num_row_groups):
            rows = footer.row_group(group).num_rows
            of_split = rows if split is None else _rows_of_split(file, group, split)
            if of_split:
                found.append(Piece(number, group, of_split, of_split < rows))
        return found


def _rows_of_split(file: pq.ParquetFile, group: int, split: str) -> int:
    known = file.metadata.row_group(group)
    statistics = known.column(file.schema_arrow.get_field_index("split")).statistics
    if statistics is not None and statistics.has_min_max and statistics.min == statistics.max:
        return int(known.num_rows) if statistics.min == split else 0
    column = file.read_row_group(group, columns=["split"])["split"]
    return int(pc.sum(pc.equal(column, split)).as_py() or 0)


def read_piece(
    files: TableFiles,
    piece: Piece,
    columns: Sequence[str],
    split: str | None,
    first: int | None = None,
) -> pa.Table:
    """Return the rows of a piece, in the order of the file.

    Args:
        files: The table's.
        piece: One of ``pieces_of`` the same files and split.
        columns: Those to read.
        split: The split, None for all.
        first: Of how many rows; what comes behind is not decoded. By default all.
    """
    path, day = files.files[piece.file]
    upto = piece.rows if first is None else min(first, piece.rows)
    with parquet_file(path) as file:
        there = [name for name in columns if name in file.schema_arrow.names]
        wanted = [*there, "split"] if piece.mixed and "split" not in there else there
        needed = file.metadata.row_group(piece.group).num_rows if piece.mixed else upto
        # Decoded as far as needed: a scan of a dataset decodes a row group whole, and ahead.
        parts, n = [], 0
        # In this thread alone: the next window is read beside the batches of the last, and several
        # threads cost more time in all than they save.
        some = file.iter_batches(
            needed, row_groups=[piece.group], columns=wanted, use_threads=False
        )
        for part in some:
            parts.append(part)
            n += part.num_rows
            if n >= needed:
                break
        rows = pa.Table.from_batches(parts)
    if piece.mixed:
        rows = rows.filter(pc.equal(rows["split"], split))
    rows = rows.slice(0, upto)
    if rows.num_rows < upto:
        found, expected = f"{rows.num_rows} rows", f"{upto} rows"
        raise ReleaseError(Problem(path, "changed while it was read", found, expected))
    return pa.table({name: _column(rows, name, files.schema, day) for name in columns})


def _column(rows: pa.Table, name: str, schema: pa.Schema, day: date | None) -> pa.ChunkedArray:
    """Return a column as the table has it: a file lacks its date, and what came later."""
    kind = schema.field(name).type
    if name in rows.schema.names:
        return rows[name].cast(kind)
    value = pa.scalar(day if name == "ds" else None, kind)
    return pa.chunked_array([pa.repeat(value, rows.num_rows)])
