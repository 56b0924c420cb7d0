"""What type a source column has, in Spark SQL words, and whether an engine can read it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql.pandas.types import from_arrow_type
from pyspark.sql.types import ArrayType, DataType, StringType, StructType, TimestampType

INTEGERS = ("tinyint", "smallint", "int", "bigint")

_READABLE_AS = {
    "bigint": {*INTEGERS, "string"},
    "int": {*INTEGERS, "string"},
    "double": {*INTEGERS, "float", "double", "string"},
    # No floating-point numbers: engines print them differently (1.0E10 and 10000000000.0).
    "string": {*INTEGERS, "string", "boolean"},
    "boolean": {*INTEGERS, "boolean", "string"},
}


@dataclass(frozen=True)
class SourceColumn:
    """One column of a file.

    Attributes:
        name: Its name in the file.
        found: Its type as a person reads it: a Spark SQL type, or what the file calls it.
        type: Its Spark type, or None where no engine reads it.
        fix: What to do about it where ``type`` is None.
        text: True in text formats, where every value is text until it is read.
        path: The file that shows this type.
        by_arrow: Not every engine reads how the file holds it, but PyArrow does.
        converted: A file holds it as no engine has it, such as unsigned: it is read where it is
            used, and left out elsewhere.
        arrow: Parquet: its type as the file says it; files of one ``type`` may differ in it.
    """

    name: str
    found: str
    type: DataType | None
    fix: str | None = None
    text: bool = False
    path: str | None = None
    by_arrow: bool = False
    converted: bool = False
    arrow: pa.DataType | None = None

    def element(self) -> DataType | None:
        """Return the element type of an array column, else None."""
        return self.type.elementType if isinstance(self.type, ArrayType) else None


@dataclass(frozen=True)
class Columns:
    """The columns that one file has, in file order, and its rows."""

    path: str
    columns: tuple[SourceColumn, ...]
    rows: int | None

    def named(self, name: str) -> SourceColumn | None:
        """Return a column by its exact name, or None."""
        return next((column for column in self.columns if column.name == name), None)


def text_column(name: str) -> SourceColumn:
    """Return a column of a text format: every value is text until its contract says what it is."""
    return SourceColumn(name, "string", StringType(), text=True)


def source_column(
    name: str, arrow: pa.DataType, *, path: str | None = None, int96: bool = False
) -> SourceColumn:
    """Return the source column of an Arrow field.

    ``int96`` marks Parquet's old timestamps: Arrow shows them as nanoseconds without a zone, but
    they are instants and engines read them.
    """
    if int96:
        return SourceColumn(name, "timestamp", TimestampType(), path=path, arrow=arrow)
    problem = _unreadable(arrow)
    if problem is not None:
        return SourceColumn(name, str(arrow), None, problem, path=path, arrow=arrow)
    try:
        spark = from_arrow_type(_plain(arrow), prefer_timestamp_ntz=True)
    except PySparkException:
        fix = "Write the column with another type."
        return SourceColumn(name, str(arrow), None, fix, path=path, arrow=arrow)
    return SourceColumn(
        name,
        spark.simpleString(),
        spark,
        path=path,
        by_arrow=_only_by_arrow(arrow),
        converted=_converted(arrow),
        arrow=arrow,
    )


def convertible(found: str, wanted: str) -> bool:
    """Return whether values of a file type can be read as a contract's type, value by value."""
    return found in _READABLE_AS.get(wanted, {wanted})


def fields_of(column: SourceColumn) -> dict[str, DataType]:
    """Return the fields of the structs in an array column; empty where it is no such column."""
    element = column.element()
    return {f.name: f.dataType for f in element.fields} if isinstance(element, StructType) else {}


def twice_but_for_case(names: Sequence[str]) -> list[str]:
    """Return the names that another name equals when case is ignored: engines mix them up."""
    lowered = [name.lower() for name in names]
    return [name for name in names if lowered.count(name.lower()) > 1]


def _unreadable(arrow: pa.DataType) -> str | None:
    """Return how to fix a type that cannot be read, or None. Nested types are searched."""
    if pa.types.is_dictionary(arrow):
        return _unreadable(arrow.value_type)
    if pa.types.is_uint64(arrow):
        return "Write it as a signed integer, or as text."
    children = (arrow.field(i).type for i in range(arrow.num_fields))
    return next((fix for child in children if (fix := _unreadable(child))), None)


def _only_by_arrow(arrow: pa.DataType) -> bool:
    """Return whether a file holds a type, or one within it, as not every engine reads it."""
    if pa.types.is_dictionary(arrow) or (_is_list(arrow) and not pa.types.is_list(arrow)):
        return True
    if _converted(arrow):
        return True
    inner = [arrow.field(i).type for i in range(arrow.num_fields)]
    return any(_only_by_arrow(kind) or _plain(kind) != kind for kind in inner)


def _is_list(arrow: pa.DataType) -> bool:
    kinds = pa.types
    return any(
        is_kind(arrow)
        for is_kind in (
            kinds.is_list,
            kinds.is_large_list,
            kinds.is_fixed_size_list,
            kinds.is_list_view,
            kinds.is_large_list_view,
        )
    )


def _converted(arrow: pa.DataType) -> bool:
    """Return whether values are of a type that no engine has. Nested types are searched."""
    if pa.types.is_dictionary(arrow):
        return _converted(arrow.value_type)
    if pa.types.is_unsigned_integer(arrow) or pa.types.is_date64(arrow) or _in_ns(arrow):
        return True
    return any(_converted(arrow.field(i).type) for i in range(arrow.num_fields))


def _in_ns(arrow: pa.DataType) -> bool:
    return bool(pa.types.is_timestamp(arrow) and arrow.unit == "ns")


_WIDER = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64()}
"""Unsigned integers, and what holds all of their values."""


def _plain(arrow: pa.DataType) -> pa.DataType:
    """Return the type that holds the same values in the plainest way, times to the microsecond."""
    if _in_ns(arrow):
        return pa.timestamp("us", arrow.tz)
    if pa.types.is_date64(arrow):
        return pa.date32()
    if pa.types.is_unsigned_integer(arrow):
        return _WIDER[arrow]
    if pa.types.is_dictionary(arrow):
        return _plain(arrow.value_type)
    if pa.types.is_string_view(arrow) or pa.types.is_large_string(arrow):
        return pa.string()
    if _is_list(arrow):
        return pa.list_(arrow.value_field.with_type(_plain(arrow.value_type)))
    if pa.types.is_struct(arrow):
        fields = [arrow.field(i) for i in range(arrow.num_fields)]
        return pa.struct([field.with_type(_plain(field.type)) for field in fields])
    return arrow
