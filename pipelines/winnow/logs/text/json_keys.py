"""Which keys the objects of JSON lines have, wherever in the files they first occur."""

import io
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from winnow.logs.text.csv_records import UnreadableLineError
from winnow.logs.text.lines import json_fields
from winnow.logs.text.streams import clean_line

_BLOCK_BYTES = 8 * 2**20
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_FLAT = rf"(?:[^\"{{}}\[\]\n]|{_STRING})*"
# From the start of a line, past values that hold no value that holds one …
_PAST_VALUES = rf"^\s*\{{(?:{_FLAT}|\{{{_FLAT}\}}|\[{_FLAT}\])*"
# … up to a value that does: what stands behind it is only known to a parser.
_NESTED = rf"{_PAST_VALUES}[\{{\[]{_FLAT}[\{{\[]"
# Only letters, digits and what names are made of: writers escape other signs of plain text.
_ESCAPED_NAME = r'"[^"\n]*\\u00(?:2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])[^"\n]*"\s*:'


def keys_of(fields: dict[str, Any]) -> Iterator[str]:
    """Give the names that a mapping may use for one line's values.

    ``name`` for every key, and ``name.key`` for the keys of objects in lists and of objects.
    """
    for name, value in fields.items():
        yield name
        if isinstance(value, dict):
            yield from (f"{name}.{key}" for key in keys_of(value))
        elif isinstance(value, list):
            for element in value:
                if isinstance(element, dict):
                    yield from (f"{name}.{key}" for key in keys_of(element))


def keys_in(line: bytes) -> list[str]:
    """Return the names of one line; none where it cannot be read."""
    try:
        return list(keys_of(json_fields(clean_line(line)[0])))
    except UnreadableLineError:
        return []


def blocks_of(stream: io.BufferedReader, line_end: str) -> Iterator[bytes]:
    """Give a stream's bytes in blocks that end where a line ends, with line feeds as line ends."""
    rest = b""
    while chunk := stream.read(_BLOCK_BYTES):
        if line_end == "\r":
            chunk = chunk.replace(b"\r", b"\n")
        whole, end, rest_of_chunk = chunk.rpartition(b"\n")
        if not end:
            rest += chunk
            continue
        yield rest + whole + end
        rest = rest_of_chunk
    if rest:
        yield rest


class KeySearch:
    """Looks for names in JSON lines: parses only lines that may have one of them."""

    def __init__(self, names: Collection[str], lists: Collection[str] = ()) -> None:
        """Look for ``names``; ``lists`` are columns that hold lists of objects."""
        self.missing = set(names)
        self.found: set[str] = set()
        self._lists = tuple(lists)

    def look_through(self, block: bytes) -> None:
        """Look for the missing names in whole lines; several threads may, each in its own."""
        escaped = [_ESCAPED_NAME] if b"\\u00" in block else []
        if not self.missing or not _hits([block], _in_one([*self._patterns(), *escaped])):
            return
        lines = block.split(b"\n")
        while hits := _hits(lines, [*self._patterns_of_lines(), *escaped]):
            for number in hits:
                if new := self.missing.intersection(keys_in(lines[number])):
                    self.found |= new
                    self.missing -= new
                    lines = lines[number + 1 :]
                    break
            else:
                return

    def _patterns(self) -> Iterator[str]:
        for name in tuple(self.missing):
            column, dot, key = name.partition(".")
            if dot and column in self._lists:
                # Within the list: strings are passed over, a list in a list is looked at.
                inside = rf"(?:[^\"\[\]\n]|{_STRING})*?"
                either = "|".join(_token(k) for k in {key, key.rpartition(".")[2]})
                yield rf"{_token(column)}\[{inside}(?:\[|{either})"
                continue
            yield _token(name)
            if dot:
                yield _token(name.rpartition(".")[2])

    def _patterns_of_lines(self) -> Iterator[str]:
        """Give patterns of what ``_patterns`` finds, less keys of values within a line's values."""
        patterns = list(self._patterns())
        keys = {_token(name) for name in tuple(self.missing) if "." not in name}
        if keys:
            yield rf"{_PAST_VALUES}(?:{'|'.join(sorted(keys))})"
            yield rf"{_NESTED}[^\n]*(?:{'|'.join(sorted(keys))})"
        yield from (pattern for pattern in patterns if pattern not in keys)


def _in_one(patterns: list[str]) -> list[str]:
    return ["|".join(patterns)] if patterns else []


def _hits(texts: list[bytes], patterns: list[str]) -> list[int]:
    """Return the places of the texts that one of the patterns, if any, is found in."""
    lines = pa.array(texts, pa.large_binary())
    places: set[int] = set()
    # One by one: anchored patterns in one are twenty times as slow.
    for pattern in patterns:
        found = pc.match_substring_regex(lines, pattern)
        places.update(pc.indices_nonzero(found).to_pylist())
    return sorted(places)


def _token(name: str) -> str:
    """Return a pattern of a key and its colon, as writers may write it."""
    plain = re.escape(json.dumps(name, ensure_ascii=False)[1:-1]).replace("/", r"\\?/")
    escaped = re.escape(json.dumps(name)[1:-1])
    either = plain if name.isascii() else f"(?:{plain}|(?i:{escaped}))"
    return rf'"{either}"\s*:\s*'
