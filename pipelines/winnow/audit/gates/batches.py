"""In-batch data: batches and slots, how likely items are in them, and what must be masked."""

from collections.abc import Iterator

from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import IN_BATCH, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.batches import (
    date_forbidden,
    first_slots,
    mask_counts,
    misnamed_items,
    misplaced_rows,
    unlikely_chances,
    unlikely_masks,
)
from winnow.audit.recompute.conflict_free import misnumbered_rows, unlikely_rates
from winnow.audit.recompute.staged_rows import rows_in_batches
from winnow.config.in_batch import InBatch

BATCHES_DIFFER = none_of(
    "batches_differ",
    IN_BATCH,
    "rows that are not in the batch and slot that the order of shuffle_key gives them, or with "
    "conflict_free could give them",
)
BATCH_ITEM_SLOTS_DIFFER = none_of(
    "batch_item_slots_differ",
    IN_BATCH,
    "rows whose batch_item_slot is not the first slot of their batch that has their item",
)
IN_BATCH_CHANCES_DIFFER = none_of(
    "in_batch_chances_differ",
    IN_BATCH,
    "rows whose in-batch chances are not those of their item among the rows that are trained on",
)
BATCH_CONFLICTS_MISSING = none_of(
    "batch_conflicts_missing",
    IN_BATCH,
    "items of a batch that a row's user was shown or clicked and that it does not mask",
    unit="items",
)
BATCH_CONFLICTS_UNFOUNDED = none_of(
    "batch_conflicts_unfounded",
    IN_BATCH,
    "items that a row masks though its user was neither shown them nor clicked them, or twice, or "
    "not in the order of their slots",
    unit="items",
)
IN_BATCH_FORBIDDEN_DIFFERS = none_of(
    "in_batch_forbidden_differs",
    IN_BATCH,
    "rows whose in_batch_forbidden is not the share of rows with an item that is forbidden to "
    "their user",
)
IN_BATCH_THINNED = at_most(
    "in_batch_thinned",
    IN_BATCH,
    "share",
    "rows in batches of items that are thinned: where in-batch negatives are trained on, thinning "
    "takes hot items out of the negatives as well, usually the harder ones",
    warn=0.0,
)
IN_BATCH_UNSEEN = at_most(
    "in_batch_unseen",
    IN_BATCH,
    "share",
    "impressions of items that no batch has, so that none of them is ever an in-batch negative",
    warn=0.5,
)


_PLACED = (
    "split",
    "shuffle_key",
    "item_id",
    "batch_id",
    "slot",
    "batch_rows",
    "batch_item_slot",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the in-batch data, where it was asked for."""
    if evidence.config.in_batch is None:
        return
    placed = [BATCHES_DIFFER.promised(), BATCH_ITEM_SLOTS_DIFFER.promised()]
    yield Measurement(placed, lambda: _placed(evidence))
    yield Measurement([IN_BATCH_CHANCES_DIFFER.promised()], lambda: _chances(evidence))
    gates = (BATCH_CONFLICTS_MISSING, BATCH_CONFLICTS_UNFOUNDED, IN_BATCH_FORBIDDEN_DIFFERS)
    masked = [gate.promised() for gate in gates]
    yield Measurement(masked, lambda: _masks(evidence))
    yield Measurement([IN_BATCH_THINNED.promised()], lambda: _thinned(evidence))
    yield Measurement([IN_BATCH_UNSEEN.promised()], lambda: _unseen(evidence))


def _asked(evidence: Evidence) -> InBatch:
    asked = evidence.config.in_batch
    assert asked is not None
    return asked


def _placed(evidence: Evidence) -> list[Figure]:
    rows = rows_in_batches(evidence).select(*_PLACED).toArrow()
    asked = _asked(evidence)
    count = misnumbered_rows if asked.conflict_free else misplaced_rows
    wrong = count(rows, asked.batch_size)
    if evidence.config.positives.others:
        others = evidence.staged["training_samples"].where("label_strength != 'strong'")
        wrong += others.where(F.col("batch_id").isNotNull()).count()
    return [BATCHES_DIFFER.figure(wrong), BATCH_ITEM_SLOTS_DIFFER.figure(misnamed_items(rows))]


def _chances(evidence: Evidence) -> Figure:
    rows, asked = rows_in_batches(evidence), _asked(evidence)
    if asked.conflict_free:
        return IN_BATCH_CHANCES_DIFFER.figure(unlikely_rates(rows))
    return IN_BATCH_CHANCES_DIFFER.figure(unlikely_chances(rows, asked.batch_size))


def _masks(evidence: Evidence) -> list[Figure]:
    rows = rows_in_batches(evidence)
    forbidden, one_in = date_forbidden(evidence)
    found = mask_counts(rows, first_slots(rows, "batch_id"), forbidden, one_in)
    wrong = unlikely_masks(rows, forbidden, one_in)
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return [
        BATCH_CONFLICTS_MISSING.figure(found.missing, detail=detail),
        BATCH_CONFLICTS_UNFOUNDED.figure(found.unfounded, detail=detail),
        IN_BATCH_FORBIDDEN_DIFFERS.figure(wrong, detail=detail),
    ]


def _thinned(evidence: Evidence) -> Figure:
    thinned, rows = F.count_if(F.col("keep_prob") < 1.0), F.count(F.lit(1))
    found = rows_in_batches(evidence).agg(thinned, rows).collect()[0]
    share = found[0] / found[1] if found[1] else 0.0
    detail = "positives.downsampling: {rule: none} keeps all of them" if share else ""
    return IN_BATCH_THINNED.figure(share, detail=detail)


def _unseen(evidence: Evidence) -> Figure:
    trained = rows_in_batches(evidence).select("item_id", F.lit(1).alias("trained")).distinct()
    items = evidence.staged["item_stats"].select("item_id", "impressions")
    is_unseen, shown = F.col("trained").isNull(), F.col("impressions")
    found = (
        items.join(trained, "item_id", how="left")
        .agg(
            F.count_if(is_unseen).alias("unseen"),
            F.count(F.lit(1)).alias("items"),
            F.coalesce(F.sum(F.when(is_unseen, shown)), F.lit(0)).alias("of_unseen"),
            F.coalesce(F.sum(shown), F.lit(0)).alias("shown"),
        )
        .collect()[0]
    )
    share = found["of_unseen"] / found["shown"] if found["shown"] else 0.0
    detail = f"{found['unseen']:,} of {found['items']:,} items of the catalogue"
    return IN_BATCH_UNSEEN.figure(share, detail=detail)
