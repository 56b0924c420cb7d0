"""What a log's files are, before any engine reads: columns, rows, bytes, groups read together."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BufferedReader
from typing import Any

from pipelines.config.logs import LogConfig
from pipelines.contracts.sources.footers import Columns, read_footers, twice_but_for_case
from pipelines.contracts.sources.listing import Listing, Place, SourceFile
from pipelines.contracts.sources.text_lines import (
    UnreadableLineError,
    clean_line,
    csv_fields,
    json_fields,
)
from pipelines.contracts.sources.types import SourceColumn, text_column
from pipelines.errors import InputError, Problem

_Seen = tuple[SourceFile, Columns, str | None]
_THREADS = 16
_JSON_SAMPLE_LINES = 100
_GZIP_CHECKED_BYTES = 64 * 2**20


@dataclass(frozen=True)
class FileGroup:
    """Files that one read takes: the same columns, the same header, the same sub-folders.

    Attributes:
        files: The files, in the order of their paths.
        columns: Their columns, in file order.
        header: CSV: the header line without line end, or None.
    """

    files: tuple[SourceFile, ...]
    columns: tuple[SourceColumn, ...]
    header: str | None = None


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


def open_files(log: str, config: LogConfig, kind: str, listing: Listing) -> Opened:
    """Look at every file of a listing.

    Raises:
        InputError: A file is truncated, not of its format, or without the header it should have.
    """
    hollow = not listing.files
    files = listing.files or ((listing.stand_in,) if listing.stand_in else ())
    rows: int | None = None
    if kind == "parquet":
        footers = read_footers(log, listing.place, files)
        rows = sum(footer.rows or 0 for footer in footers)
        groups = _grouped(kind, zip(files, footers, [None] * len(files), strict=True))
    else:
        _refuse_truncated(log, listing.place, files)
        seen = [_text_file(log, config, kind, listing.place, file) for file in files]
        InputError.raise_if_any(problem for _, _, problem in seen if problem is not None)
        groups = _grouped(kind, ((f, c, h) for f, (c, h, _) in zip(files, seen, strict=True)))
    columns, differing = _united(groups)
    return Opened(
        place=listing.place,
        kind=kind,
        groups=groups,
        columns=columns,
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
    name = files[0].path.lower().removesuffix(".gz")
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
    groups: dict[tuple[object, ...], list[SourceFile]] = {}
    columns: dict[tuple[object, ...], dict[str, SourceColumn]] = {}
    headers: dict[tuple[object, ...], str | None] = {}
    for file, found, header in files:
        # Sub-folders that look like partitions must agree within one read.
        inside = tuple(part.partition("=")[0] for part in file.path.split("/") if "=" in part)
        shape = tuple((column.name, column.found) for column in found.columns)
        key = (inside, header, () if kind == "json_lines" else shape)
        groups.setdefault(key, []).append(file)
        headers[key] = header
        for column in found.columns:
            columns.setdefault(key, {}).setdefault(column.name, column)
    return tuple(
        FileGroup(tuple(groups[key]), tuple(columns.get(key, {}).values()), headers[key])
        for key in groups
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


def _text_file(
    log: str, config: LogConfig, kind: str, place: Place, file: SourceFile
) -> tuple[Columns, str | None, Problem | None]:
    if kind == "json_lines":
        names = _json_names(place, file)
        return Columns(file.path, tuple(text_column(name) for name in names), None), None, None
    header = None
    if config.csv.names is not None:
        names = list(config.csv.names)
    else:
        line, _ = clean_line(_first_lines(place, file, 1)[0].rstrip(b"\n"))
        header = line
        try:
            fields = csv_fields(line, config.csv.delimiter)
        except UnreadableLineError as error:
            problem = Problem(f"logs.{log}", f"{file.path} has no CSV header", str(error))
            return Columns(file.path, (), None), header, problem
        names = [name or f"_c{index}" for index, name in enumerate(fields)]
    if twice := twice_but_for_case(names):
        problem = Problem(
            f"logs.{log}", f"{file.path} has columns that differ only in case", str(twice)
        )
        return Columns(file.path, (), None), header, problem
    return Columns(file.path, tuple(text_column(name) for name in names), None), header, None


def _json_names(place: Place, file: SourceFile) -> list[str]:
    names: dict[str, None] = {}
    for raw in _first_lines(place, file, _JSON_SAMPLE_LINES):
        line, _ = clean_line(raw.rstrip(b"\n"))
        try:
            fields = json_fields(line)
        except UnreadableLineError:
            continue
        names.update(dict.fromkeys(fields))
        for name, value in fields.items():
            for element in value[:_JSON_SAMPLE_LINES] if isinstance(value, list) else ():
                if isinstance(element, dict):
                    names.update(dict.fromkeys(f"{name}.{key}" for key in element))
    return list(names)


def _first_lines(place: Place, file: SourceFile, count: int) -> list[bytes]:
    with place.filesystem.open_input_file(file.path) as handle:
        stream: Any = handle
        if file.path.endswith(".gz"):
            stream = gzip.GzipFile(fileobj=handle)
        reader = BufferedReader(stream)
        lines = [line for _, line in zip(range(count), reader, strict=False)]
    return lines or [b""]


def _refuse_truncated(log: str, place: Place, files: Sequence[SourceFile]) -> None:
    """Decompress the smaller .gz files once; the engine itself fails on the larger ones."""
    checked = [f for f in files if f.path.endswith(".gz") and f.size <= _GZIP_CHECKED_BYTES]

    def check(file: SourceFile) -> Problem | None:
        try:
            with place.filesystem.open_input_file(file.path) as handle:
                stream = gzip.GzipFile(fileobj=handle)
                while stream.read(2**20):
                    pass
        except (EOFError, OSError, zlib.error) as error:
            what = f"{file.path} is not a complete gzip file"
            return Problem(f"logs.{log}", what, str(error), next_step="Write the file again.")
        return None

    with ThreadPoolExecutor(_THREADS) as pool:
        InputError.raise_if_any(p for p in pool.map(check, checked) if p is not None)
