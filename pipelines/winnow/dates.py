"""Calendar dates: where a date begins and ends, in microseconds, in the configured zone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def start_of(day: date, zone: str, hour: int = 0) -> int:
    """Return the first microsecond of a date in a zone, or of an hour of it, since 1970 UTC."""
    begin = datetime.combine(day, time(hour), tzinfo=ZoneInfo(zone))
    return (begin.astimezone(UTC) - _EPOCH) // _MICROSECOND


def date_of(event_us: int, zone: str) -> date:
    """Return the date, in a zone, of a moment in microseconds since 1970-01-01 UTC."""
    return (_EPOCH + timedelta(microseconds=event_us)).astimezone(ZoneInfo(zone)).date()


@dataclass(frozen=True)
class CalendarDay:
    """One date of the calendar zone: the half-open range [start_us, end_us).

    A date with a change to or from daylight saving time has 23 or 25 hours.
    """

    date: date
    zone: str = "UTC"

    @property
    def start_us(self) -> int:
        """The first microsecond of the date, since 1970-01-01 UTC."""
        return start_of(self.date, self.zone)

    @property
    def end_us(self) -> int:
        """The first microsecond of the next date."""
        return start_of(self.date + timedelta(days=1), self.zone)

    def hour_us(self, hour: int) -> int:
        """Return the microsecond at which the clock first shows a full hour of the date.

        Of an hour that a change of the clock leaves out, it is when that hour would have begun.
        """
        return start_of(self.date, self.zone, hour)

    def shifted(self, days: int) -> "CalendarDay":
        """Return the date so many days later (earlier where negative)."""
        return CalendarDay(self.date + timedelta(days=days), self.zone)


@dataclass(frozen=True)
class DateRange:
    """Whole dates of the calendar zone, both ends included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        """Give the dates in order."""
        for offset in range(len(self)):
            yield self.first + timedelta(days=offset)

    def __len__(self) -> int:
        """The number of dates."""
        return (self.last - self.first).days + 1


def spans(days: Iterable[date]) -> str:
    """Say which dates they are, runs of dates as their ends: ``2026-01-01 to 2026-01-09, …``."""
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
