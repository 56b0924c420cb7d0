"""Negatives that users rejected: the one source that may give what was shown, so each is proven."""

from collections.abc import Iterator

from winnow.audit.evidence import Evidence
from winnow.audit.gate import HARD, Figure, Measurement, none_of
from winnow.audit.recompute.feedback import (
    differing_pools,
    given_feedback,
    not_rejected,
)
from winnow.audit.recompute.row_sample import positives_sample
from winnow.audit.recompute.source_rows import negatives_of_source
from winnow.audit.recompute.staged_rows import positives_of
from winnow.config.sources import NEGATIVE_FEEDBACK

NEGATIVES_NOT_REJECTED = none_of(
    "negatives_not_rejected",
    HARD,
    "negatives of negative_feedback whose item their user had not rejected before the positive was "
    "shown, on the dates and of the types that count, by the log",
)
FEEDBACK_POOL_DIFFERS = none_of(
    "feedback_candidates_differ",
    HARD,
    "positives whose negatives of negative_feedback are not as many, not of those, or not as "
    "likely as the logs allow",
    "positives",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure what users rejected, where it is asked for."""
    negatives = negatives_of_source(evidence.staged, evidence.config, NEGATIVE_FEEDBACK)
    if evidence.config.negatives.feedback is None or negatives is None:
        return
    positives = positives_of(evidence.staged)
    complete = positives is not None and positives.complete
    promised = [NEGATIVES_NOT_REJECTED.promised()]
    promised += [FEEDBACK_POOL_DIFFERS.promised()] if complete else []

    def measured() -> list[Figure]:
        log = evidence.logs[NEGATIVE_FEEDBACK]
        given = given_feedback(log, evidence.config, evidence.day)
        figures = [NEGATIVES_NOT_REJECTED.figure(not_rejected(negatives, given))]
        if complete:
            detail = positives_sample(evidence).described()
            differing = differing_pools(evidence, negatives)
            figures.append(FEEDBACK_POOL_DIFFERS.figure(differing, detail=detail))
        return figures

    yield Measurement(promised, measured)
