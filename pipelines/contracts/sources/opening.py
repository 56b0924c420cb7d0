"""What a log's files are, before any engine reads: columns, rows, bytes, groups read together."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from pipelines.config.logs import LogConfig
from pipelines.contracts.sources.footers import Columns, read_footers
from pipelines.contracts.sources.listing import Listing, Place, SourceFile
from pipelines.contracts.sources.text_opening import TextReading, open_text_files
from pipelines.contracts.sources.text_streams import COMPRESSIONS
from pipelines.contracts.sources.types import SourceColumn, text_column
from pipelines.errors import InputError, Problem

_Seen = tuple[SourceFile, Columns, TextReading | None]
_Key = tuple[tuple[str, ...], TextReading | None, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class FileGroup:
    """Files that one read takes: the same columns, the same text, the same sub-folders.

    Attributes:
        files: The files, in the order of their paths.
        columns: Their columns, in file order.
        text: Text formats: how the files are read.
    """

    files: tuple[SourceFile, ...]
    columns: tuple[SourceColumn, ...]
    text: TextReading | None = None


@dataclass(frozen=True)
class Opened:
    """A log's files, looked at.

    Attributes:
        place: Where they lie.
        kind: ``parquet``, ``csv``, ``json_lines`` or ``delta``.
        groups: What to read; empty where nothing is there.
        columns: The columns of all groups together, in the order in which they were met.
        open_ended: True where rows may have further columns (JSON lines, none of them readable).
        hollow: True where ``groups`` only shows the columns: no row is to be read.
        rows: The rows in the files, where the files say so.
        size: The bytes of the files that are read.
        delta: Delta: the version to read.
        differing: Columns whose type differs between files, as two of the types.
    """

    place: Place
    kind: str
    groups: tuple[FileGroup, ...]
    columns: tuple[SourceColumn, ...]
    open_ended: bool = False
    hollow: bool = False
    rows: int | None = None
    size: int = 0
    delta: int | None = None
    differing: tuple[tuple[SourceColumn, SourceColumn], ...] = field(default=())


def open_files(
    log: str, config: LogConfig, kind: str, listing: Listing, names: Collection[str] = ()
) -> Opened:
    """Look at every file of a listing.

    Args:
        log: The log's name, for messages.
        config: Its config.
        kind: ``parquet``, ``csv`` or ``json_lines``.
        listing: The files.
        names: The source columns that decide how the log is read, if it has them: keys of JSON
            lines are looked for by name, since any line may have further ones.

    Raises:
        InputError: A file is truncated, not of its format, or without the header it should have.
    """
    hollow = not listing.files
    files = listing.files or ((listing.stand_in,) if listing.stand_in else ())
    rows: int | None = None
    late: list[str] = []
    if kind == "parquet":
        footers = read_footers(log, listing.place, files)
        rows = sum(footer.rows or 0 for footer in footers)
        groups = _grouped(kind, zip(files, footers, [None] * len(files), strict=True))
    else:
        texts, late = open_text_files(log, config, kind, listing.place, files, names)
        groups = _grouped(kind, ((text.file, text.columns, text.reading) for text in texts))
    columns, differing = _united(groups)
    return Opened(
        place=listing.place,
        kind=kind,
        groups=groups,
        columns=(*columns, *(text_column(name) for name in late)),
        open_ended=kind == "json_lines" and not columns,
        hollow=hollow,
        rows=0 if hollow else rows,
        size=sum(file.size for file in listing.files),
        differing=differing,
    )


def guess_format(log: str, listing: Listing) -> str:
    """Return the format that the files' names tell.

    Raises:
        InputError: They tell none.
    """
    files = listing.files or ((listing.stand_in,) if listing.stand_in else ())
    if not files:
        return "parquet"
    name = files[0].path.lower()
    for compressed in COMPRESSIONS:
        name = name.removesuffix(compressed)
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    raise InputError(
        Problem(
            f"logs.{log}.format",
            f"the name of {files[0].path} does not tell the format",
            next_step="Set format to parquet, csv, json_lines or delta.",
        )
    )


_ENDINGS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json_lines",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
}


def _grouped(kind: str, files: Iterable[_Seen]) -> tuple[FileGroup, ...]:
    """Put together what one read can take; JSON lines are read by name, whatever keys they have."""
    groups: dict[_Key, list[SourceFile]] = {}
    columns: dict[_Key, dict[str, SourceColumn]] = {}
    for file, found, text in files:
        # Sub-folders that look like partitions must agree within one read.
        inside = tuple(part.partition("=")[0] for part in file.path.split("/") if "=" in part)
        shape = tuple((column.name, column.found) for column in found.columns)
        key = (inside, text, () if kind == "json_lines" else shape)
        groups.setdefault(key, []).append(file)
        for column in found.columns:
            columns.setdefault(key, {}).setdefault(column.name, column)
    return tuple(
        FileGroup(tuple(members), tuple(columns.get(key, {}).values()), key[1])
        for key, members in groups.items()
    )


def _united(
    groups: Sequence[FileGroup],
) -> tuple[tuple[SourceColumn, ...], tuple[tuple[SourceColumn, SourceColumn], ...]]:
    united: dict[str, SourceColumn] = {}
    differing = []
    for group in groups:
        for column in group.columns:
            known = united.setdefault(column.name, column)
            if known.found != column.found:
                differing.append((known, column))
    return tuple(united.values()), tuple(differing)
