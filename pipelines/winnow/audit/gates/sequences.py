"""user_sequences beside what users clicked and training_samples: the past, and what are targets."""

from collections.abc import Iterator

from winnow.audit.evidence import Evidence
from winnow.audit.gate import REQUESTS, Figure, Measurement, none_of
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.sequences import misplaced_elements, wrong_sequences, wrong_targets

SEQUENCE_MISPLACED = none_of(
    "sequence_misplaced",
    REQUESTS,
    "elements of user_sequences that are out of order or expired, or tell as before them what is "
    "not of an earlier time",
    unit="elements",
)
SEQUENCE_TARGETS_DIFFER = none_of(
    "sequence_targets_differ",
    REQUESTS,
    "targets of user_sequences and positives of training_samples that are not the other, or that "
    "tell as known what was not before the impression",
    unit="targets",
)
SEQUENCE_DIFFERS = none_of(
    "sequence_differs",
    REQUESTS,
    "users whose sequence is not the latest clicks before the date, all of the date and the "
    "targets",
    unit="users",
)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the table, where it is written."""
    if not {"user_sequences", "training_samples"} <= set(evidence.staged):
        return
    yield Measurement(
        [SEQUENCE_MISPLACED.promised()],
        lambda: SEQUENCE_MISPLACED.figure(misplaced_elements(evidence)),
    )
    yield Measurement(
        [SEQUENCE_TARGETS_DIFFER.promised()],
        lambda: SEQUENCE_TARGETS_DIFFER.figure(wrong_targets(evidence)),
    )
    yield Measurement([SEQUENCE_DIFFERS.promised()], lambda: _compared(evidence))


def _compared(evidence: Evidence) -> Figure:
    n = max(2 * evidence.counts["clicks"].read, evidence.n_positives)
    one_in = one_in_so_many(n, evidence.scratch.limits)
    detail = f"looked at 1 in {one_in} users" if one_in > 1 else ""
    return SEQUENCE_DIFFERS.figure(wrong_sequences(evidence, one_in), detail=detail)
