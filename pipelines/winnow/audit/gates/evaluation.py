"""evaluation_samples beside the logs: nothing lost, nothing of the future, nothing thinned."""

from collections.abc import Callable, Iterator
from functools import partial

from winnow.audit.evidence import Evidence
from winnow.audit.gate import EVALUATION, Figure, Gate, Measurement, none_of
from winnow.audit.recompute.evaluation_lists import EvaluationFigures, evaluation_figures
from winnow.audit.recompute.evaluation_rows import (
    TABLE,
    early_positives,
    late_seen,
    negatives_met,
    other_requests,
    trained_rows,
)

EVALUATION_TRAINED = none_of(
    "evaluation_trained",
    EVALUATION,
    "requests of a date or user that is train or gap by the config",
)
EVALUATION_REQUESTS_DIFFER = none_of(
    "evaluation_requests_differ",
    EVALUATION,
    "requests with a click that are held out by the log and the config and not there, that are "
    "there and should not be, or that say another number of requests of their user",
)
EVALUATION_POSITIVES_EARLY = none_of(
    "evaluation_positives_early",
    EVALUATION,
    "positives that were shown or clicked before the first impression of the request in the log",
    unit="elements",
)
EVALUATION_SEEN_LATE = none_of(
    "evaluation_seen_late",
    EVALUATION,
    "items to filter that the user had not met before the first impression of the request",
    unit="elements",
)
EVALUATION_NEGATIVES_SHOWN = none_of(
    "evaluation_negatives_shown",
    EVALUATION,
    "negatives that the user was shown or clicked in the exclusion window, at whatever time",
    unit="elements",
)
EVALUATION_POSITIVES_DIFFER = none_of(
    "evaluation_positives_differ",
    EVALUATION,
    "requests whose positives, or whose time, are not those that the log has, none of them "
    "thinned, capped or repeated",
)
EVALUATION_SEEN_DIFFERS = none_of(
    "evaluation_seen_differs",
    EVALUATION,
    "requests whose seen items are not the latest that the log has of their user before them",
)
EVALUATION_SIZES_DIFFER = none_of(
    "evaluation_sizes_differ",
    EVALUATION,
    "requests whose N or M is not how many items were there, or could be drawn, at their time",
)
EVALUATION_NEGATIVES_DIFFER = none_of(
    "evaluation_negatives_differ",
    EVALUATION,
    "requests whose negatives are not those that the hash of user and request draws evenly, or "
    "whose neg_incl_prob is not n / M",
)

_OF_ALL: tuple[tuple[Gate, Callable[[Evidence], int]], ...] = (
    (EVALUATION_TRAINED, trained_rows),
    (EVALUATION_REQUESTS_DIFFER, other_requests),
    (EVALUATION_POSITIVES_EARLY, early_positives),
    (EVALUATION_SEEN_LATE, late_seen),
    (EVALUATION_NEGATIVES_SHOWN, negatives_met),
)
_OF_SOME: tuple[tuple[Gate, Callable[[EvaluationFigures], int]], ...] = (
    (EVALUATION_POSITIVES_DIFFER, lambda found: found.positives),
    (EVALUATION_SEEN_DIFFERS, lambda found: found.seen),
    (EVALUATION_SIZES_DIFFER, lambda found: found.sizes),
    (EVALUATION_NEGATIVES_DIFFER, lambda found: found.negatives),
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the table, where it is written."""
    if TABLE not in evidence.staged:
        return
    for gate, count in _OF_ALL:
        yield Measurement([gate.promised()], partial(_figure, gate, count, evidence))
    yield Measurement([gate.promised() for gate, _ in _OF_SOME], lambda: _of_some(evidence))


def _figure(gate: Gate, count: Callable[[Evidence], int], evidence: Evidence) -> Figure:
    return gate.figure(count(evidence))


def _of_some(evidence: Evidence) -> list[Figure]:
    found = evaluation_figures(evidence)
    note = f"looked at 1 in {found.one_in} users" if found.one_in > 1 else ""
    return [gate.figure(of(found), detail=note) for gate, of in _OF_SOME]
