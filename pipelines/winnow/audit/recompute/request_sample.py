"""Of many positives, those of some requests: what is compared row by row need not be all of them.

A sampler's mistake shows in many requests. What must be true of every row without exception (no
exposed item is a negative, no key comes twice, no row is lost) is never judged by some.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.spark.limits import Limits


def one_in_so_many(n: int, limits: Limits) -> int:
    """Return of how many positives, or what costs as much, one is looked at.

    A power of two, so a few bits of a hash say.
    """
    return 1 << max(0, (n - 1) // limits.compared_positives).bit_length()


def of_some_requests(rows: DataFrame, one_in: int) -> DataFrame:
    """Return the rows of one in so many requests, the same ones whatever they are rows of."""
    if one_in == 1:
        return rows
    return rows.where(F.xxhash64("request_id").bitwiseAND(one_in - 1) == 0)


def requests_note(one_in: int) -> str:
    """Return what a gate says of it."""
    return f"looked at 1 in {one_in} requests" if one_in > 1 else ""
