"""A static list of a user's items in each row of the impressions: MIND's ``history``."""

import re

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType

from winnow.config.sampling import History
from winnow.contracts.rules import Broken, message
from winnow.logs.rows import SourceRows
from winnow.logs.text.lines import BETWEEN_ELEMENTS
from winnow.logs.types import SourceColumn

_INTEGER = r"(?:0|-?[1-9][0-9]{0,18})?"
_INTEGERS = rf"^{_INTEGER}(?:{BETWEEN_ELEMENTS}{_INTEGER})*\z"


def history_text(rows: SourceRows, source: SourceColumn, history: History) -> Column:
    """Return a row's list as one text, its ids apart by ``BETWEEN_ELEMENTS``; NULL without one.

    Of a request that lies in one row, the first element's row has it.
    """
    column = rows.column_of(source.name)
    if isinstance(source.type, ArrayType):
        text = F.array_join(column.cast("array<string>"), BETWEEN_ELEMENTS)
    elif history.delimiter is None:
        text = column
    else:
        text = F.regexp_replace(column, re.escape(history.delimiter), BETWEEN_ELEMENTS)
    if rows.list_position is None:
        return text
    return F.when(F.coalesce(rows.list_position, F.lit(0)) == 0, text)


def unreadable_history(text: Column, kind: str) -> Broken | None:
    """Return what is wrong with a list that holds something else than item ids of this type."""
    if kind == "string":
        return None
    wrong = F.coalesce(~text.rlike(_INTEGERS), F.lit(False))
    shown = F.translate(text, BETWEEN_ELEMENTS, " ")
    return Broken(wrong, message("unreadable", f"history holds what is no {kind}", shown))
