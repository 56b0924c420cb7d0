"""Which datetime patterns are read: those that an engine reads a known moment back by.

The engines agree on most of Spark's pattern letters, but not on all, and some patterns leave a
moment open. A pattern is tried before a row is read, on texts that are written here from it.
"""

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from winnow.errors import Problem
from winnow.spark.dialect import dialect_of

LETTERS = "yMLdDHhKkmsSaVzXxZ"
"""Spark's pattern letters that are read."""

_TOKEN = re.compile(r"'(?:[^']|'')*'|\[|\]|([A-Za-z])\1*|[^A-Za-z'\[\]]+|'")
_MOMENTS = (
    datetime(2026, 11, 9, 21, 5, 7, 123_456, UTC),
    datetime(2013, 2, 28, 0, 40, 59, 987_654, UTC),
    datetime(2020, 7, 31, 12, 18, 30, 500_000, UTC),
)
_ZONE_LETTERS = frozenset("VzXxZ")
_OFFSETS = (timedelta(0), timedelta(hours=-5))


def pattern_problem(where: str, pattern: str, zone: str) -> Problem | None:
    """Return why a pattern cannot say a moment, on whatever engine; None where it can.

    Args:
        where: Where it stands in the config.
        pattern: The pattern.
        zone: The zone of texts that name none.
    """
    letters = {token[0] for token in _tokens(pattern) if token[0].isalpha()}
    if unknown := sorted(letters - set(LETTERS)):
        what = f"pattern {pattern!r} has letters that are not read"
        fix = "See the pattern letters in docs/configuration.md."
        return Problem(where, what, ", ".join(unknown), f"letters of {LETTERS}", fix)
    if _unbalanced(pattern):
        return Problem(where, f"pattern {pattern!r} has a quote or bracket without its other half")
    on_a_date = "y" in letters and ("D" in letters or ({"M", "L"} & letters and "d" in letters))
    if not on_a_date:
        what = f"pattern {pattern!r} does not say the date"
        return Problem(where, what, expected="a year, a month and a day")
    if {"h", "K"} & letters and "a" not in letters:
        what = f"pattern {pattern!r} counts twelve hours and does not say which half of the day"
        return Problem(where, what, expected="HH, or hh with a")
    always = {token[0] for token in _without_brackets(_tokens(pattern), keep=False)}
    if zone != "UTC" and letters & _ZONE_LETTERS and not always & _ZONE_LETTERS:
        what = f"pattern {pattern!r} has a zone that may be left out, which is then read as UTC"
        return Problem(where, what, f"zone {zone}", "zone UTC, or a zone in every text")
    return None


def engine_problem(where: str, pattern: str, spark: SparkSession) -> Problem | None:
    """Return that the engine of a session does not read a pattern as it is meant, or None.

    Args:
        where: Where it stands in the config.
        pattern: A pattern without a ``pattern_problem``.
        spark: The session; its time zone must be UTC.
    """
    found = _misread(pattern, spark)
    if found is None:
        return None
    return Problem(
        where,
        f"the engine {dialect_of(spark).name} does not read pattern {pattern!r}",
        found,
        next_step="Take another pattern (an offset as XXX or a zone id as VV, fields with a "
        "separator between them), write ISO 8601, or try the other engine.",
    )


@cache
def _misread(pattern: str, spark: SparkSession) -> str | None:
    samples = list(dict.fromkeys(_samples(pattern)))
    frame = spark.createDataFrame([(s.text,) for s in samples], "text string")
    try:
        read = frame.select(
            "text", F.unix_micros(F.try_to_timestamp("text", F.lit(pattern))).alias("us")
        ).collect()
    except PySparkException as error:
        return str(error).splitlines()[0][:200]
    values = {row["text"]: row["us"] for row in read}
    for sample in samples:
        if values[sample.text] != sample.us:
            return f"{sample.text!r} is read as {_shown(values[sample.text])}"
    return None


def _shown(us: int | None) -> str:
    if us is None:
        return "no time"
    return (datetime(1970, 1, 1) + timedelta(microseconds=us)).isoformat()


@dataclass(frozen=True)
class _Sample:
    """A text as the pattern means it, and the moment that it names in microseconds."""

    text: str
    us: int


def _samples(pattern: str) -> Iterator[_Sample]:
    tokens = _tokens(pattern)
    zone = next((token for token in tokens if token[0] in _ZONE_LETTERS), None)
    whole = _without_brackets(tokens, keep=True)
    for parts in (whole, _without_brackets(tokens, keep=False)):
        for moment in _MOMENTS:
            for name, offset in _zones_of(zone, moment) if zone in parts else [("", timedelta(0))]:
                local = moment.astimezone(timezone(offset))
                text = "".join(_written(token, local, name) for token in parts)
                yield _Sample(text, _named(local, parts))


def _zones_of(token: str | None, moment: datetime) -> Sequence[tuple[str, timedelta]]:
    if token is None:
        return [("", timedelta(0))]
    if token[0] == "V":
        berlin = timedelta(hours=2 if 4 <= moment.month <= 9 else 1)
        return [("UTC", timedelta(0)), ("Europe/Berlin", berlin)]
    if token[0] == "z":
        pacific = timedelta(hours=-7 if 4 <= moment.month <= 9 else -8)
        return [("GMT", timedelta(0)), ("PDT" if pacific.seconds == 61200 else "PST", pacific)]
    return [("", offset) for offset in _OFFSETS]


def _tokens(pattern: str) -> list[str]:
    return [found.group() for found in _TOKEN.finditer(pattern)]


def _unbalanced(pattern: str) -> bool:
    tokens = _tokens(pattern)
    depth = 0
    for token in tokens:
        depth += {"[": 1, "]": -1}.get(token, 0)
        if depth < 0 or token == "'":
            return True
    return depth != 0


def _without_brackets(tokens: Sequence[str], *, keep: bool) -> tuple[str, ...]:
    """Return the tokens with what is optional, or without it."""
    depth, left = 0, []
    for token in tokens:
        if token in "[]":
            depth += 1 if token == "[" else -1
        elif keep or depth == 0:
            left.append(token)
    return tuple(left)


def _written(token: str, at: datetime, zone: str) -> str:
    """Return what a token of a pattern says about a moment."""
    letter, width = token[0], len(token)
    if letter == "'":
        return token[1:-1].replace("''", "'") or "'"
    if not letter.isalpha():
        return token
    if letter == "y":
        return f"{at.year % 100:02d}" if width == 2 else str(at.year)
    if letter in "ML" and width >= 3:
        return (calendar.month_abbr if width == 3 else calendar.month_name)[at.month]
    if letter == "S":
        return f"{at.microsecond:06d}000"[:width]
    if letter == "a":
        return "AM" if at.hour < 12 else "PM"
    if letter in "Vz":
        return zone
    if letter in "XxZ":
        return _offset(token, at.utcoffset() or timedelta(0))
    number = {
        "M": at.month,
        "L": at.month,
        "d": at.day,
        "D": at.timetuple().tm_yday,
        "H": at.hour,
        "h": at.hour % 12 or 12,
        "K": at.hour % 12,
        "k": at.hour or 24,
        "m": at.minute,
        "s": at.second,
    }[letter]
    return f"{number:0{width}d}"


def _offset(token: str, offset: timedelta) -> str:
    if token[0] == "X" and not offset:
        return "Z"
    sign = "-" if offset < timedelta(0) else "+"
    hours = f"{abs(offset) // timedelta(hours=1):02d}"
    if token[0] == "Z":
        forms = {4: f"GMT{sign}{hours}:00" if offset else "GMT", 5: f"{sign}{hours}:00"}
        return forms.get(len(token), f"{sign}{hours}00") if offset or len(token) != 5 else "Z"
    return {1: f"{sign}{hours}", 2: f"{sign}{hours}00"}.get(len(token), f"{sign}{hours}:00")


def _named(at: datetime, parts: Sequence[str]) -> int:
    """Return the moment that a text says, in microseconds: what it leaves out is zero."""
    letters = {part[0] for part in parts}
    digits = next((len(part) for part in parts if part[0] == "S"), 0)
    step = 10 ** max(0, 6 - digits)
    said = at.replace(
        hour=at.hour if letters & set("HhKk") else 0,
        minute=at.minute if "m" in letters else 0,
        second=at.second if "s" in letters else 0,
        microsecond=at.microsecond // step * step if digits else 0,
    )
    if not letters & _ZONE_LETTERS:
        said = said.replace(tzinfo=UTC)
    return (said - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
