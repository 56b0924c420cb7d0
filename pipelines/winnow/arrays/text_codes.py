"""Text of few different values as numbers and a dictionary: texts themselves are slow to move."""

from collections.abc import Sequence

import pyarrow as pa

REPEATED_TEXT = ("action_type", "label_strength", "source", "split", "stage")
"""Columns of published tables whose text is one of a few names."""


def with_dictionaries(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return a table in which each of the named columns has one dictionary, where it is text.

    To take the texts of a million rows by index takes ten times as long as to take numbers.

    Args:
        table: Any columns.
        names: Those whose values repeat; others than text, and those that are not there, stay.
    """
    for index, field in enumerate(table.schema):
        if field.name in names and pa.types.is_string(field.type):
            encoded = table.column(index).dictionary_encode()
            table = table.set_column(index, field.name, encoded)
    return table


def named(codes: pa.Array, names: Sequence[str]) -> pa.DictionaryArray:
    """Return the names of things by their codes, which count from 0; NULL stays NULL."""
    return pa.DictionaryArray.from_arrays(codes, pa.array(names, pa.string()))
