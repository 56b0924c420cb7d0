"""Fields of structs as columns: ``user.id`` is field ``id`` of column ``user``, at any depth.

A column whose own name has the dot wins, in a struct too. What is NULL on the way gives NULL.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
from pyspark.sql.types import DataType, StructType

from winnow.logs.dotted import splits
from winnow.logs.types import SourceColumn, source_column

Path = tuple[str, ...]


def resolve(columns: Mapping[str, SourceColumn], name: str) -> tuple[SourceColumn, Path] | None:
    """Return the column that a name stands for, and the way to it; None where there is none.

    Args:
        columns: The columns that are there, by their own names.
        name: A column's name, or a field's as ``column.field``.
    """
    column = columns.get(name)
    if column is not None:
        return column, (name,)
    for head, tail in splits(name):
        if head in columns and (found := resolve(_fields(columns[head]), tail)):
            column, path = found
            return replace(column, name=name), (head, *path)
    return None


def way_within(kind: DataType | None, name: str) -> Path:
    """Return the way to a field of a struct type, or the name itself where it has no such field."""
    fields = _fields(SourceColumn("", "", kind))
    found = resolve(fields, name)
    return found[1] if found else (name,)


def nested_names(columns: Sequence[SourceColumn], before: str = "") -> Iterator[str]:
    """Give the names of all fields of structs, at any depth."""
    for column in columns:
        fields = list(_fields(column).values())
        yield from (f"{before}{column.name}.{field.name}" for field in fields)
        yield from nested_names(fields, f"{before}{column.name}.")


def _fields(column: SourceColumn) -> dict[str, SourceColumn]:
    """Return the fields of a struct; empty where it is none."""
    if column.arrow is not None:
        if not pa.types.is_struct(column.arrow):
            return {}
        inner = [column.arrow.field(index) for index in range(column.arrow.num_fields)]
        fields = [source_column(f.name, f.type, path=column.path) for f in inner]
    elif isinstance(column.type, StructType):
        fields = [
            SourceColumn(f.name, f.dataType.simpleString(), f.dataType, path=column.path)
            for f in column.type.fields
        ]
    else:
        return {}
    return {field.name: field for field in fields}
