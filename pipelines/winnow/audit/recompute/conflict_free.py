"""Batches free of conflicts: conflicts looked for in the logs, and all rows put in them again."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.audit.recompute.user_caps import of_some_users

_SPLITS = ("train", "valid", "test", "gap")
_OPEN = 64
_STATED = ("batch_id", "slot", "batch_rows")


def conflicts_by_logs(rows: DataFrame, firsts: DataFrame, forbidden: DataFrame, one_in: int) -> int:
    """Count the items of batches that are forbidden to some users of other rows of the batch.

    Args:
        rows: Those in batches: ``user_id``, ``item_id``, ``batch_id``.
        firsts: What ``first_slots`` returned of their batches.
        forbidden: What ``forbidden_of_users`` returned. one_in: As there.
    """
    some = of_some_users(rows, one_in).select("user_id", F.col("item_id").alias("own"), "batch_id")
    met = some.join(forbidden, "user_id").join(firsts, ["batch_id", "item_id"])
    return met.where(F.col("item_id") != F.col("own")).count()


def repeated_in_batches(rows: DataFrame) -> int:
    """Count the rows by which a batch has a user, or an item, more than once."""
    beyond = F.coalesce(F.sum(F.col("n") - 1), F.lit(0)).alias("beyond")
    counted = [
        rows.groupBy("batch_id", of).agg(F.count(F.lit(1)).alias("n")).agg(beyond).collect()[0]
        for of in ("user_id", "item_id")
    ]
    return sum(int(found["beyond"]) for found in counted)


def misnumbered_rows(rows: pa.Table, batch_size: int) -> int:
    """Count the rows whose batch and slot are none that any conflicts could give them.

    A batch is of one split, has each slot once, its rows in the order of their keys. Batches are
    numbered split by split, in the order of their first rows.

    Args:
        rows: Those in batches: ``split``, ``shuffle_key``, ``batch_id``, ``slot``, ``batch_rows``.
        batch_size: Rows of a full batch.
    """
    if not rows.num_rows:
        return 0
    split = pc.index_in(rows["split"], pa.array(_SPLITS)).fill_null(-1).to_numpy()
    batch, slot, size = (rows[name].fill_null(-1).to_numpy() for name in _STATED)
    order = np.lexsort((slot, batch))
    split, batch, slot, size = split[order], batch[order], slot[order], size[order]
    key = rows["shuffle_key"].to_numpy()[order]
    is_first = np.append(True, batch[1:] != batch[:-1])
    begins = np.flatnonzero(is_first)
    number = np.cumsum(is_first) - 1
    counts = np.diff(np.append(begins, len(batch)))
    right = (batch == number) & (slot == np.arange(len(batch)) - begins[number])
    right &= (size == counts[number]) & (size <= batch_size)
    right &= (split == split[begins][number]) & (split >= 0)
    right[1:] &= is_first[1:] | (key[1:] >= key[:-1])
    of_batch, first_key = split[begins], key[begins]
    later = of_batch[1:] > of_batch[:-1]
    later |= (of_batch[1:] == of_batch[:-1]) & (first_key[1:] >= first_key[:-1])
    right &= np.append(True, later)[number]
    return int(np.count_nonzero(~right))


def wrongly_put(rows: pa.Table, forbidden: Mapping[int, Sequence[int]], batch_size: int) -> int:
    """Count the rows that are not in the batch that they get when all are put in again.

    Each goes into the first of at most 64 open batches that it has no conflict with. A batch is one
    bit of a whole number that is as long as there are batches.

    Args:
        rows: All that should be put: ``split``, ``shuffle_key``, ``batch_id`` (NULL where left
            out), ``user`` and ``item`` (numbers).
        forbidden: The items that are forbidden to each user. batch_size: Rows of a full batch.
    """
    split = pc.index_in(rows["split"], pa.array(_SPLITS)).fill_null(-1).to_numpy()
    key, stated = rows["shuffle_key"].to_numpy(), rows["batch_id"].fill_null(-1).to_numpy()
    user, item = (rows[name].to_numpy().tolist() for name in ("user", "item"))
    has, bars = dict[int, int](), dict[int, int]()
    sizes, open_ones, before, wrong = list[int](), 0, None, 0
    for row in np.lexsort((key, split)).tolist():
        if split[row] != before:
            before, open_ones = split[row], 0
        own = forbidden.get(user[row], ())
        taken = has.get(item[row], 0) | bars.get(item[row], 0)
        for one in own:
            taken |= has.get(one, 0)
        free = open_ones & ~taken
        if not free and open_ones.bit_count() < _OPEN:
            free = 1 << len(sizes)
            open_ones |= free
            sizes.append(0)
        bit = free & -free
        batch = bit.bit_length() - 1
        wrong += batch != stated[row]
        if not bit:
            continue
        has[item[row]] = has.get(item[row], 0) | bit
        for one in own:
            bars[one] = bars.get(one, 0) | bit
        sizes[batch] += 1
        if sizes[batch] == batch_size:
            open_ones &= ~bit
    return wrong


def unlikely_rates(rows: DataFrame) -> int:
    """Count the rows whose chances are not the rates of their item in the batches of the split.

    Args:
        rows: Those in batches: ``split``, ``item_id``, ``batch_id``, and the chances.
    """
    chances = ("in_batch_log_q", "in_batch_expected", "in_batch_presence")
    n, n_batches = F.count(F.lit(1)).alias("n"), F.count_distinct("batch_id").alias("b")
    of_splits = {row["split"]: row["b"] for row in rows.groupBy("split").agg(n_batches).collect()}
    alike = rows.groupBy("split", "item_id", *chances).agg(n).toArrow()
    wrong = 0
    for split, b in of_splits.items():
        own = alike.filter(pc.equal(alike["split"], split))
        said: NDArray[np.int64] = own["n"].to_numpy()
        item = own["item_id"].combine_chunks().dictionary_encode().indices.to_numpy()
        c = np.bincount(item, said)[item]
        log_q, expected, presence = (own[name].fill_null(np.nan).to_numpy() for name in chances)
        right = np.abs(log_q - np.log(c / said.sum())) <= 2e-9
        right &= (np.abs(expected - c / b) <= 1e-9) & (np.abs(presence - c / b) <= 1e-9)
        wrong += int(said[~right].sum())
    return wrong
