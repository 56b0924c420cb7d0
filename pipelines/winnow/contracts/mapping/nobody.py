"""Users that may mean nobody: what their ids are, as numbers in a census, which names them again.

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

_MOST_NAMED = 64


def suspicious_number(user_id: Column, kind: str) -> Column:
    """Return the number of a user id among ``SUSPICIOUS``, from 1, or 0: int, never NULL.

    Args:
        user_id: The contract's column.
        kind: Its type, ``bigint`` or ``string``.
    """
    if kind == "string":
        # A text of blanks around one of them is as suspicious.
        return _number_among(F.lower(F.trim(user_id)), dict(enumerate(SUSPICIOUS, start=1)))
    numbers = {
        number: int(value)
        for number, value in enumerate(SUSPICIOUS, start=1)
        if value.removeprefix("-").isdigit() and str(int(value)) == value
    }
    return _number_among(user_id, numbers)


def suspicious_id(number: int) -> str:
    """Return the id of a number."""
    return SUSPICIOUS[number - 1]


def nobody_number(nobody: Column, values: Sequence[str]) -> Column:
    """Return the number of an anonymous row's value among the configured ones: int, from 1.

    Behind the first ones, and where a value is no such text, it is 0.
    """
    return _number_among(nobody, dict(enumerate(values[:_MOST_NAMED], start=1)))


def _number_among(value: Column, numbers: Mapping[int, str | int]) -> Column:
    found = F.lit(0)
    for number, known in numbers.items():
        kind = "bigint" if isinstance(known, int) else "string"
        found = F.when(value == F.lit(known).cast(kind), F.lit(number)).otherwise(found)
    there = value.isin(*[F.lit(known) for known in numbers.values()]) if numbers else F.lit(False)
    return F.when(there, found).otherwise(F.lit(0))
