"""Text files looked at before any engine reads: their shape, their columns, whether they are whole.

What a column means must not depend on where it first occurs, and half a file must not be taken for
a file. So the ends of all files are read, and all of a file where it may hold a key of JSON lines
that was not seen yet, where it is compressed, or where several tasks are to read it.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from winnow.config.log_shapes import Csv
from winnow.config.logs import LogConfig
from winnow.errors import InputError, Problem
from winnow.logs.files.locations import Location, SourceFile
from winnow.logs.split_files import BYTES_PER_SPLIT
from winnow.logs.text.csv_records import COMMON_CSV, CsvDialect, UnreadableLineError
from winnow.logs.text.ends import cut_off
from winnow.logs.text.json_keys import KeySearch, blocks_of, keys_in
from winnow.logs.text.not_text import damaged_text, not_json_lines, not_text
from winnow.logs.text.streams import (
    TextShape,
    compression_of,
    encoding_of,
    line_end_of,
    lines_of,
    open_stream,
)
from winnow.logs.types import Columns, text_column, twice_but_for_case

_THREADS = 16
_HEAD_BYTES = 2**16
_SAMPLE_LINES = 100
_TAIL_BYTES = 2**20
_DELIMITERS = (",", "\t", ";", "|")


@dataclass(frozen=True)
class TextReading:
    """How text is read.

    Attributes:
        shape: How bytes become lines.
        header: CSV: the record that is the header, or None.
        dialect: CSV: how fields are separated.
    """

    shape: TextShape
    header: str | None = None
    dialect: CsvDialect = COMMON_CSV


@dataclass(frozen=True)
class TextFile:
    """A text file, looked at.

    Attributes:
        file: The file.
        columns: CSV: its columns, in order. JSON lines: the names that its first lines use.
        reading: How it is read.
    """

    file: SourceFile
    columns: Columns
    reading: TextReading


def open_text_files(
    log: str,
    config: LogConfig,
    kind: str,
    location: Location,
    files: Sequence[SourceFile],
    names: Collection[str],
) -> tuple[list[TextFile], list[str], list[SourceFile]]:
    """Look at text files.

    Args:
        log: The log's name, for messages.
        config: Its config.
        kind: ``csv`` or ``json_lines``.
        location: Where the files lie.
        files: The files.
        names: JSON lines: the names that decide how the log is read, if any line has them.

    Returns:
        The files; those of ``names`` that occur behind the first lines of all of them; and the
        files that are not among them as they have no line, where a header would tell the columns.

    Raises:
        InputError: A file is truncated, cut off, no text, or without the header it should have.
    """

    def look(file: SourceFile) -> TextFile | Problem | None:
        try:
            return _looked_at(log, config, kind, location, file)
        except (OSError, UnicodeError) as error:
            return location.refusal(log, file.path, error) or damaged_text(log, file, error)

    with ThreadPoolExecutor(_THREADS) as pool:
        seen = list(pool.map(look, files))
        InputError.raise_if_any(found for found in seen if isinstance(found, Problem))
        texts = [found for found in seen if found is not None and not isinstance(found, Problem)]
        without_lines = [file for file, found in zip(files, seen, strict=True) if found is None]
        if not texts:
            InputError.raise_if_any(_no_header(log, file) for file in without_lines)
        search = _search(config, kind, texts, names)
        whole = list(
            pool.map(lambda text: _checked(log, config, kind, location, text, search), texts)
        )
    InputError.raise_if_any(found for found in whole if isinstance(found, Problem))
    fine = [found for found in whole if isinstance(found, TextFile)]
    return fine, sorted(search.found), without_lines


def _no_header(log: str, file: SourceFile) -> Problem:
    what = f"{file.path} has no line, so no header"
    return Problem(f"logs.{log}", what, next_step="Write the file again, or remove it.")


def _looked_at(
    log: str, config: LogConfig, kind: str, location: Location, file: SourceFile
) -> TextFile | Problem | None:
    with location.filesystem.open_input_file(file.path) as handle:
        compression = compression_of(file.path, handle.read(16))
    shape = TextShape(compression)
    with location.filesystem.open_input_file(file.path) as handle:
        head = open_stream(handle, shape).read(_HEAD_BYTES)
    shape = replace(shape, encoding=encoding_of(head, config.encoding))
    if problem := not_text(log, file, head, shape):
        return problem
    with location.filesystem.open_input_file(file.path) as handle:
        shape = replace(shape, line_end=line_end_of(open_stream(handle, shape).read(_HEAD_BYTES)))
    shape = replace(shape, divisible=shape.plain and shape.line_end == "\n")
    with location.filesystem.open_input_file(file.path) as handle:
        lines = lines_of(open_stream(handle, shape), shape.line_end)
        if kind == "json_lines":
            sample = list(islice(lines, _SAMPLE_LINES))
            if problem := not_json_lines(log, file, sample):
                return problem
            keys = dict.fromkeys(name for line in sample for name in keys_in(line))
            return TextFile(file, _columns(file, list(keys)), TextReading(shape))
        return _with_header(log, config.csv, file, shape, lines)


def _with_header(
    log: str, csv: Csv, file: SourceFile, shape: TextShape, lines: Iterator[bytes]
) -> TextFile | Problem | None:
    """Return a CSV file with its columns; None where it has no line that could be its header."""
    tabs = "\t" if ".tsv" in file.path.lower().rpartition("/")[2] else ","
    dialect = CsvDialect(csv.delimiter or tabs, csv.quote, csv.escape)
    header = None
    if csv.names is not None:
        names = list(csv.names)
    else:
        first = next(dialect.records(lines, None, shape.encoding), None)
        if first is None:
            return None
        header = first.text
        if csv.delimiter is None:
            there = (sign for sign in (tabs, *_DELIMITERS) if sign in header)
            dialect = replace(dialect, delimiter=next(there, tabs))
        try:
            fields = dialect.fields(header)
        except UnreadableLineError as error:
            return Problem(f"logs.{log}", f"{file.path} has no CSV header", str(error))
        names = [name or f"_c{index}" for index, name in enumerate(fields)]
    if twice := twice_but_for_case(names):
        what = f"{file.path} has columns that differ only in case"
        return Problem(f"logs.{log}", what, str(twice))
    return TextFile(file, _columns(file, names), TextReading(shape, header, dialect))


def _columns(file: SourceFile, names: Sequence[str]) -> Columns:
    return Columns(file.path, tuple(text_column(name) for name in names), None)


def _search(
    config: LogConfig, kind: str, texts: Sequence[TextFile], names: Collection[str]
) -> KeySearch:
    if kind != "json_lines":
        return KeySearch(())
    seen = {column.name for text in texts for column in text.columns.columns}
    lists = config.explode.columns if config.explode else ()
    hidden = {name for name in names if any(f"{column}.{name}" in seen for column in lists)}
    return KeySearch(set(names) - seen - hidden, lists)


def _checked(
    log: str, config: LogConfig, kind: str, location: Location, text: TextFile, search: KeySearch
) -> TextFile | Problem:
    """Return the file, which may be no more divisible, or what is wrong with its end."""
    file, shape, dialect = text.file, text.reading.shape, text.reading.dialect
    quoting = kind == "csv" and shape.divisible and file.size > BYTES_PER_SPLIT
    open_quote = _open_quote(dialect) if quoting else None
    tail, divisible = b"", shape.divisible
    try:
        with location.filesystem.open_input_file(file.path) as handle:
            if shape.plain and not search.missing and open_quote is None:
                handle.seek(max(0, file.size - _TAIL_BYTES))
            for block in blocks_of(open_stream(handle, shape), shape.line_end):
                search.look_through(block)
                if divisible and open_quote is not None:
                    divisible = not _holds(block, open_quote, dialect.quote or "")
                tail = (tail + block)[-_TAIL_BYTES:] if len(block) < _TAIL_BYTES else block
    except OSError as error:
        return location.refusal(log, file.path, error) or damaged_text(log, file, error)
    width = len(text.columns.columns) if kind == "csv" else None
    how = cut_off(tail[-_TAIL_BYTES:], text.reading.header, dialect, width)
    if how is not None and not config.accept_cut:
        return Problem(
            f"logs.{log}",
            f"{file.path} ends in the middle of a row: its last line has no line end and {how}",
            next_step="Write the file again, or set accept_cut: true to reject that row alone.",
        )
    reading = replace(text.reading, shape=replace(shape, divisible=divisible))
    return replace(text, reading=reading)


def _open_quote(dialect: CsvDialect) -> str:
    """Return a pattern that every record of several lines has, and few others."""
    escape = re.escape(dialect.escape or "\\")
    if dialect.quote is None:
        return rf"(?m){escape}\r?$"
    mark, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
    content = rf"(?:[^{mark}\n]|{mark}{mark}|{escape}{mark})*"
    return rf"(?m)(?:^|{delimiter}){mark}{content}$|{escape}\r?$"


def _holds(block: bytes, pattern: str, mark: str) -> bool:
    if mark.encode() not in block:
        return False
    return bool(pc.match_substring_regex(pa.array([block], pa.large_binary()), pattern)[0].as_py())
