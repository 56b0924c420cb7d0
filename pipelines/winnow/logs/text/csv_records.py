"""CSV as records: fields in quotes may hold delimiters, quotes and line ends.

A record that is malformed damages no other: what cannot be read as a record of several lines is
one broken line, and reading goes on with the line after it.
"""

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from winnow.logs.text.streams import clean_line, readable_line

LINES_PER_RECORD = 1_000
"""How many lines a record may have: as far as the end of an open quote is looked for."""

# A field may be as long as a line; the module's own limit is 128 KiB.
csv.field_size_limit(2**31 - 1)


class UnreadableLineError(ValueError):
    """A line is not what its format says; the message becomes the reason of the rejected row."""


class OpenQuoteError(UnreadableLineError):
    """A quote is opened and not closed in the text."""


@dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
        text: The record as it stands in the file, without the line end behind it.
        values: Its fields, or None where it cannot be read.
        problem: Why it is broken, or None; some of its fields may be readable all the same.
    """

    text: str
    values: list[str] | None
    problem: str | None = None


@dataclass(frozen=True)
class CsvDialect:
    """How fields are separated.

    Attributes:
        delimiter: Between two fields.
        quote: Around a field that may hold anything, or None where quotes mean nothing. A quote
            within is doubled.
        escape: Stands before a sign that means itself, or None. Without it, a record that cannot
            be read otherwise is read once more with backslashes before quotes.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None

    def fields(self, text: str, width: int | None = None) -> list[str]:
        """Return the fields of one record.

        Args:
            text: The record.
            width: How many fields are expected, or None.

        Raises:
            OpenQuoteError: A quote is not closed.
            UnreadableLineError: Text stands after a closing quote, or the width is another.
        """
        if (self.quote is None or self.quote not in text) and (
            self.escape is None or self.escape not in text
        ):
            return _of_width(text.split(self.delimiter), width)
        return self._parsed(lambda: (text,), width)

    def records(
        self,
        raws: Iterable[bytes],
        width: int | None,
        encoding: str = "utf-8",
        beyond: Iterable[bytes] = (),
    ) -> Iterator[Record]:
        """Give the records of the lines of a file. Empty lines are none.

        Args:
            raws: The lines with their ends.
            width: How many fields a record has, or None where any number will do.
            encoding: What the lines were decoded from, for messages.
            beyond: The lines after them; raw_lines only as far as an open quote makes it needed.
        """
        lines = iter(raws)
        more = chain(lines, beyond)
        ahead: deque[bytes] = deque()
        while (raw := ahead.popleft() if ahead else next(lines, None)) is not None:
            text, decoded = clean_line(raw, encoding)
            if not text:
                continue
            if not decoded:
                problem = f"the line is not {encoding.upper()}"
                yield Record(text, self._readable_fields(raw, encoding, width), problem)
                continue
            try:
                yield Record(text, self.fields(text, width))
            except OpenQuoteError as error:
                yield self._of_several(raw, ahead, more, width) or Record(text, None, str(error))
            except UnreadableLineError as error:
                yield Record(text, None, str(error))

    def _readable_fields(self, raw: bytes, encoding: str, width: int | None) -> list[str] | None:
        try:
            return self.fields(readable_line(raw, encoding), width)
        except UnreadableLineError:
            return None

    def _of_several(
        self, first: bytes, ahead: deque[bytes], lines: Iterator[bytes], width: int | None
    ) -> Record | None:
        """Return the record that begins with a line, its other lines taken; None if there is none.

        It has to close its quotes and to have as many fields as expected.
        """
        raw_lines: list[str] = []

        def following() -> Iterator[str]:
            raw_lines.clear()
            for number in range(LINES_PER_RECORD):
                if number > len(ahead):
                    if (line := next(lines, None)) is None:
                        return
                    ahead.append(line)
                raw = first if number == 0 else ahead[number - 1]
                try:
                    raw_lines.append(raw.decode().removeprefix("\ufeff"))
                except UnicodeDecodeError:
                    return
                yield raw_lines[-1]

        try:
            values = self._parsed(following, width)
        except UnreadableLineError:
            return None
        for _ in raw_lines[1:]:
            ahead.popleft()
        return Record("".join(raw_lines).removesuffix("\n").removesuffix("\r"), values)

    def _parsed(self, lines: Callable[[], Iterable[str]], width: int | None) -> list[str]:
        """Return the fields of the record that begins ``lines()``."""
        try:
            return self._read(lines(), self.escape, width)
        except UnreadableLineError as error:
            if self.escape is not None or self.quote is None or width is None:
                raise
            try:
                return self._read(lines(), "\\", width)
            except OpenQuoteError:
                raise OpenQuoteError(str(error)) from error
            except UnreadableLineError:
                raise error from None

    def _read(self, lines: Iterable[str], escape: str | None, width: int | None) -> list[str]:
        reader = csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            quoting=csv.QUOTE_NONE if self.quote is None else csv.QUOTE_MINIMAL,
            escapechar=escape,
            strict=True,
        )
        try:
            values = next(reader)
        except (csv.Error, StopIteration) as error:
            sentence = f"the line is not CSV ({error})"
            if "unexpected end of data" in str(error):
                raise OpenQuoteError(sentence) from error
            raise UnreadableLineError(sentence) from error
        return _of_width(values, width)


COMMON_CSV = CsvDialect()
"""Commas and double quotes."""


def _of_width(values: list[str], width: int | None) -> list[str]:
    if width is not None and len(values) != width:
        raise UnreadableLineError(f"the line has {len(values)} fields, {width} are expected")
    return values
