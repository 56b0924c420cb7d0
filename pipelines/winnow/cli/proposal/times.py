"""What kind of values a column holds: times and their unit, whole numbers, flags."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from statistics import median
from typing import Any, Literal

from winnow.config.columns import TimeSource

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?( ?(Z|[+-]\d{2}.*))?")
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_SECONDS: dict[Literal["iso", "s", "ms", "us", "pattern"], int] = {
    "s": 1,
    "ms": 1_000,
    "us": 1_000_000,
}
_NAMES = {1: "seconds", 1_000: "milliseconds", 1_000_000: "microseconds"}
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_PATTERNS = {
    "%Y%m%d%H%M%S": "yyyyMMddHHmmss",
    "%Y/%m/%d %H:%M:%S": "yyyy/MM/dd HH:mm:ss",
    "%Y/%m/%d %H:%M": "yyyy/MM/dd HH:mm",
    "%d.%m.%Y %H:%M:%S": "dd.MM.yyyy HH:mm:ss",
    "%d.%m.%Y %H:%M": "dd.MM.yyyy HH:mm",
    "%d/%m/%Y %H:%M:%S": "dd/MM/yyyy HH:mm:ss",
    "%m/%d/%Y %H:%M:%S": "MM/dd/yyyy HH:mm:ss",
    "%m/%d/%Y %I:%M:%S %p": "MM/dd/yyyy hh:mm:ss a",
    "%Y%m%d": "yyyyMMdd",
}
_MOSTLY = 0.95


def time_in(column: str, values: Sequence[Any]) -> tuple[TimeSource, str] | None:
    """Return how a column's values say a time, and in words what was found; None: they do not.

    A number is told by its magnitude: from 1990 to 2100 no number is of two units.
    """
    if not values:
        return None
    first = _shown(values[0])
    if _share(values, lambda value: isinstance(value, datetime | date)):
        zoned = isinstance(values[0], datetime) and values[0].tzinfo is not None
        said = "a timestamp" if zoned else "a timestamp without zone, taken for UTC"
        return TimeSource(column=column), f"{first} -> {said}"
    texts = [str(value).strip() for value in values]
    for form, pattern in _PATTERNS.items():
        if all(isinstance(value, str) for value in values) and _share(
            texts, lambda text, form=form: _written(text, form)
        ):
            time = TimeSource(column=column, unit="pattern", pattern=pattern)
            return time, f"{first} -> {pattern}, taken for UTC"
    if _share(texts, _NUMBER.fullmatch):
        size = median(abs(float(text)) for text in texts if _NUMBER.fullmatch(text))
        for unit, count in _SECONDS.items():
            if _EARLIEST <= size / count < _LATEST:
                return TimeSource(column=column, unit=unit), f"{first} -> {_NAMES[count]}"
        return None
    if _share(texts, _ISO.fullmatch):
        zoned = texts[0].endswith("Z") or bool(re.search(r"\d[+-]\d{2}(:?\d{2})?$", texts[0][10:]))
        said = "ISO 8601" if zoned else "ISO 8601 without zone, taken for UTC"
        return TimeSource(column=column), f"{first} -> {said}"
    return None


def whole_numbers(values: Sequence[Any]) -> bool:
    """Return whether every value is a whole number of 64 bits, written as bigint reads it."""
    return all(
        isinstance(value, int) if not isinstance(value, str) else bool(_WHOLE.fullmatch(value))
        for value in values
    )


def numbers(values: Sequence[Any]) -> bool:
    """Return whether nearly every value is a number."""
    return _share([str(value) for value in values], _NUMBER.fullmatch)


def flag_in(values: Sequence[Any]) -> bool:
    """Return whether the values are true and false, or 0 and 1."""
    return bool(values) and {str(value).lower() for value in values} <= {"true", "false", "0", "1"}


def _written(text: str, form: str) -> bool:
    try:
        found = datetime.strptime(text, form)
    except ValueError:
        return False
    return 1990 <= found.year < 2100 and found.strftime(form) == text


def _share(values: Sequence[Any], holds: Any) -> bool:
    return bool(values) and sum(bool(holds(value)) for value in values) >= _MOSTLY * len(values)


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)


def date_of(time: TimeSource, value: Any) -> date | None:
    """Return the date in UTC of a time, as far as that is to be seen without an engine."""
    if isinstance(value, datetime):
        return value.date()
    if time.unit in _SECONDS:
        return datetime.fromtimestamp(float(value) / _SECONDS[time.unit], UTC).date()
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
