"""Batches that should be free of conflicts: what the logs say of that, and who was left out."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import IN_BATCH, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.batches import date_forbidden, first_slots
from winnow.audit.recompute.conflict_free import (
    conflicts_by_logs,
    repeated_in_batches,
    wrongly_put,
)
from winnow.audit.recompute.staged_rows import clicked_rows, rows_in_batches
from winnow.events.keys import key_of

BATCH_CONFLICTS = none_of(
    "batch_conflicts",
    IN_BATCH,
    "items of a batch without conflicts that the user of another of its rows was shown or clicked, "
    "and rows of one user or item in one batch",
    unit="items",
)
CONFLICT_FREE_DIFFERS = none_of(
    "conflict_free_differs",
    IN_BATCH,
    "rows that are not in the batch that they get, or left out though they get one, when all are "
    "put into batches again",
)
BATCHES_LEFT_OUT = at_most(
    "batches_left_out",
    IN_BATCH,
    "share",
    "rows that are in no batch, as each of the open ones has a row that they are in conflict with: "
    "they are not trained on where batches are",
    warn=0.1,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure batches that should be free of conflicts, where they are asked for."""
    asked = evidence.config.in_batch
    if asked is None or not asked.conflict_free:
        return
    yield Measurement([BATCH_CONFLICTS.promised()], lambda: _conflicts(evidence))
    yield Measurement([CONFLICT_FREE_DIFFERS.promised()], lambda: _put(evidence))
    yield Measurement([BATCHES_LEFT_OUT.promised()], lambda: _left_out(evidence))


def _conflicts(evidence: Evidence) -> Figure:
    rows = rows_in_batches(evidence)
    forbidden, one_in = date_forbidden(evidence)
    found = conflicts_by_logs(rows, first_slots(rows, "batch_id"), forbidden, one_in)
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return BATCH_CONFLICTS.figure(found + repeated_in_batches(rows), detail=detail)


def _put(evidence: Evidence) -> Figure:
    """Put all rows again: who is left out depends on everybody, so it is all of them or none."""
    config, scratch = evidence.config, evidence.scratch
    asked = config.in_batch
    assert asked is not None
    forbidden, one_in = date_forbidden(evidence)
    if one_in > 1:
        return CONFLICT_FREE_DIFFERS.figure(0, detail="too many rows to put them again")
    rows = clicked_rows(evidence.staged["training_samples"], config)
    user, item = key_of("user_id", config.ids.user), key_of("item_id", config.ids.item)
    keys = user.alias("user"), item.alias("item")
    told: pa.Table = rows.select("split", "shuffle_key", "batch_id", *keys).toArrow()
    known = rows.select("item_id").distinct()
    pairs = forbidden.join(known, "item_id", how="left_semi").select(*keys)
    met: pa.Table = scratch.fetched(pairs, "forbidden-in-batches")
    users, items = (met[name].to_numpy() for name in ("user", "item"))
    order = np.argsort(users, kind="stable")
    names, begins = np.unique(users[order], return_index=True)
    own = np.split(items[order], begins[1:])
    of_users = {name: one.tolist() for name, one in zip(names.tolist(), own, strict=False)}
    return CONFLICT_FREE_DIFFERS.figure(wrongly_put(told, of_users, asked.batch_size))


def _left_out(evidence: Evidence) -> Figure:
    rows = clicked_rows(evidence.staged["training_samples"], evidence.config)
    asked = evidence.config.in_batch
    assert asked is not None
    full = F.count_if((F.col("batch_rows") == asked.batch_size) & (F.col("slot") == 0))
    found = rows.agg(
        F.count_if(F.col("batch_id").isNull()).alias("left"),
        F.count(F.lit(1)).alias("rows"),
        full.alias("full"),
        F.count_if(F.col("slot") == 0).alias("batches"),
    ).collect()[0]
    share = found["left"] / found["rows"] if found["rows"] else 0.0
    detail = f"{found['left']:,} rows; {found['full']:,} of {found['batches']:,} batches are full"
    return BATCHES_LEFT_OUT.figure(share, detail=detail)
