"""Columns as text, all rows at once: JSON for lists and lines, and tab-separated fields."""

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from winnow.errors import Problem, ReleaseError

_NOTHING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
     "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
)  # fmt: skip
"""Texts that pandas reads as no value."""


def json_text(column: pa.Array) -> pa.Array:
    """Return each value as JSON, never NULL: ``null`` for NULL, and for NaN and infinities.

    Numbers come back as they were; times are text in ISO 8601, UTC, dates too; a list is a list.
    """
    kind = column.type
    if pa.types.is_list(kind):
        inner = json_text(column.flatten())
        lengths = pc.list_value_length(column).fill_null(0)
        ends = pc.cumulative_sum(lengths.cast(pa.int32()))
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), _array(ends)])
        texts = pc.binary_join(pa.ListArray.from_arrays(offsets, inner), ",")
        texts = pc.binary_join_element_wise("[", texts, "]", "")
    elif pa.types.is_string(kind):
        coded = column.dictionary_encode()
        words = pa.array([json.dumps(t, ensure_ascii=False) for t in coded.dictionary.to_pylist()])
        texts = words.cast(pa.string()).take(coded.indices)
    else:
        texts = plain_text(column)
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            texts = pc.binary_join_element_wise('"', texts, '"', "")
    return _array(pc.if_else(column.is_valid(), texts, None).fill_null("null"))


def plain_text(column: pa.Array) -> pa.Array:
    """Return single values as text, NULL where they are, and for NaN and infinities."""
    kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_timestamp(kind):
        texts = column.cast(pa.timestamp("us", kind.tz)).cast(pa.string())
        return _array(pc.replace_substring(texts, " ", "T", max_replacements=1))
    return _array(column.cast(pa.string()))


def token(column: pa.Array, name: str) -> pa.Array:
    """Return ids as fields of a tab-separated file, as trainers read it with pandas.

    Raises:
        ReleaseError: An id is NULL, or a text that would be read as another one or as none.
    """
    texts = plain_text(column)
    if pa.types.is_string(column.type):
        distinct = texts.unique().to_pylist()
        wrong = [t for t in distinct if t is None or t in _NOTHING or {*t} & {*'\t\n\r"'}]
    else:
        wrong = [None] if texts.null_count else []
    if wrong:
        what = "this id cannot stand in a tab-separated file: it would be read as another, or none"
        fix = "Export Parquet, or number the ids by a vocabulary."
        raise ReleaseError(Problem(name, what, repr(wrong[0]), next_step=fix))
    return texts


def lines(columns: Sequence[pa.Array], separator: str = "\t") -> bytes:
    """Return rows as text, a line each; NULL is an empty field."""
    full = [column.fill_null("") for column in columns]
    joined = pc.binary_join_element_wise(*full, separator) if len(full) > 1 else full[0]
    text: str = "\n".join([*joined.to_pylist(), ""])
    return text.encode()


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
