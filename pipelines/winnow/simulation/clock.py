"""UTC dates as numbers: days and microseconds since 1970-01-01."""

from datetime import date

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US

_EPOCH = date(1970, 1, 1).toordinal()


def epoch_day(day: date) -> int:
    """Return the number of whole days from 1970-01-01 to ``day``."""
    return day.toordinal() - _EPOCH


def date_of(days: int) -> date:
    """Return the date that is ``days`` days after 1970-01-01: the inverse of ``epoch_day``."""
    return date.fromordinal(days + _EPOCH)
