"""Lines of CSV and JSON as rows of text, one by one, so that a bad line damages no other."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from winnow.logs.dotted import value_at
from winnow.logs.text.csv_records import COMMON_CSV, CsvDialect, UnreadableLineError
from winnow.logs.text.streams import UNKNOWN, clean_line, readable_line

if TYPE_CHECKING:
    from winnow.config.log_shapes import Explode

BETWEEN_ELEMENTS = "\x1f"
"""Between the elements of a list that is given as one text."""

Row = tuple[str | None, int | None, list[str | None]]
"""What is wrong with it or None, its position in the list, the wanted values."""


@dataclass(frozen=True)
class ElementLists:
    """The ``explode`` of a config, as plain data: it travels to tasks, which have no Pydantic."""

    kind: Literal["structs", "arrays", "delimited"]
    columns: tuple[str, ...]
    delimiter: str
    item_delimiter: str | None = None
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, explode: "Explode | None") -> Self | None:
        """Take it from a config; None where there is none."""
        if explode is None:
            return None
        return cls(
            explode.kind,
            explode.columns,
            explode.delimiter,
            explode.item_delimiter,
            explode.named_fields,
        )


@dataclass(frozen=True)
class LineFormat:
    """How the lines of one group of files read.

    Attributes:
        kind: ``csv`` or ``json_lines``.
        names: CSV: every column, in order.
        header: CSV: the line that is the header, to be dropped; None where there is none.
        dialect: CSV: how fields are separated.
        wanted: The source columns to give, in order; an element's field is ``column.field``.
        explode: How a request's list lies in it, or None.
        encoding: What the lines were decoded from, for messages.
        once: A wanted column that only the first row of a line has: its list, as one text.
    """

    kind: Literal["csv", "json_lines"]
    wanted: tuple[str, ...]
    names: tuple[str, ...] = ()
    header: str | None = None
    dialect: CsvDialect = COMMON_CSV
    explode: ElementLists | None = None
    encoding: str = "utf-8"
    once: str | None = None

    def rows(
        self, raws: Iterable[bytes], beyond: Iterable[bytes] = ()
    ) -> Iterator[tuple[str, list[Row]]]:
        """Give the text of every line, or record of several lines, and its rows.

        A record gives one row, or one per element of its list. Empty lines and headers are none.

        Args:
            raws: The lines with their ends.
            beyond: CSV: the lines after them, for a record that begins in ``raws``.
        """
        if self.kind == "csv":
            for record in self.dialect.records(raws, len(self.names), self.encoding, beyond):
                if record.text == self.header:
                    continue
                if record.values is None:
                    yield record.text, [self._unreadable(record.problem)]
                    continue
                fields = dict(zip(self.names, record.values, strict=True))
                yield record.text, self._rows_of(fields, record.problem)
            return
        for raw in raws:
            line, decoded = clean_line(raw, self.encoding)
            if not line:
                continue
            problem = None if decoded else f"the line is not {self.encoding.upper()}"
            try:
                fields = json_fields(line if decoded else readable_line(raw, self.encoding))
            except UnreadableLineError as error:
                yield line, [self._unreadable(problem or str(error))]
                continue
            yield line, self._rows_of(fields, problem)

    def _rows_of(self, fields: dict[str, Any], problem: str | None) -> list[Row]:
        """Return the rows of a line.

        Of one that is not all text what can be read is there: it tells what a user was shown.
        """
        try:
            if self.explode is None:
                rows: list[Row] = [(None, None, self._values(fields))]
            else:
                rows = self._exploded(fields, self.explode)
        except UnreadableLineError as error:
            return [self._unreadable(problem or str(error))]
        if problem is None:
            return rows
        return [
            (f"unreadable: {problem}", place, [_known(value) for value in values])
            for _, place, values in rows
        ]

    def _unreadable(self, problem: str | None) -> Row:
        return f"unreadable: {problem}", None, [None] * len(self.wanted)

    def _exploded(self, fields: dict[str, Any], explode: ElementLists) -> list[Row]:
        lists = [_list_in(fields, name, explode) for name in explode.columns]
        sizes = [len(values) for values in lists]
        problem = None
        if len(set(sizes)) > 1:
            problem = f"unreadable: parallel lists have the lengths {_joined(sizes)}"
        elif sizes[0] == 0:
            problem = "missing: the list of candidates is NULL or empty"
        if problem is not None:
            alone = {name: value for name, value in fields.items() if name not in explode.columns}
            return [(problem, None, self._values(alone))]
        rows: list[Row] = []
        fields = dict(fields)
        for position, element in enumerate(zip(*lists, strict=True)):
            values, problem = _element_fields(explode, element)
            merged = fields | values
            rows.append((problem, position, self._values(merged)))
            if self.once is not None:
                fields[self.once] = None
        return rows

    def _values(self, fields: dict[str, Any]) -> list[str | None]:
        if self.once is not None and isinstance(once := value_at(fields, self.once), list):
            fields = fields | {self.once: BETWEEN_ELEMENTS.join(as_text(v) or "" for v in once)}
        return [as_text(value_at(fields, name)) for name in self.wanted]


def json_fields(line: str) -> dict[str, Any]:
    """Return the object in a line; numbers stay the text that they are written as.

    Raises:
        UnreadableLineError: The line is not JSON, or not an object.
    """
    try:
        found = _DECODER.decode(line)
        if "\\u" in line:
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UnreadableLineError(f"the line is not JSON ({error})") from error
    if not isinstance(found, dict):
        raise UnreadableLineError("the line is not a JSON object")
    return found


class _Number(str):
    """A JSON number as it is written."""


_DECODER = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def as_text(value: Any) -> str | None:
    """Return a JSON or CSV value as text: true and false, numbers as written, NULL as None."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _known(value: str | None) -> str | None:
    """Return a value, or None where a part of it could not be decoded."""
    return None if value is None or UNKNOWN in value else value


def _list_in(fields: dict[str, Any], name: str, explode: ElementLists) -> list[Any]:
    value = value_at(fields, name)
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


def _element_fields(
    explode: ElementLists, element: tuple[Any, ...]
) -> tuple[dict[str, Any], str | None]:
    """Return an element's values by name, and what is wrong with it as a whole."""
    if explode.kind == "structs":
        prefix = explode.columns[0]
        return {f"{prefix}.{field}": value for field, value in (element[0] or {}).items()}, None
    if explode.item_delimiter is None:
        return dict(zip(explode.columns, element, strict=True)), None
    parts = element[0].split(explode.item_delimiter)
    if len(parts) == len(explode.fields):
        return dict(zip(explode.fields, parts, strict=True)), None
    return {}, f"{wrong_number_of_fields(explode.columns[0], len(explode.fields))}{element[0]}'"


def wrong_number_of_fields(column: str, n_fields: int) -> str:
    """Return the beginning of what is said of an element that has more or fewer fields."""
    return f"unreadable: a candidate of {column} has not {n_fields} fields, found '"


def _joined(sizes: list[int]) -> str:
    return ", ".join(str(size) for size in sizes)
