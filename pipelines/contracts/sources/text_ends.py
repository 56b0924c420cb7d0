"""Whether a text file ends in the middle of a row."""

from pipelines.contracts.sources.csv_records import (
    LINES_PER_RECORD,
    CsvDialect,
    UnreadableLineError,
)
from pipelines.contracts.sources.text_lines import json_fields
from pipelines.contracts.sources.text_streams import clean_line


def is_cut(tail: bytes, header: str | None, dialect: CsvDialect, width: int | None) -> bool:
    """Return whether the last line has no end and is no whole row.

    A cut in the middle of the last field of a CSV row cannot be told from a row.

    Args:
        tail: The last bytes of a file as UTF-8, its line ends being line feeds.
        header: CSV: the header, which may stand alone without an end.
        dialect: CSV: how fields are told apart.
        width: CSV: how many there are; None for JSON lines.
    """
    lines = tail.split(b"\n")
    text, decoded = clean_line(lines[-1])
    if not text or text == header or tail.endswith(b"\r"):
        return False
    if width is None:
        return text.lstrip().startswith("{") and not _is_json(text)
    if not decoded and _ends_within_a_character(lines[-1]):
        return True
    if _is_record(text, dialect, width) or _ends_a_record(lines, dialect, width):
        return False
    try:
        return len(dialect.fields(text)) < width
    except UnreadableLineError:
        return True


def _ends_a_record(lines: list[bytes], dialect: CsvDialect, width: int) -> bool:
    """Return whether the last line is the end of a record of several lines."""
    if dialect.quote is None or dialect.quote.encode() not in lines[-1]:
        return False
    text = clean_line(lines[-1])[0]
    for line in lines[-2 : -LINES_PER_RECORD - 1 : -1]:
        text = f"{line.decode(errors='replace')}\n{text}"
        if _is_record(text, dialect, width):
            return True
    return False


def _is_record(text: str, dialect: CsvDialect, width: int) -> bool:
    try:
        dialect.fields(text, width)
    except UnreadableLineError:
        return False
    return True


def _is_json(text: str) -> bool:
    try:
        json_fields(text)
    except UnreadableLineError:
        return False
    return True


def _ends_within_a_character(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return error.end == len(line) and error.reason == "unexpected end of data"
    return False
