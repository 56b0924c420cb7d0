"""64-bit keys: the integer id itself, or a hash of a string id."""

from typing import TYPE_CHECKING

from pyspark.sql import Column
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from winnow.config.tree import IdType


def key_of(column: str | Column, id_type: "IdType") -> Column:
    """Return the bigint key of an id column, NULL where the id is NULL.

    Kernels work on keys; rows carry the ids. Two strings of a catalogue with one key are found
    when the draw table is built.
    """
    ids = F.col(column) if isinstance(column, str) else column
    if id_type == "bigint":
        return ids.cast("bigint")
    return F.when(ids.isNotNull(), F.xxhash64(ids))
