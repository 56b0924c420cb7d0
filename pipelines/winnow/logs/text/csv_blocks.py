"""Blocks of CSV in which nothing is out of the ordinary, read by PyArrow: many times as fast.

PyArrow reads text behind a closing quote, or a quote that is never closed, as if it were right, and
gives no row's own text. So its answer counts where every line is a record by a strict pattern and
has as many fields as expected; every other block is read record by record.
"""

import codecs
import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from winnow.logs.text.csv_records import CsvDialect

_NOWHERE = "\x1f"
"""A delimiter that no line has, so that a line is one field."""


def ordinary_block(
    block: bytes,
    names: Sequence[str],
    wanted: Sequence[str],
    header: str | None,
    dialect: CsvDialect,
) -> list[pa.Array] | None:
    """Return the records of a block, or None where one of them needs a closer look.

    Args:
        block: Whole lines.
        names: The columns of the file.
        wanted: The columns to return; NULL where the file has no such column.
        header: The record that is no row, or None.
        dialect: How fields are separated.

    Returns:
        The text of each record, and after it every wanted column.
    """
    block = block.removeprefix(codecs.BOM_UTF8)
    if not _may_be_ordinary(block, dialect):
        return None
    try:
        no_fields = pcsv.ParseOptions(delimiter=_NOWHERE, quote_char=False)
        lines = _read(block, no_fields, ["line"], ["line"])
        quoted = dialect.quote is not None and dialect.quote.encode() in block
        if quoted and not pc.all(pc.match_substring_regex(lines[0], _strict(dialect))).as_py():
            return None
        quote = dialect.quote if quoted else False
        options = pcsv.ParseOptions(delimiter=dialect.delimiter, quote_char=quote)
        fields = _read(block, options, names, [name for name in names if name in wanted])
    except pa.ArrowInvalid:
        return None
    if fields.num_rows != lines.num_rows:
        return None
    nothing = pa.nulls(lines.num_rows, pa.string())
    columns = [lines[0], *(fields[name] if name in names else nothing for name in wanted)]
    if header is not None:
        rows = pc.not_equal(lines[0], header)
        columns = [column.filter(rows) for column in columns]
    return [_in_one(column) for column in columns]


def _may_be_ordinary(block: bytes, dialect: CsvDialect) -> bool:
    if dialect.escape is not None and dialect.escape.encode() in block:
        return False
    if _NOWHERE.encode() in block or codecs.BOM_UTF8 in block:
        return False
    return b"\r" not in block or block.count(b"\r") == block.count(b"\r\n")


def _in_one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _read(
    block: bytes, options: pcsv.ParseOptions, names: Sequence[str], wanted: Sequence[str]
) -> pa.Table:
    """Read columns as text. A line with another number of fields raises ArrowInvalid."""
    return pcsv.read_csv(
        pa.BufferReader(block),
        pcsv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=list(names)),
        options,
        pcsv.ConvertOptions(
            column_types=dict.fromkeys(wanted, pa.string()),
            # Without any, PyArrow would count no rows.
            include_columns=list(wanted) or list(names[:1]),
        ),
    )


def _strict(dialect: CsvDialect) -> str:
    """Return a pattern of lines whose quotes stand around whole fields, doubled within."""
    mark, delimiter = re.escape(dialect.quote or ""), re.escape(dialect.delimiter)
    field = f"(?:{mark}(?:[^{mark}]|{mark}{mark})*{mark}|[^{mark}{delimiter}]*)"
    return rf"\A{field}(?:{delimiter}{field})*\z"
