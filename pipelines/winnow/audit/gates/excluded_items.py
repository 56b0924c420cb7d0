"""Lists of what is forbidden to users, for trainers that make batches themselves."""

from collections.abc import Iterator

from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import IN_BATCH, Figure, Measurement, at_most, none_of
from winnow.audit.recompute.excluded_items import differing_lists
from winnow.audit.recompute.forbidding import forbidding_rows
from winnow.audit.recompute.request_sample import one_in_so_many

EXCLUDED_ITEMS_DIFFER = none_of(
    "excluded_items_differ",
    IN_BATCH,
    "rows whose exclude_item_ids are not the latest items that their user was shown or clicked, or "
    "whose exclude_truncated is wrong",
)
EXCLUDED_TRUNCATED = at_most(
    "excluded_truncated",
    IN_BATCH,
    "share",
    "rows whose user is forbidden more items than exclude_item_ids.at_most: a batch that a trainer "
    "makes may give them what they were shown",
    warn=0.05,
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the lists, where they were asked for."""
    if evidence.config.exclude_item_ids is None:
        return
    yield Measurement([EXCLUDED_ITEMS_DIFFER.promised()], lambda: _lists(evidence))
    yield Measurement([EXCLUDED_TRUNCATED.promised()], lambda: _truncated(evidence))


def _lists(evidence: Evidence) -> Figure:
    config, scratch = evidence.config, evidence.scratch
    assert config.exclude_item_ids is not None
    one_in = one_in_so_many(evidence.n_positives, scratch.limits)
    shown, clicked = forbidding_rows(evidence.logs, config, evidence.day, scratch, timed=True)
    wrong = differing_lists(
        evidence.staged["training_samples"],
        shown.unionByName(clicked),
        config.ids.item,
        config.exclude_item_ids.at_most,
        one_in,
    )
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return EXCLUDED_ITEMS_DIFFER.figure(wrong, detail=detail)


def _truncated(evidence: Evidence) -> Figure:
    rows = evidence.staged["training_samples"]
    found = rows.agg(F.count_if("exclude_truncated"), F.count(F.lit(1))).collect()[0]
    share = found[0] / found[1] if found[1] else 0.0
    return EXCLUDED_TRUNCATED.figure(share, detail=f"{found[0]:,} of {found[1]:,} rows")
