"""Negatives of the user's other requests: which request each is from, and what it was one of."""

from collections.abc import Iterator

from winnow.audit.evidence import Evidence
from winnow.audit.gate import HARD, Figure, Measurement, none_of
from winnow.audit.recompute.other_requests import differing_pools, others_sample, unfounded
from winnow.audit.recompute.request_sample import one_in_so_many, requests_note
from winnow.audit.recompute.source_rows import negatives_of_source
from winnow.audit.recompute.staged_rows import positives_of
from winnow.config.sources import OTHER_REQUESTS

OTHER_REQUEST_UNFOUNDED = none_of(
    "other_request_unfounded",
    HARD,
    "negatives of other_requests whose request is none that their user was shown around the "
    "positive by the log, or is the positive's own, or whose item the own request ranked as well",
)
OTHER_REQUESTS_POOL_DIFFERS = none_of(
    "other_requests_candidates_differ",
    HARD,
    "positives whose negatives of other_requests are not as many, not of those, not of that "
    "request, or not as likely as the logs allow",
    "positives",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure what other requests gave, where it is asked for."""
    asked = evidence.config.negatives.other_requests
    if asked is None or "ranking_log" not in evidence.logs:
        return
    negatives = negatives_of_source(evidence.staged, evidence.config, OTHER_REQUESTS)
    if negatives is None:
        return
    positives = positives_of(evidence.staged)
    complete = positives is not None and positives.complete
    told = "from_request_id" in negatives.columns
    promised = [OTHER_REQUEST_UNFOUNDED.promised()] if told else []
    promised += [OTHER_REQUESTS_POOL_DIFFERS.promised()] if complete else []

    def measured() -> list[Figure]:
        figures = []
        if told:
            one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
            found = unfounded(evidence, negatives, one_in)
            figures.append(OTHER_REQUEST_UNFOUNDED.figure(found, detail=requests_note(one_in)))
        if complete:
            detail = others_sample(evidence).described()
            differing = differing_pools(evidence, negatives)
            figures.append(OTHER_REQUESTS_POOL_DIFFERS.figure(differing, detail=detail))
        return figures

    if promised:
        yield Measurement(promised, measured)
