"""Source times as microseconds since 1970-01-01 UTC, whatever they were written as."""

import re

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.columns import TimeSource
from winnow.contracts.mapping.values import Reading, integer_in, number_in
from winnow.logs.types import INTEGERS

FIRST_US = 5_097_600_000_000
"""1970-03-01: an event before it has a time out of range. Times of today fall there where their
unit is taken for one that is a thousand times or more finer, and so does 0, which means no time."""
END_US = 4_102_444_800_000_000
"""2100-01-01: an event from here on has a time out of range."""

# 0001-01-01 and the last microsecond of 9999: what a timestamp can say. A count beyond them is
# moved onto them, so that nothing overflows; as an event time it is out of range all the same.
_LOWEST_US = -62_135_596_800_000_000
_HIGHEST_US = 253_402_300_799_999_999

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""The microseconds of each unit that times are counted in."""

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)"
_OFFSET = r" ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"
_NAIVE_ISO = rf"{_DATE}{_CLOCK}?\z"
_ZONED_ISO = rf"{_DATE}{_CLOCK}{_OFFSET}\z"


def read_time(source: Column, found: str, time: TimeSource) -> Reading:
    """Read a source column as microseconds since 1970-01-01 UTC.

    Args:
        source: The column. Empty text counts as no value.
        found: Its Spark SQL type; ``mapping.checks`` has made sure that the unit fits it.
        time: The unit, and the zone of values that name none.

    Returns:
        ``value`` is a bigint between the years 1 and 9999.
    """
    if time.unit in UNITS:
        value = _counted(source, found, UNITS[time.unit])
    elif found == "timestamp":
        value = F.unix_micros(source)
    elif found in ("timestamp_ntz", "date"):
        value = _in_zone(F.unix_micros(source.cast("timestamp")), time.zone)
    elif time.unit == "pattern":
        value = _from_pattern(source, time)
    else:
        value = _from_iso(source, time.zone)
    return _reading(source, found, value, value)


def read_event_time(source: Column, found: str, time: TimeSource) -> tuple[Reading, Column]:
    """Read the time that says when a row happened.

    Returns:
        A reading as from ``read_time``, NULL outside of [1970-03-01, 2100-01-01), and whether
        there is a time outside: boolean, never NULL.
    """
    if time.unit in UNITS and found in INTEGERS:
        # Engines compute a formula anew wherever its column stands, so this one, which stands in
        # every condition on a log, is short: the count itself is compared.
        factor, read = UNITS[time.unit], source.cast("bigint")
        inside = (read >= -(-FIRST_US // factor)) & (read < END_US // factor)
        value = F.when(inside, read * F.lit(factor))
    else:
        read = read_time(source, found, time).value
        inside = (read >= FIRST_US) & (read < END_US)
        value = F.when(inside, read)
    return _reading(source, found, read, value), F.coalesce(~inside, F.lit(False))


def _reading(source: Column, found: str, read: Column, value: Column) -> Reading:
    """Return a value; ``read`` is NULL where the source says nothing that can be read."""
    text = source.cast("string")
    if found not in ("string", "double"):
        return Reading(value, None, text)
    unreadable = source.isNotNull() & read.isNull()
    if found == "string":
        unreadable = unreadable & (source != "")
    return Reading(value, F.coalesce(unreadable, F.lit(False)), text)


def _counted(source: Column, found: str, factor: int) -> Column:
    """Return the microseconds of a count: of whole numbers exactly, of others to the nearest."""
    if found in INTEGERS:
        return _scaled(source.cast("bigint"), factor)
    if found == "string":
        whole = integer_in(source)
        return F.coalesce(_scaled(whole, factor), _rounded(number_in(source), factor))
    return _rounded(source.cast("double"), factor)


def _rounded(count: Column, factor: int) -> Column:
    """Return a double as microseconds, half up; NULL where it is no number.

    A double tells the microseconds of a time before 2100 apart in each unit, so that a fraction
    that was written with up to six digits comes out as it was written.
    """
    microseconds = F.floor(count * F.lit(float(factor)) + F.lit(0.5))
    return (
        F.when(F.isnan(count), F.lit(None).cast("bigint"))
        .when(count > _HIGHEST_US / factor, F.lit(_HIGHEST_US))
        .when(count < _LOWEST_US / factor, F.lit(_LOWEST_US))
        .otherwise(microseconds.cast("bigint"))
    )


def _scaled(count: Column, factor: int) -> Column:
    """Return an integer as microseconds; NULL where it is NULL."""
    return (
        F.when(count > _HIGHEST_US // factor, F.lit(_HIGHEST_US))
        .when(count < -(-_LOWEST_US // factor), F.lit(_LOWEST_US))
        .otherwise(count * F.lit(factor))
    )


def _from_iso(text: Column, zone: str) -> Column:
    naive = _in_zone(F.unix_micros(text.try_cast("timestamp")), zone)
    zoned = F.unix_micros(text.try_cast("timestamp"))
    return F.when(text.rlike(_ZONED_ISO), zoned).when(text.rlike(_NAIVE_ISO), naive)


def _from_pattern(text: Column, time: TimeSource) -> Column:
    """Read text by a Spark datetime pattern. Only Spark promises these patterns."""
    read = F.unix_micros(F.try_to_timestamp(text, F.lit(time.pattern)))
    outside_quotes = re.sub(r"'[^']*'", "", time.pattern or "")
    return read if re.search("[VzOXxZ]", outside_quotes) else _in_zone(read, time.zone)


def _in_zone(local: Column, zone: str) -> Column:
    """Return the instant of a local clock time, given as if the clock showed UTC.

    The session's zone is UTC, so casts read a clock time without a zone as UTC.
    """
    if zone == "UTC":
        return local
    shifted = F.unix_micros(F.to_utc_timestamp(F.timestamp_micros(local), zone))
    day = 86_400_000_000
    inside = (local > _LOWEST_US + day) & (local < _HIGHEST_US - day)
    return F.when(inside, shifted).otherwise(local)
