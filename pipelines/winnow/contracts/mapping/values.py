"""Source values as contract types. Nothing here raises: a value that cannot be read is marked.

ANSI mode makes a plain cast raise, and other engines wrap around silently, so text is matched
against a strict pattern first and numbers against their range.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.logs.types import INTEGERS

# Only what prints back as it was: no plus sign, no leading zeros, no "-0". Ids must round-trip.
_INTEGER = r"^(0|-?[1-9][0-9]{0,18})\z"
_DECIMAL = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?\z"
_NOT_FINITE = r"^[+-]?(nan|inf|infinity)\z"
_RANGES = {"int": (-(2**31), 2**31 - 1), "bigint": (-(2**63), 2**63 - 1)}


@dataclass(frozen=True)
class Reading:
    """A value that was read from the source.

    Attributes:
        value: The value in the contract's type; NULL where there is none or it cannot be read.
        unreadable: Boolean, never NULL: there is a value, and it is not of the contract's type.
            None where that cannot happen.
        found: The source value as text, for messages.
    """

    value: Column
    unreadable: Column | None
    found: Column


def read_value(source: Column, found: str, wanted: str) -> Reading:
    """Read a source column of one type as a contract's type.

    Args:
        source: The column. Empty text counts as no value.
        found: Its Spark SQL type.
        wanted: ``bigint``, ``int``, ``double``, ``boolean`` or ``string``.
    """
    text = source.cast("string")
    if wanted == "string":
        value = F.nullif(source, F.lit("")) if found == "string" else text
        return Reading(value, None, text)
    if found == wanted or (wanted == "bigint" and found in INTEGERS):
        return Reading(source.cast(wanted), None, text)
    if wanted == "double" and found in (*INTEGERS, "float"):
        return Reading(source.cast("double"), None, text)
    value = _from_text(source, wanted) if found == "string" else _from_integer(source, wanted)
    unreadable = source.isNotNull() & value.isNull()
    if found == "string":
        unreadable = unreadable & (source != "")
    return Reading(value, F.coalesce(unreadable, F.lit(False)), text)


def _from_text(source: Column, wanted: str) -> Column:
    if wanted == "bigint":
        return integer_in(source)
    if wanted == "int":
        return _from_integer(integer_in(source), "int")
    if wanted == "double":
        lowered = F.lower(source)
        # Infinity and NaN are read, so that a rule can name them.
        not_finite = F.when(lowered.rlike(_NOT_FINITE), F.lit(float("nan")))
        return F.coalesce(number_in(source), not_finite)
    lowered = F.lower(source)
    return F.when(lowered.isin("true", "1"), F.lit(True)).when(
        lowered.isin("false", "0"), F.lit(False)
    )


def _from_integer(source: Column, wanted: str) -> Column:
    if wanted == "boolean":
        return F.when(source == 1, F.lit(True)).when(source == 0, F.lit(False))
    low, high = _RANGES["int"]
    return F.when((source >= low) & (source <= high), source.cast("int"))


def integer_in(text: Column) -> Column:
    """Return the bigint that a text holds, or NULL where it does not hold exactly one."""
    return F.when(text.rlike(_INTEGER), text.try_cast("bigint"))


def number_in(text: Column) -> Column:
    """Return the double that a text holds as a decimal number, or NULL."""
    return F.when(text.rlike(_DECIMAL), text.try_cast("double"))


def equals_one_of(
    source: Column, found: str, values: tuple[bool | int | float | str, ...]
) -> Column:
    """Return whether a source value is one of the configured ones: a boolean, never NULL.

    Text is compared as the value's own type: ``1`` is the number, also where it is written as
    text, ``"1"`` is the text.
    """
    if not values:
        return F.lit(False)
    if found != "string":
        kind = found
        matches = source.isin(*[F.lit(value).cast(kind) for value in values])
        return F.coalesce(matches, F.lit(False))
    hits = F.lit(False)
    # One list of each type: engines look a value up in a list, but walk through a chain of ORs.
    readings: tuple[tuple[type, Callable[[], Column]], ...] = (
        (bool, lambda: _from_text(source, "boolean")),
        (int, lambda: integer_in(source)),
        (float, lambda: _from_text(source, "double")),
        (str, lambda: source),
    )
    for own_type, read in readings:
        of_type = list(dict.fromkeys(value for value in values if type(value) is own_type))
        if of_type:
            hits = hits | F.coalesce(read().isin(*of_type), F.lit(False))
    return hits
