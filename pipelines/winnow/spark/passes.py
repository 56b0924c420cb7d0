"""Work in passes, each over some of the keys, where an engine holds its shuffles in memory."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from winnow.spark.dialect import dialect_of
from winnow.spark.memory import memory_gib

_BITS_32 = 2**32 - 1


def passes_for(spark: SparkSession, rows: int, rows_per_gib: int) -> int:
    """Return in how many passes so many rows are shuffled: one, where the engine spills.

    Args:
        spark: The session; an engine that does not spill runs on this machine.
        rows: About how many rows there are.
        rows_per_gib: How many of them are shuffled at a time for each GiB of memory that the
            machine, or the container, has in all.
    """
    if dialect_of(spark).spills:
        return 1
    rows_per_pass = max(1, int(rows_per_gib * memory_gib()))
    return max(1, -(-rows // rows_per_pass))


def of_pass(rows: DataFrame, key: str | Column, number: int, passes: int) -> DataFrame:
    """Return the rows of the keys whose turn a pass is; each key has exactly one.

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
