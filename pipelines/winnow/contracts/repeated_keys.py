"""Which keys of a log come more than once: nearly none, so all else can be spared their cost.

Keys are told apart by a hash. What is repeated may be two keys with one hash, so who needs the
truth looks at the few rows behind these hashes once more.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.arrays.sorting import sorted_numbers
from winnow.arrays.task_slots import TASK_SLOTS
from winnow.spark.broadcast import broadcast
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.spark.passes import of_pass, passes_for

KEY_HASH = "__winnow_key_hash"

KEPT, KEPT_CLASSES = 0, 128
"""Every row has a class. The keys of rows of the first classes are compared with one another; rows
of other classes are only counted. Which of the first it is says what is odd about a row."""

MOST_CLASSES = 1024

_CLASS_BITS, _KEPT_BITS = MOST_CLASSES.bit_length() - 1, KEPT_CLASSES.bit_length() - 1

_CENSUS = f"{KEY_HASH} bigint, n bigint, row_class smallint"


def key_hash(key: Sequence[str]) -> Column:
    """Return a bigint hash of the columns of a key, in which a NULL is told from a value."""
    parts: list[Column] = []
    for name in key:
        # xxhash64 passes over a NULL: without the flags (1, NULL) and (NULL, 1) would be one key.
        parts += [F.col(name), F.col(name).isNull()]
    return F.xxhash64(*parts).alias(KEY_HASH)


def key_census(
    rows: DataFrame,
    key: Sequence[str],
    row_class: Column,
    n_rows: int,
    keep: Callable[[DataFrame, str], DataFrame] | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Count rows by their class, and find the keys that several rows of class ``KEPT`` have.

    One pass, one shuffle, eight bytes a row: a hash of the key and the class share a number, which
    is sorted in Python. Sorting numbers is several times faster than grouping them.

    Args:
        rows: Rows that have the key's columns.
        key: The key's columns.
        row_class: Where a row went, int below ``MOST_CLASSES``, never NULL; below ``KEPT_CLASSES``
            it is kept.
        n_rows: About how many rows there are; decides partitions and passes only.
        keep: Writes a frame under a name and returns it read back; without it all is computed
            again whenever it is needed.
        limits: How many rows are compared at a time.

    Returns:
        ``KEY_HASH``, ``n``, ``row_class`` (smallint). A row with a hash: ``n`` rows that are kept
        have it, at least two. A row with a class: so many rows have it; several rows of one class
        add up.
    """
    short = F.shiftleft(_short_hash(key), _CLASS_BITS)
    marked = rows.select(short.bitwiseOR(row_class.cast("bigint")).alias(KEY_HASH))
    # Rows of one key meet, whatever is odd about one of them.
    alike = F.shiftright(KEY_HASH, _KEPT_BITS)
    passes, partitions = passes_for(
        rows.sparkSession, n_rows, limits.compared_keys, limits.memory_gib
    )
    parts = []
    for number in range(passes):
        some = of_pass(marked, alike, number, passes)
        counted = some.repartition(partitions, alike).mapInArrow(_counted, _CENSUS)
        parts.append(counted if keep is None else keep(counted, str(number)))
    return reduce(DataFrame.unionByName, parts)


def repeated_hashes(census: DataFrame) -> DataFrame:
    """Return the hashes of a census: ``KEY_HASH`` and ``n``, how many rows have it."""
    return census.where(F.col("row_class").isNull()).select(KEY_HASH, "n")


def rows_by_class(census: DataFrame) -> dict[int, int]:
    """Return how many rows are of each class a census has."""
    counted = (
        census.where(F.col("row_class").isNotNull()).groupBy("row_class").agg(F.sum("n").alias("n"))
    )
    return {row["row_class"]: row["n"] for row in counted.collect()}


def _short_hash(key: Sequence[str]) -> Column:
    """Return a hash with room for a class; (1, NULL) and (NULL, 1) have the same one.

    Such keys are looked at once more, as all whose hash is repeated: telling them apart here would
    cost every row a look at every column's NULLs.
    """
    return F.shiftright(F.xxhash64(*key), _CLASS_BITS)


def _counted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    received = [batch.column(0).to_numpy() for batch in batches]
    if received:
        with TASK_SLOTS:
            found = _census_of(sorted_numbers(np.concatenate(received)))
        yield found


def _census_of(values: NDArray[np.int64]) -> pa.RecordBatch:
    """Return a census of marked hashes, in ascending order."""
    classes = np.bincount(values & (2**_CLASS_BITS - 1))
    known = np.flatnonzero(classes)
    alike = values >> _KEPT_BITS
    repeated = alike[1:][alike[1:] == alike[:-1]]
    others = _CLASS_BITS - _KEPT_BITS
    repeated = repeated[repeated & (2**others - 1) == KEPT]
    hashes, further = np.unique(repeated >> others, return_counts=True)
    return pa.RecordBatch.from_arrays(
        [
            pa.concat_arrays([pa.array(hashes), pa.nulls(len(known), pa.int64())]),
            pa.array(np.concatenate([further + 1, classes[known]]), pa.int64()),
            pa.array([None] * len(hashes) + known.tolist(), pa.int16()),
        ],
        names=[KEY_HASH, "n", "row_class"],
    )


def count_distinct_keys(
    rows: DataFrame,
    key: Sequence[str],
    n_rows: int,
    repeated: DataFrame,
    limits: Limits = DEFAULT_LIMITS,
) -> int:
    """Return the number of different keys among rows, exactly; NULL equals NULL.

    Args:
        rows: Rows that have the key's columns.
        key: The key's columns.
        n_rows: How many rows there are.
        repeated: What ``repeated_hashes`` returned for these rows.
        limits: How many repeated keys are broadcast.
    """
    of_repeated, hashes = repeated.agg(F.sum("n"), F.count(F.lit(1))).collect()[0]
    if not hashes:
        return n_rows
    suspects = with_hash_among(rows, key, repeated, n_repeated=hashes, limits=limits)
    return n_rows - int(of_repeated) + suspects.select(*key).distinct().count()


def with_hash_among(
    rows: DataFrame,
    key: Sequence[str],
    repeated: DataFrame,
    *,
    n_repeated: int,
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Return the rows whose key's hash is among the repeated ones.

    ``n_repeated`` is how many these are at most.
    """
    return _joined(rows, key, repeated, "left_semi", n_repeated, limits)


def with_hash_alone(
    rows: DataFrame,
    key: Sequence[str],
    repeated: DataFrame,
    *,
    n_repeated: int,
    limits: Limits = DEFAULT_LIMITS,
) -> DataFrame:
    """Return the rows whose key's hash no other row has."""
    return _joined(rows, key, repeated, "left_anti", n_repeated, limits)


def _joined(
    rows: DataFrame,
    key: Sequence[str],
    repeated: DataFrame,
    how: str,
    n_repeated: int,
    limits: Limits,
) -> DataFrame:
    hashes = repeated.select(KEY_HASH)
    if n_repeated <= limits.broadcast_rows:
        hashes = broadcast(hashes, KEY_HASH)
    return (
        rows.withColumn(KEY_HASH, _short_hash(key)).join(hashes, KEY_HASH, how=how).drop(KEY_HASH)
    )
