"""Work in passes, each over some of the keys, where an engine holds its shuffles in memory."""

from typing import NamedTuple

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from winnow.spark.dialect import dialect_of
from winnow.spark.limits import ShuffleLimit
from winnow.spark.memory import memory_gib

_BITS_32 = 2**32 - 1


class Passes(NamedTuple):
    """How rows are shuffled: in how many passes, and into how many partitions in each."""

    number: int
    partitions: int


def passes_for(
    spark: SparkSession, rows: int, limit: ShuffleLimit, gib: float | None = None
) -> Passes:
    """Return in how many passes so many rows are shuffled: one, where the engine spills.

    Args:
        spark: The session; an engine that does not spill runs on this machine.
        rows: About how many rows there are.
        limit: How many of them are shuffled at a time.
        gib: ``Limits.memory_gib``.
    """
    passes = 1
    if gib is not None or not dialect_of(spark).spills:
        rows_per_pass = int(limit.rows_per_gib * (memory_gib() if gib is None else gib))
        passes = max(1, -(-rows // max(1, rows_per_pass)))
    return Passes(passes, max(1, -(-rows // (limit.rows_per_partition * passes))))


def of_pass(rows: DataFrame, key: str | Column, number: int, passes: int) -> DataFrame:
    """Return the rows of the keys that a pass takes; each key is in exactly one pass.

    Args:
        rows: Rows that have the column.
        key: The keys, bigint, that are shuffled.
        number: The pass, from 0. passes: How many there are.
    """
    if passes == 1:
        return rows
    # A share of 32 bits of a hash: a remainder costs an engine several times as much. The hash is
    # another one than the shuffle's, so its partitions stay even.
    bits = F.xxhash64(key).bitwiseAND(_BITS_32)
    return rows.where(F.shiftright(bits * F.lit(passes), 32) == number)
