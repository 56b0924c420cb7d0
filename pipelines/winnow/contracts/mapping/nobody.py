"""Users that may mean nobody: what their ids are, as places of a census, which names them again.

The values of ``identity.anonymous_values`` are dropped, and one of them may be a person. Others,
as pandas and trackers write a missing id, are kept, and may be nobody.
"""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.contracts.stage_rows import FIRST_NOTE

SUSPICIOUS = (
    "nan", "<na>", "na", "n/a", "#n/a", "nat", "none", "null", "(null)", "nil", "undefined",
    "unknown", "anonymous", "guest", "not set", "(not set)", "\\n", "-", "0", "-1", "0.0", "-1.0",
    "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
    "-2147483648", "-9223372036854775808", "nan.0", "missing", "[null]", "[object object]",
)  # fmt: skip
"""Ids that users seldom have, in lower case. The two numbers are what a NaN is cast to."""

assert len(SUSPICIOUS) < FIRST_NOTE

_MOST_TOLD = 64


def place_of_suspicious(user_id: Column, kind: str) -> Column:
    """Return 1 and the place of a user id among ``SUSPICIOUS``, or 0: int, never NULL.

    Args:
        user_id: The contract's column.
        kind: Its type, ``bigint`` or ``string``.
    """
    if kind == "string":
        # A text of blanks around one of them is as suspicious.
        return _place_among(F.lower(F.trim(user_id)), dict(enumerate(SUSPICIOUS, start=1)))
    numbers = {
        place: int(value)
        for place, value in enumerate(SUSPICIOUS, start=1)
        if value.removeprefix("-").isdigit() and str(int(value)) == value
    }
    return _place_among(user_id, numbers)


def suspicious_at(place: int) -> str:
    """Return the id that a place means."""
    return SUSPICIOUS[place - 1]


def place_of_nobody(nobody: Column, values: Sequence[str]) -> Column:
    """Return the place of an anonymous row's value among the configured ones: int, from 1.

    Behind the first ones, and where a value is no such text, it is 0.
    """
    return _place_among(nobody, dict(enumerate(values[:_MOST_TOLD], start=1)))


def _place_among(value: Column, places: Mapping[int, str | int]) -> Column:
    found = F.lit(0)
    for place, known in places.items():
        kind = "bigint" if isinstance(known, int) else "string"
        found = F.when(value == F.lit(known).cast(kind), F.lit(place)).otherwise(found)
    there = value.isin(*[F.lit(known) for known in places.values()]) if places else F.lit(False)
    return F.when(there, found).otherwise(F.lit(0))
