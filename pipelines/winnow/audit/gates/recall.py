"""Whether draws are missing for want of a request in the ranking log only where it has none."""

from collections.abc import Iterator

from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.gate import MIX, Measurement, none_of
from winnow.audit.recompute.recalled import recalled_items

RECALL_UNKNOWN_DIFFERS = none_of(
    "recall_unknown_differs",
    MIX,
    "requests that the ranking log has, and whose positives lack draws because it had nothing of "
    "them (recall_unknown)",
    "requests",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure training_samples, which tells the reasons."""
    if evidence.config.negatives.not_recalled and "training_samples" in evidence.staged:
        yield Measurement(
            [RECALL_UNKNOWN_DIFFERS.promised()],
            lambda: RECALL_UNKNOWN_DIFFERS.figure(_known_after_all(evidence)),
        )


def _known_after_all(evidence: Evidence) -> int:
    lacking = F.array_contains("shortfall_reasons", "recall_unknown")
    unknown = evidence.staged["training_samples"].where(lacking)
    found = recalled_items(evidence, unknown)
    return found.select("user_id", "request_id").distinct().count()
