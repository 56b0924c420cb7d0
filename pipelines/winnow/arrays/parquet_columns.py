"""Columns as Parquet knows them: the path that its options name one by, and what it holds."""

import pyarrow as pa

PACKED = "DELTA_BINARY_PACKED"
"""The encoding of whole numbers by their differences, each in as few bits as its block needs:
ids that are counted up take three bytes in place of eight, and hardly any time."""


def column_path(field: pa.Field) -> str:
    """Return the path of a column within a Parquet file."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name


def values_of(field: pa.Field) -> pa.DataType:
    """Return the type of a column's values, or of its lists' elements."""
    return field.type.value_type if pa.types.is_list(field.type) else field.type
