"""Lines of CSV and JSON as rows of text, one by one, so that a bad line damages no other."""

import csv
import json
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.config.logs import Explode

Row = tuple[str | None, int | None, list[str | None]]
"""What is wrong with it or None, its place in the list of candidates, the wanted values."""


class UnreadableLineError(ValueError):
    """A line is not what its format says; the message becomes the reason of the rejected row."""


@dataclass(frozen=True)
class LineFormat:
    """How the lines of one group of files read.

    Attributes:
        kind: ``csv`` or ``json_lines``.
        names: CSV: every column, in order.
        header: CSV: the line that is the header, to be dropped; None where there is none.
        delimiter: CSV: between two fields.
        wanted: The source columns to give, in order; a candidate's field is ``column.field``.
        explode: How a request's candidates lie in it, or None.
    """

    kind: Literal["csv", "json_lines"]
    wanted: tuple[str, ...]
    names: tuple[str, ...] = ()
    header: str | None = None
    delimiter: str = ","
    explode: Explode | None = None

    def fields(self, line: str) -> dict[str, Any]:
        """Return the fields of a line by name.

        Raises:
            UnreadableLineError: The line is malformed.
        """
        if self.kind == "json_lines":
            return json_fields(line)
        values = csv_fields(line, self.delimiter)
        if len(values) != len(self.names):
            raise UnreadableLineError(
                f"the line has {len(values)} fields, {len(self.names)} are expected"
            )
        return dict(zip(self.names, values, strict=True))

    def rows(self, line: str) -> list[Row]:
        """Return the rows of a line: one, or one per candidate."""
        try:
            fields = self.fields(line)
            if self.explode is None:
                return [(None, None, [as_text(fields.get(name)) for name in self.wanted])]
            return self._exploded(fields, self.explode)
        except UnreadableLineError as error:
            return [(f"unreadable: {error}", None, [None] * len(self.wanted))]

    def _exploded(self, fields: dict[str, Any], explode: Explode) -> list[Row]:
        lists = [_list_in(fields, name, explode) for name in explode.columns]
        sizes = [len(values) for values in lists]
        problem = None
        if len(set(sizes)) > 1:
            problem = f"unreadable: parallel lists have the lengths {_joined(sizes)}"
        elif sizes[0] == 0:
            problem = "missing: the list of candidates is NULL or empty"
        if problem is not None:
            alone = {name: value for name, value in fields.items() if name not in explode.columns}
            return [(problem, None, [as_text(alone.get(name)) for name in self.wanted])]
        rows: list[Row] = []
        for place, candidate in enumerate(zip(*lists, strict=True)):
            merged = fields | _candidate_fields(explode, candidate)
            rows.append((None, place, [as_text(merged.get(name)) for name in self.wanted]))
        return rows


def csv_fields(line: str, delimiter: str) -> list[str]:
    """Return the fields of one CSV line.

    Raises:
        UnreadableLineError: A quote is not closed, or text stands after a closing quote.
    """
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        raise UnreadableLineError(f"the line is not CSV ({error})") from error


def json_fields(line: str) -> dict[str, Any]:
    """Return the object in a line; numbers stay the text that they are written as.

    Raises:
        UnreadableLineError: The line is not JSON, or not an object.
    """
    try:
        found = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
        if "\\u" in line:
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UnreadableLineError(f"the line is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise UnreadableLineError("the line is not a JSON object")
    return found


class _Number(str):
    """A JSON number as it is written."""


def as_text(value: Any) -> str | None:
    """Return a JSON or CSV value as text: true and false, numbers as written, NULL as None."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _list_in(fields: dict[str, Any], name: str, explode: Explode) -> list[Any]:
    value = fields.get(name)
    if value is None:
        return []
    if explode.kind == "delimited":
        text = as_text(value) or ""
        return text.split(explode.delimiter) if text else []
    if not isinstance(value, list):
        raise UnreadableLineError(f"{name} is not a list")
    if explode.kind == "structs" and any(not isinstance(v, dict | None) for v in value):
        raise UnreadableLineError(f"{name} holds something that is not an object")
    return value


def _candidate_fields(explode: Explode, candidate: tuple[Any, ...]) -> dict[str, Any]:
    if explode.kind == "structs":
        prefix = explode.columns[0]
        return {f"{prefix}.{field}": value for field, value in (candidate[0] or {}).items()}
    return dict(zip(explode.columns, candidate, strict=True))


def _joined(sizes: list[int]) -> str:
    return ", ".join(str(size) for size in sizes)


def clean_line(raw: bytes) -> tuple[str, bool]:
    """Return a line without byte order mark and carriage return, and whether it is UTF-8.

    Bytes that are no UTF-8 are written as a backslash, x and two hexadecimal digits.
    """
    body = raw.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\r")
    try:
        return body.decode(), True
    except UnicodeDecodeError:
        return body.decode(errors="backslashreplace"), False
