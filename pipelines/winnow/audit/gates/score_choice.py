"""Whether hard negatives that are chosen by score are those whose scores and hashes come first."""

from collections.abc import Iterator

from winnow.audit.evidence import Evidence
from winnow.audit.gate import HARD, Measurement, none_of
from winnow.audit.recompute.request_sample import one_in_so_many, requests_note
from winnow.audit.recompute.score_races import out_of_order, score_pools

HARD_ORDER_DIFFERS = none_of(
    "hard_order_differs",
    HARD,
    "positives whose hard negatives by score are not in the order that the log's scores, the "
    "temperature and the hashes tell, or come behind others that could have been chosen",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure training_samples, whose lists are in the order of choice."""
    pools = list(score_pools(evidence.config))
    if pools and "training_samples" in evidence.staged and "ranking_log" in evidence.logs:
        one_in = one_in_so_many(evidence.n_positives, evidence.scratch.limits)
        samples = evidence.staged["training_samples"]
        yield Measurement(
            [HARD_ORDER_DIFFERS.promised()],
            lambda: [
                HARD_ORDER_DIFFERS.figure(
                    sum(out_of_order(evidence, samples, pool, one_in) for pool in pools),
                    detail=requests_note(one_in),
                )
            ],
        )
