"""The few rows of a join, copied to every task, so that the many need not be shuffled to them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.spark.dialect import dialect_of

_CONDITIONS = 5
_MORE_THAN_ANY = 2**31 - 1


def broadcast(rows: DataFrame, on: str) -> DataFrame:
    """Return rows that a join copies to every task, on either engine.

    Spark takes a hint. Sail takes none: it copies a side of which its planner expects less than a
    megabyte. It expects a fifth of the rows behind a condition, whatever that is, and conditions
    that a limit keeps apart each leave a fifth of the rest: after five, of 3 GB it expects 1 MB.

    Args:
        rows: So few that each task can hold them all: the caller has to know.
        on: One of the columns that are joined on. Rows without it are left out, as none matches
            them: for any join but a full one, and one that keeps all rows of this side.
    """
    if dialect_of(rows.sparkSession).hints:
        return F.broadcast(rows)
    for _ in range(_CONDITIONS):
        rows = rows.where(F.col(on).isNotNull()).limit(_MORE_THAN_ANY)
    return rows
