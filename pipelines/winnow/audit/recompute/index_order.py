"""Whether items stand in the order of their indices, each once: told without sorting all of them.

item_stats of a vast catalogue is written about in the order of ids. So are the indices of the items
that nobody clicked, and sorted some rows at a time they go up by one. A task says where such runs
begin and end; the runs of all tasks are put together here.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.types import LongType, StructField, StructType

_AT_A_TIME = 2**21
"""So many rows are sorted together."""

_MOST_RUNS = 1_000_000
"""A task that finds more says so and tells none: the table is in another order then."""

_TOO_MANY = -1


def stand_in_order(rows: DataFrame, first: int, end: int) -> bool:
    """Return whether indices from ``first`` to ``end`` go up with the ids, each of them once.

    Args:
        rows: ``item_id`` (bigint or string) and ``index`` (bigint).
        first: The smallest index. end: Above the largest one.

    Returns:
        False also where rows are in such an order that it would have to be sorted to know.
    """
    kind = rows.schema["item_id"].dataType
    schema = StructType(
        [
            StructField("from_index", LongType()),
            StructField("to_index", LongType()),
            StructField("from_id", kind),
            StructField("to_id", kind),
        ]
    )
    found = rows.select("item_id", "index").mapInArrow(runs_in, schema).toArrow().combine_chunks()
    begins, ends = (found[name].to_numpy() for name in ("from_index", "to_index"))
    if len(begins) == 0:
        return first == end
    if begins.min() == _TOO_MANY:
        return False
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], ends[order]
    from_id, to_id = (found[name].take(pa.array(order)) for name in ("from_id", "to_id"))
    whole = begins[0] == first and ends[-1] == end - 1
    adjoining = bool((begins[1:] == ends[:-1] + 1).all())
    ascending = pc.all(pc.less(to_id.slice(0, len(order) - 1), from_id.slice(1))).as_py()
    return bool(whole and adjoining and ascending is not False)


def each_once(rows: DataFrame) -> bool:
    """Return whether no id is there twice, where the rows stand about in the order of their ids.

    A column is read, and a few rows of each task are compared: nothing is hashed, moved or held.

    Args:
        rows: ``item_id`` (bigint or string).

    Returns:
        True if each id is there once. False if one is there twice, or it would have to be sorted.
    """
    kind = rows.schema["item_id"].dataType
    schema = StructType([StructField("from_id", kind), StructField("to_id", kind)])
    found = rows.select("item_id").mapInArrow(spans_in, schema).toArrow().combine_chunks()
    if found["to_id"].null_count:
        return False
    found = found.sort_by("from_id")
    begins, ends = found["from_id"], found["to_id"]
    apart = pc.all(pc.less(ends.slice(0, max(len(ends) - 1, 0)), begins.slice(1))).as_py()
    return apart is not False


def spans_in(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give the least and the greatest id of some rows at a time, for ``mapInArrow``.

    Where an id is among them twice, or is NULL, the greatest one is NULL.
    """
    for rows in _parts(batches):
        ids = rows["item_id"].combine_chunks()
        if pc.all(pc.less(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py() is False:
            ids = ids.take(pc.sort_indices(ids))
        alike = pc.any(pc.equal(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py()
        least, greatest = ids.slice(0, 1), ids.slice(len(ids) - 1)
        if alike or ids.null_count:
            greatest = pa.nulls(1, ids.type)
        yield pa.RecordBatch.from_arrays([least, greatest], names=["from_id", "to_id"])


def runs_in(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give where the runs of a task's rows begin and end, for ``mapInArrow``."""
    n = 0
    for rows in _parts(batches):
        if n > _MOST_RUNS:
            continue
        index = rows["index"].fill_null(_TOO_MANY).to_numpy()
        if (index[1:] < index[:-1]).any():
            # A join gives what it found before the rest of some thousand rows.
            order = np.argsort(index, kind="stable")
            rows, index = rows.take(pa.array(order)), index[order]
        ids = rows["item_id"].combine_chunks()
        later = pc.coalesce(
            pc.less(ids.slice(0, len(ids) - 1), ids.slice(1)), pa.scalar(value=False)
        )
        next_one = index[1:] == index[:-1] + 1
        # The contract has no NULL among ids; one would be no number that is later.
        later = pc.fill_null(later, fill_value=False).to_numpy(zero_copy_only=False)
        breaks = np.flatnonzero(~(later & next_one))
        begins, ends = np.append(0, breaks + 1), np.append(breaks, len(index) - 1)
        n += len(begins)
        if n > _MOST_RUNS:
            index, begins, ends = np.array([_TOO_MANY]), begins[:1], begins[:1]
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(index[begins]),
                pa.array(index[ends]),
                ids.take(pa.array(begins)),
                ids.take(pa.array(ends)),
            ],
            names=["from_index", "to_index", "from_id", "to_id"],
        )


def _parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= _AT_A_TIME:
            yield pa.Table.from_batches(held)
            held = []
    if any(batch.num_rows for batch in held):
        yield pa.Table.from_batches(held)
