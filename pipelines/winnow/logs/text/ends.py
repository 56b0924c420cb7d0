"""Whether a text file ends in the middle of a row."""

import re

from winnow.logs.text.csv_records import (
    LINES_PER_RECORD,
    CsvDialect,
    UnreadableLineError,
)
from winnow.logs.text.lines import json_fields
from winnow.logs.text.streams import clean_line

_LINES_TO_COMPARE = 200
_FEWEST_TO_COMPARE = 20
_SHORTEST_TO_COMPARE = 8
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")


def cut_off(tail: bytes, header: str | None, dialect: CsvDialect, width: int | None) -> str | None:
    """Return what tells that the last line, which has no end, is no whole row; else None.

    A cut in the middle of the last field of a CSV row can only be told where that field is a time,
    or as long in every row.

    Args:
        tail: The last bytes of a file as UTF-8, its line ends being line feeds.
        header: CSV: the header, which may stand alone without an end.
        dialect: CSV: how fields are separated.
        width: CSV: how many there are; None for JSON lines.
    """
    lines = tail.split(b"\n")
    text, decoded = clean_line(lines[-1])
    if not text or text == header or tail.endswith(b"\r"):
        return None
    if width is None:
        return "half an object" if text.lstrip().startswith("{") and not _is_json(text) else None
    if not decoded and _ends_within_a_character(lines[-1]):
        return "half a character"
    if _is_record(text, dialect, width):
        others = lines[max(1, len(lines) - _LINES_TO_COMPARE) : -1]
        return _shorter(text, others, dialect, width)
    if _ends_a_record(lines, dialect, width):
        return None
    try:
        return "too few fields" if len(dialect.fields(text)) < width else None
    except UnreadableLineError:
        return "too few fields"


def _shorter(text: str, others: list[bytes], dialect: CsvDialect, width: int) -> str | None:
    """Return that the last field is shorter than all others, which are times or of one length."""
    last = []
    for line in others:
        try:
            last.append(dialect.fields(clean_line(line)[0], width)[-1])
        except UnreadableLineError:
            continue
    lengths = [len(field) for field in last]
    if len(last) < _FEWEST_TO_COMPARE or min(lengths) < _SHORTEST_TO_COMPARE:
        return None
    alike = min(lengths) == max(lengths) or all(_CLOCK.search(field) for field in last)
    if alike and len(dialect.fields(text, width)[-1]) < min(lengths):
        return "a last field shorter than in the rows before it"
    return None


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
