"""Which keys of a log come more than once: nearly none, so all else can be spared their cost.

Rows are grouped by a 64-bit hash of their key. What is repeated may be two keys with one hash, so
who needs the truth looks at the few rows behind these hashes once more.
"""

from collections.abc import Callable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.dialect import dialect_of

KEY_HASH = "__winnow_key_hash"

MOST_BROADCAST_KEYS = 4_000_000
"""Above so many repeated keys they are not broadcast."""

_ROWS_PER_PASS = 50_000_000
"""An engine that holds its hash tables in memory groups so many rows at a time."""


def key_hash(key: Sequence[str]) -> Column:
    """Return a bigint hash of the columns of a key, in which a NULL has its place."""
    parts: list[Column] = []
    for name in key:
        # xxhash64 passes over a NULL: without the flags (1, NULL) and (NULL, 1) would be one key.
        parts += [F.col(name), F.col(name).isNull()]
    return F.xxhash64(*parts).alias(KEY_HASH)


def repeated_hashes(
    rows: DataFrame,
    key: Sequence[str],
    n_rows: int,
    keep: Callable[[DataFrame, str], DataFrame] | None = None,
) -> DataFrame:
    """Return the hashes that more than one row has: ``KEY_HASH`` and ``n``, how many have it.

    Args:
        rows: Rows that have the key's columns.
        key: The key's columns.
        n_rows: About how many rows there are; decides the number of passes only.
        keep: Writes a frame under a name and returns it read back; without it the hashes are
            computed again whenever they are needed.
    """
    hashes = rows.select(key_hash(key))
    passes = 1 if dialect_of(rows.sparkSession).spills else max(1, -(-n_rows // _ROWS_PER_PASS))
    parts = []
    for number in range(passes):
        own = hashes
        if passes > 1:
            own = hashes.where(F.pmod(F.col(KEY_HASH), F.lit(passes)) == number)
        counted = own.groupBy(KEY_HASH).agg(F.count(F.lit(1)).alias("n")).where(F.col("n") > 1)
        parts.append(counted if keep is None else keep(counted, str(number)))
    return reduce(DataFrame.unionByName, parts)


def count_distinct_keys(
    rows: DataFrame, key: Sequence[str], n_rows: int, repeated: DataFrame
) -> int:
    """Return the number of different keys among rows, exactly; NULL equals NULL.

    Args:
        rows: Rows that have the key's columns.
        key: The key's columns.
        n_rows: How many rows there are.
        repeated: What ``repeated_hashes`` returned for these rows.
    """
    of_repeated, hashes = repeated.agg(F.sum("n"), F.count(F.lit(1))).collect()[0]
    if not hashes:
        return n_rows
    suspects = with_hash_among(rows, key, repeated, n_repeated=hashes)
    return n_rows - int(of_repeated) + suspects.select(*key).distinct().count()


def with_hash_among(
    rows: DataFrame, key: Sequence[str], repeated: DataFrame, *, n_repeated: int
) -> DataFrame:
    """Return the rows whose key's hash is among the repeated ones."""
    return _joined(rows, key, repeated, "left_semi", n_repeated)


def with_hash_alone(
    rows: DataFrame, key: Sequence[str], repeated: DataFrame, *, n_repeated: int
) -> DataFrame:
    """Return the rows whose key's hash no other row has."""
    return _joined(rows, key, repeated, "left_anti", n_repeated)


def _joined(
    rows: DataFrame, key: Sequence[str], repeated: DataFrame, how: str, n_repeated: int
) -> DataFrame:
    hashes = repeated.select(KEY_HASH)
    if n_repeated <= MOST_BROADCAST_KEYS:
        hashes = F.broadcast(hashes)
    return rows.withColumn(KEY_HASH, key_hash(key)).join(hashes, KEY_HASH, how=how).drop(KEY_HASH)
