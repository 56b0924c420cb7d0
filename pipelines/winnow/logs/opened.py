"""A log's files, looked at: what is read together, and the columns that they have."""

from dataclasses import dataclass, field
from datetime import date

from winnow.logs.files.locations import Location, SourceFile
from winnow.logs.text.opening import TextReading
from winnow.logs.types import SourceColumn


@dataclass(frozen=True)
class FileGroup:
    """Files that one read takes: the same columns, the same text.

    Attributes:
        files: The files, in the order of their paths.
        columns: Their columns, in file order.
        text: Text formats: how the files are read.
    """

    files: tuple[SourceFile, ...]
    columns: tuple[SourceColumn, ...]
    text: TextReading | None = None


@dataclass(frozen=True)
class DeltaVersion:
    """What is read of a Delta table.

    Attributes:
        version: The table's version.
        partition: The partition column of dates, or None where all of the table is wanted.
        dates: The values of ``partition`` that are wanted, and the dates that they stand for.
        files: Where some lie outside of the table's folder: all wanted files by their partition
            values; else None.
    """

    version: int
    partition: str | None = None
    dates: tuple[tuple[object, date], ...] = ()
    files: tuple[tuple[tuple[tuple[str, object], ...], tuple[SourceFile, ...]], ...] | None = None


@dataclass(frozen=True)
class Opened:
    """A log's files, looked at.

    Attributes:
        location: Where they lie.
        kind: ``parquet``, ``csv``, ``json_lines`` or ``delta``.
        groups: What to read; empty where nothing is there.
        columns: The columns of all groups together, in the order in which they were met.
        open_ended: True where rows may have further columns (JSON lines, none of them readable).
        hollow: True where ``groups`` only shows the columns: no row is to be read.
        rows: The rows in the files, where the files say so.
        size: The bytes of the files that are read.
        delta: Delta: what to read of which version.
        differing: Columns whose type differs between files, as two of the types.
        warnings: What was passed over, one sentence each.
    """

    location: Location
    kind: str
    groups: tuple[FileGroup, ...]
    columns: tuple[SourceColumn, ...]
    open_ended: bool = False
    hollow: bool = False
    rows: int | None = None
    size: int = 0
    delta: DeltaVersion | None = None
    differing: tuple[tuple[SourceColumn, SourceColumn], ...] = field(default=())
    warnings: tuple[str, ...] = ()
