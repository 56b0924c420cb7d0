"""Who a row is about: ids made from one column, the first of several, or several joined."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from winnow.config.columns import Concat
from winnow.contracts.mapping.binding import BoundColumn
from winnow.contracts.mapping.values import Reading, read_value
from winnow.logs.types import SourceColumn

ColumnOf = Callable[[str], Column]


@dataclass(frozen=True)
class Identified:
    """An id, and whether it means nobody.

    Attributes:
        reading: The id in its contract type.
        anonymous: Boolean, never NULL: a value was there, but only ones that mean nobody.
        nobody: String: the first such value; only looked at where the row is anonymous.
    """

    reading: Reading
    anonymous: Column
    nobody: Column


def read_id(bound: BoundColumn, column_of: ColumnOf) -> Reading:
    """Read an id column that is not the user's: no value is special."""
    return _read(bound, column_of, ())


def read_user(
    bound: BoundColumn, column_of: ColumnOf, anonymous_values: Sequence[str]
) -> Identified:
    """Read the user id; the values that mean nobody are treated as missing.

    The chosen value is the first that is neither NULL nor one of ``anonymous_values``. A row
    where only such values stand is anonymous; a row where all columns are NULL is not: its user
    is missing. Where a row need not have a user, an empty text is none: CSV cannot write NULL.
    """
    if bound.column.nullable:
        anonymous_values = [value for value in anonymous_values if value]
    chosen = _read(bound, column_of, anonymous_values)
    if not anonymous_values:
        return Identified(chosen, F.lit(False), F.lit(None).cast("string"))
    there = F.lit(False)
    for source in bound.sources:
        there = there | column_of(source.name).isNotNull()
    if isinstance(bound.mapping, Concat):
        joined = _joined(bound, column_of)
        nobody = F.coalesce(joined.isin(*anonymous_values), F.lit(False))
        return Identified(chosen, nobody, joined)
    meant = F.lit(False)
    for source in bound.sources:
        meant = meant | _somebody(column_of(source.name), source, anonymous_values).isNotNull()
    found = [column_of(source.name).cast("string") for source in bound.sources]
    return Identified(chosen, there & ~meant, F.coalesce(*found))


def _read(bound: BoundColumn, column_of: ColumnOf, anonymous_values: Sequence[str]) -> Reading:
    wanted = bound.column.type
    if isinstance(bound.mapping, Concat):
        joined = _joined(bound, column_of)
        return read_value(_not_one_of(joined, anonymous_values), "string", wanted)
    if len(bound.sources) == 1:
        source = bound.sources[0]
        value = _somebody(column_of(source.name), source, anonymous_values)
        return read_value(value, source.found, wanted)
    candidates = [
        _somebody(column_of(source.name), source, anonymous_values).cast("string")
        for source in bound.sources
    ]
    # Where no value is special an empty text is still no value, so the next column is asked.
    return read_value(F.coalesce(*[F.nullif(c, F.lit("")) for c in candidates]), "string", wanted)


def _joined(bound: BoundColumn, column_of: ColumnOf) -> Column:
    assert isinstance(bound.mapping, Concat)
    parts: list[Column] = []
    for source in bound.sources:
        parts += [F.lit(bound.mapping.separator), column_of(source.name).cast("string")]
    return F.concat(*parts[1:])


def _somebody(column: Column, source: SourceColumn, anonymous_values: Sequence[str]) -> Column:
    """Return the value, or NULL where it means nobody."""
    if source.found == "string":
        return _not_one_of(column, anonymous_values)
    numbers = []
    for value in anonymous_values:
        try:
            number = int(value)
        except ValueError:
            continue
        if str(number) == value and -(2**63) <= number < 2**63:
            numbers.append(number)
    if not numbers:
        return column
    return F.when(~column.isin(*[F.lit(number).cast("bigint") for number in numbers]), column)


def _not_one_of(column: Column, values: Sequence[str]) -> Column:
    return F.when(~column.isin(*values), column) if values else column
