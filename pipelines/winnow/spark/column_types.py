"""Types of columns: what Spark makes of the type that a contract names."""

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    ShortType,
    StringType,
    TimestampType,
)

_TYPES: dict[str, DataType] = {
    "bigint": LongType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "double": DoubleType(),
    "float": FloatType(),
    "int": IntegerType(),
    "smallint": ShortType(),
    "string": StringType(),
    "timestamp": TimestampType(),
    "tinyint": ByteType(),
}


def spark_type(text: str) -> DataType:
    """Return the Spark type of a contract's type text, such as ``bigint`` or ``array<double>``.

    Spark's own parser needs a running session; contracts are read before there is one.
    """
    if text.startswith("array<"):
        return ArrayType(spark_type(text.removeprefix("array<").removesuffix(">")))
    return _TYPES[text]


def carriable(kind: DataType) -> bool:
    """Return whether a published table can hold this type: a plain one, or a list of one."""
    inner = kind.elementType if isinstance(kind, ArrayType) else kind
    return inner in _TYPES.values()
