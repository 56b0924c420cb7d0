"""Pools of batches: which batch has which, what is masked in them, and what they never show."""

from collections.abc import Iterator

from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import IN_BATCH, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.batches import date_forbidden, first_slots, mask_counts
from winnow.audit.recompute.pool_rows import (
    date_batches,
    date_pool_layout,
    drawable_counts,
    pools_in_parts,
)
from winnow.audit.recompute.pools import misplaced_draws
from winnow.audit.recompute.staged_rows import rows_in_batches

POOLS_DIFFER = none_of(
    "pools_differ",
    IN_BATCH,
    "rows whose pool is not that of their batch, and draws that a pool lacks, or has beyond those "
    "that the config asks for",
)
POOL_CONFLICTS_MISSING = none_of(
    "pool_conflicts_missing",
    IN_BATCH,
    "items of its batch's pool that a row's user was shown or clicked and that it does not mask",
    unit="items",
)
POOL_CONFLICTS_UNFOUNDED = none_of(
    "pool_conflicts_unfounded",
    IN_BATCH,
    "items of a pool that a row masks though its user was neither shown them nor clicked them, or "
    "twice, or not in the order of their slots",
    unit="items",
)
POOL_UNSEEN = at_most(
    "pool_unseen",
    IN_BATCH,
    "share",
    "impressions of items that neither a batch nor a pool has, so that none of them is ever a "
    "negative of either",
    warn=0.5,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the pools, where they are asked for."""
    config = evidence.config
    if config.pool is None:
        return
    yield Measurement([POOLS_DIFFER.promised()], lambda: _placed(evidence))
    masked = [POOL_CONFLICTS_MISSING.promised(), POOL_CONFLICTS_UNFOUNDED.promised()]
    yield Measurement(masked, lambda: _masks(evidence))
    yield Measurement([POOL_UNSEEN.promised()], lambda: _unseen(evidence))


def _placed(evidence: Evidence) -> Figure:
    wanted, wrong = date_pool_layout(evidence), 0
    for row in date_batches(evidence).batches.to_pylist():
        known = wanted.get(row["batch_id"])
        wrong += 0 if known is not None and known[0] == row["pool_id"] else row["n"]
    counts, sources = drawable_counts(evidence), evidence.config.pool_sources
    names = [one.name for one, n in zip(sources, counts, strict=True) if n]
    of_each = [n for n in counts if n]
    for pools, drawn in pools_in_parts(evidence):
        wrong += misplaced_draws(drawn, pools, names, of_each)
    if evidence.config.positives.others:
        others = evidence.staged["training_samples"].where("label_strength != 'strong'")
        wrong += others.where(F.col("pool_id").isNotNull()).count()
    return POOLS_DIFFER.figure(wrong)


def _masks(evidence: Evidence) -> list[Figure]:
    rows = rows_in_batches(evidence)
    firsts = first_slots(evidence.staged["batch_draws"], "pool_id")
    forbidden, one_in = date_forbidden(evidence)
    found = mask_counts(rows, firsts, forbidden, one_in, "pool")
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return [
        POOL_CONFLICTS_MISSING.figure(found.missing, detail=detail),
        POOL_CONFLICTS_UNFOUNDED.figure(found.unfounded, detail=detail),
    ]


def _unseen(evidence: Evidence) -> Figure:
    in_batches = rows_in_batches(evidence)
    seen = in_batches.select("item_id").unionByName(
        evidence.staged["batch_draws"].select("item_id")
    )
    items = evidence.staged["item_stats"].select("item_id", "impressions")
    shown = F.coalesce(F.sum("impressions"), F.lit(0)).alias("shown")
    sums = (shown, F.count(F.lit(1)).alias("items"))
    unseen = items.join(seen.distinct(), "item_id", how="left_anti").agg(*sums).collect()[0]
    every = items.agg(*sums).collect()[0]
    share = unseen["shown"] / every["shown"] if every["shown"] else 0.0
    detail = f"{unseen['items']:,} of {every['items']:,} items of the catalogue"
    return POOL_UNSEEN.figure(share, detail=detail)
