"""A number for the content of a table: equal rows give equal numbers, in any order, any engine.

Every row is hashed with xxhash64, and the hashes are added up. Into a row's hash go, for each
column in contract order: whether it is NULL; for an array its size and which of its elements are
NULL; then the value. So a doubled table, a NULL that moved one column and an element that moved
from one array to the next all change the number.

Floating-point values enter as the nearest 32-bit float, widened again: seven significant digits
at any size, made by an exact IEEE operation and not by printing. -0.0 enters as 0.0, and every
NaN as the same NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DoubleType, FloatType, Row, StructType

from winnow.contracts.tables import TableContract
from winnow.release.release import ContentHash
from winnow.release.schema_check import check_schema

_NO_SIZE = -1

# The hashes are added up as three parts of 22, 21 and 21 bits: no sum of parts can leave 64 bits
# before 2^41 rows, and it takes a quarter of the time of adding up decimals. Python joins them.
_PARTS = ((0, 22), (22, 21), (43, 21))


@dataclass(frozen=True)
class Measured:
    """One pass over a table: its content, and what would be refused only at the commit.

    Attributes:
        content: Rows and sum of the row hashes.
        nulls: The columns that must not be NULL and are, each with the number of such rows.
        first_day: The earliest value of the partition column; None without rows or partition.
        last_day: The latest one.
    """

    content: ContentHash
    nulls: dict[str, int]
    first_day: date | None
    last_day: date | None


def content_hash(frame: DataFrame, contract: TableContract) -> ContentHash:
    """Return the content hash of a frame: one aggregate, one action.

    Args:
        frame: The rows of one date of the table, in the contract's columns.
        contract: A resolved contract.

    Raises:
        GateError: The frame has other columns than the contract.
    """
    check_schema(frame.schema, contract)
    return content_hash_of_columns(frame)


def content_hash_of_columns(frame: DataFrame) -> ContentHash:
    """Return the content hash of all columns of a frame, in the frame's own order.

    For a published table that order is the contract's, so the contract need not be at hand.
    """
    hashed = frame.select(row_hash(frame.schema).alias("row_hash"))
    return _content(_only_row(hashed, _sums()))


def content_hashes_by(frame: DataFrame, part: str) -> dict[int, ContentHash]:
    """Return the content hash of each part of a frame: one aggregate, one action.

    Args:
        frame: Rows, in the order of columns that their table has, and the column ``part``.
        part: The column, a whole number, that says which part a row is of; it is not hashed.
    """
    hashed = frame.select(part, row_hash(frame.drop(part).schema).alias("row_hash"))
    rows = hashed.groupBy(part).agg(*_sums()).collect()
    return {int(row[part]): _content(row) for row in rows}


def measure(frame: DataFrame, contract: TableContract) -> Measured:
    """Return content hash, NULLs where none may be, and the dates: one aggregate, one action.

    Raises:
        GateError: The frame has other columns than the contract.
    """
    check_schema(frame.schema, contract)
    strict = [column.name for column in contract.columns if not column.nullable]
    day = F.lit(None).cast("date") if contract.partition is None else F.col(contract.partition)
    hashed = frame.select(
        row_hash(frame.schema).alias("row_hash"),
        day.alias("day"),
        *(F.col(name).isNull().alias(f"null_{name}") for name in strict),
    )
    counts = [F.count_if(F.col(f"null_{name}")).alias(f"null_{name}") for name in strict]
    days = [F.min("day").alias("first_day"), F.max("day").alias("last_day")]
    row = _only_row(hashed, [*_sums(), *counts, *days])
    nulls = {name: int(row[f"null_{name}"]) for name in strict if row[f"null_{name}"]}
    return Measured(_content(row), nulls, row["first_day"], row["last_day"])


def row_hash(schema: StructType) -> Column:
    """Return the 64-bit hash of a row of a frame with this schema."""
    return F.xxhash64(*(e for f in schema.fields for e in _entries(F.col(f.name), f.dataType)))


def _entries(column: Column, kind: DataType) -> list[Column]:
    """What one column adds to the hash. xxhash64 passes over a NULL, so a flag goes first."""
    if not isinstance(kind, ArrayType):
        return [column.isNull(), _value(column, kind)]
    element = kind.elementType
    size = F.when(column.isNull(), F.lit(_NO_SIZE)).otherwise(F.size(column))
    mask = F.transform(column, lambda value: value.isNull())
    floats = isinstance(element, DoubleType | FloatType)
    values = F.transform(column, lambda value: _value(value, element)) if floats else column
    return [column.isNull(), size, mask, values]


def _value(column: Column, kind: DataType) -> Column:
    if not isinstance(kind, DoubleType | FloatType):
        return column
    rounded = column.cast("float").cast("double")
    return (
        F.when(F.isnan(column), F.lit(float("nan")))
        .when(rounded == F.lit(0.0), F.lit(0.0))
        .otherwise(rounded)
    )


def _sums() -> list[Column]:
    parts = []
    for start, bits in _PARTS:
        part = F.shiftright("row_hash", start)
        # The last part keeps the sign: it is the only one that may be negative.
        low = part if start + bits == 64 else part.bitwiseAND(F.lit((1 << bits) - 1).cast("bigint"))
        parts.append(F.coalesce(F.sum(low), F.lit(0)).alias(f"sum_{start}"))
    return [F.count(F.lit(1)).alias("row_count"), *parts]


def _only_row(frame: DataFrame, aggregates: Sequence[Column]) -> Row:
    return frame.agg(*aggregates).collect()[0]


def _content(row: Row) -> ContentHash:
    total = sum(int(row[f"sum_{start}"]) << start for start, _ in _PARTS)
    return ContentHash(int(row["row_count"]), str(total))
