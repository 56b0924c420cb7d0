"""The batches of a date, cut once more out of the staged rows, and what is to be masked in them."""

from dataclasses import dataclass
from math import exp, lgamma

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from winnow.arrays.grouping import starts_of_runs
from winnow.audit.evidence import Evidence, once
from winnow.audit.recompute.forbidding import forbidding_rows
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.staged_rows import clicked_rows
from winnow.audit.recompute.user_caps import of_some_users
from winnow.spark.broadcast import broadcast

_STATED = ("batch_id", "slot", "batch_rows")
_CHANCES = ("in_batch_log_q", "in_batch_expected", "in_batch_presence")


@dataclass(frozen=True)
class MaskCounts:
    """Pairs of a row and an item of its batch.

    Attributes:
        missing: Not among the conflicts, though the user was shown or clicked the item.
        unfounded: Among them, though it was not, or more than once, or out of order.
    """

    missing: int
    unfounded: int


def misplaced_rows(rows: pa.Table, batch_size: int) -> int:
    """Count the rows that are not in the batch and slot that their shuffle_key gives them.

    Rows of one key may stand in any order.

    Args:
        rows: One per row that should be in a batch: ``split``, ``shuffle_key``, ``batch_id``,
            ``slot``, ``batch_rows``. batch_size: Rows of a full batch.
    """
    wrong, judged, n_batches = 0, 0, 0
    for split in ("train", "valid", "test", "gap"):
        own = rows.filter(pc.equal(rows["split"], split))
        n = own.num_rows
        key = own["shuffle_key"].to_numpy()
        batch, slot, size = (own[name].fill_null(-1).to_numpy() for name in _STATED)
        place = (batch - n_batches) * batch_size + slot
        inside = (slot >= 0) & (slot < batch_size) & (place >= 0) & (place < n)
        last = (n - 1) // batch_size
        wanted = np.where(batch - n_batches < last, batch_size, n - last * batch_size)
        inside &= size == wanted
        inside[inside] = np.sort(key)[place[inside]] == key[inside]
        wrong += n - len(np.unique(place[inside]))
        n_batches += last + 1 if n else 0
        judged += n
    # Of no split that there is.
    return wrong + int(rows.num_rows) - judged


def misnamed_items(rows: pa.Table) -> int:
    """Count the rows whose ``batch_item_slot`` is not the first slot of the batch with their item.

    Args:
        rows: Those in batches: ``batch_id``, ``slot``, ``item_id``, ``batch_item_slot``.
    """
    item = rows["item_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    batch, slot, stated = (
        rows[name].fill_null(-1).to_numpy() for name in ("batch_id", "slot", "batch_item_slot")
    )
    order = np.lexsort((slot, item, batch))
    begins = starts_of_runs(batch[order], item[order])
    first = slot[order][np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))]
    return int(np.count_nonzero(stated[order] != first))


def unlikely_chances(rows: DataFrame, batch_size: int) -> int:
    """Count the rows whose chances are not those of their item among the rows of the split.

    Args:
        rows: Those in batches: ``split``, ``item_id``, and the chances.
        batch_size: Rows of a full batch.
    """
    # Rows that say the same of one item are one here: there are as many as items, not positives.
    alike = rows.groupBy("split", "item_id", *_CHANCES).agg(F.count(F.lit(1)).alias("n")).toArrow()
    wrong = 0
    for split in alike["split"].unique():
        own = alike.filter(pc.equal(alike["split"], split))
        said = own["n"].to_numpy()
        item = own["item_id"].combine_chunks().dictionary_encode().indices.to_numpy()
        c = np.bincount(item, said)[item]
        n = int(said.sum())
        k = min(batch_size, n)
        log_q, expected, presence = (own[name].fill_null(np.nan).to_numpy() for name in _CHANCES)
        right = np.abs(log_q - np.log(c / n)) <= 2e-9
        right &= np.abs(expected - k * c / n) <= 1e-9 * expected
        right &= np.abs(presence - _presence(c, n, k)) <= 1e-6
        wrong += int(said[~right].sum())
    return wrong


def _presence(counts: NDArray[np.float64], n: int, k: int) -> NDArray[np.float64]:
    """Return 1 - C(n - c, k) / C(n, k) of each count c, shape (p,)."""
    found, back = np.unique(counts, return_inverse=True)
    # From here on there is no set of k rows without the item.
    most = n - k
    of_all = lgamma(n + 1) - lgamma(n - k + 1)
    absences = [
        exp(lgamma(n - c + 1) - lgamma(n - c - k + 1) - of_all) if c <= most else 0.0 for c in found
    ]
    presence: NDArray[np.float64] = 1.0 - np.array(absences)[back]
    return presence


@once
def date_forbidden(evidence: Evidence) -> tuple[DataFrame, int]:
    """Return what is forbidden to some users of clicked rows, staged, and 1 in how many.

    A row's mask costs several times as much as the other things that are compared of a row.
    """
    one_in = one_in_so_many(2 * evidence.n_positives, evidence.scratch.limits)
    rows, scratch = (
        clicked_rows(evidence.staged["training_samples"], evidence.config),
        evidence.scratch,
    )
    forbidding = forbidding_rows(evidence.logs, evidence.config, evidence.day, scratch)
    # Several comparisons need it, and a frame would read the logs for each.
    return scratch.staged(
        forbidden_of_users(rows, *forbidding, one_in), "forbidden-of-users"
    ), one_in


def first_slots(rows: DataFrame, of: str) -> DataFrame:
    """Return the ``first`` slot with each ``item_id``, by the batch or pool that ``of`` names."""
    return rows.groupBy(of, "item_id").agg(F.min("slot").alias("first"))


def forbidden_of_users(
    rows: DataFrame, shown: DataFrame, clicked: DataFrame, one_in: int
) -> DataFrame:
    """Return ``user_id`` and ``item_id`` of what is forbidden to 1 in so many users of rows."""
    users = of_some_users(rows, one_in).select("user_id").distinct()
    forbidding = of_some_users(shown.unionByName(clicked), one_in)
    return forbidding.join(broadcast(users, "user_id"), "user_id", how="left_semi").distinct()


def mask_counts(
    rows: DataFrame, firsts: DataFrame, forbidden: DataFrame, one_in: int, of: str = "batch"
) -> MaskCounts:
    """Compare the conflicts of rows with what the logs forbid to their users.

    Args:
        rows: Those in batches: ``user_id``, ``batch_id``, ``slot``, ``<of>_id``,
            ``<of>_conflict_item_slots``.
        firsts: What ``first_slots`` returned.
        forbidden: What ``forbidden_of_users`` returned. one_in: As there.
        of: ``batch`` or ``pool``.
    """
    some = of_some_users(rows, one_in)
    wanted = (
        some.select("user_id", *dict.fromkeys(("batch_id", "slot", f"{of}_id")))
        .join(forbidden, "user_id")
        .join(firsts, [f"{of}_id", "item_id"])
        .groupBy("batch_id", "slot")
        .agg(F.sort_array(F.collect_list("first")).alias("wanted"))
    )
    stated, none = F.col(f"{of}_conflict_item_slots"), F.array().cast("array<int>")
    both = (
        some.select("batch_id", "slot", stated.alias("stated"))
        .join(wanted, ["batch_id", "slot"], how="left")
        .select(*(F.coalesce(name, none).alias(name) for name in ("wanted", "stated")))
        .where(F.col("wanted") != F.col("stated"))
    )
    missing = F.size(F.array_except("wanted", "stated"))
    # Where the items are the right ones, and as many, they are in another order.
    beyond = F.size("stated") - F.size("wanted") + missing
    unfounded = F.when((missing == 0) & (beyond == 0), F.lit(1)).otherwise(beyond)
    found = both.agg(F.sum(missing), F.sum(unfounded)).collect()[0]
    return MaskCounts(int(found[0] or 0), int(found[1] or 0))


def unlikely_masks(rows: DataFrame, forbidden: DataFrame, one_in: int) -> int:
    """Count the rows whose ``in_batch_forbidden`` is not the share of forbidden rows of the split.

    Args:
        rows: Those in batches: ``user_id``, ``item_id``, ``split``, ``in_batch_forbidden``.
        forbidden: What ``forbidden_of_users`` returned. one_in: As there.
    """
    of_items = rows.groupBy("split", "item_id").agg(F.count(F.lit(1)).alias("n"))
    of_splits = rows.groupBy("split").agg(F.count(F.lit(1)).alias("n_split"))
    of_users = (
        forbidden.join(of_items, "item_id")
        .groupBy("user_id", "split")
        .agg(F.sum("n").alias("n_forbidden"))
    )
    both = (
        of_some_users(rows, one_in)
        .select("user_id", "split", "in_batch_forbidden")
        .join(of_users, ["user_id", "split"], how="left")
        .join(broadcast(of_splits, "split"), "split")
    )
    share = F.coalesce("n_forbidden", F.lit(0)) / F.col("n_split")
    near = F.abs(F.col("in_batch_forbidden") - share) <= 1e-12
    return both.where(~F.coalesce(near, F.lit(False))).count()
