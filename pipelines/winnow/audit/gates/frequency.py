"""The running estimate of how likely items are in batches: made again, and beside exact counts."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from winnow.audit.evidence import Evidence
from winnow.audit.gate import IN_BATCH, Figure, Gate, Measurement, at_most, none_of
from winnow.audit.recompute.frequency import replay
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.audit.recompute.staged_rows import rows_in_batches
from winnow.config.gates import Bounds, GateBounds
from winnow.events.keys import key_of

STATE_TABLE = "frequency_state"
STATE = ("array_no", "bucket", "last_step", "gap", "steps")

FREQUENCY_STATE_DIFFERS = none_of(
    "frequency_state_differs",
    IN_BATCH,
    "buckets of frequency_state that do not follow from the state of the date before and the "
    "batches of this one",
    unit="buckets",
)
STREAMING_LOG_Q_DIFFERS = none_of(
    "streaming_log_q_differs",
    IN_BATCH,
    "rows whose streaming_log_q does not follow from the batches before and their own",
)
FREQUENCY_RESTARTED = at_most(
    "frequency_restarted",
    IN_BATCH,
    "dates",
    "1 where the estimate of frequencies began anew though earlier dates are released: the date "
    "before has no state that it could go on from",
    warn=0,
)
FREQUENCY_STATE_REPLACED = at_most(
    "frequency_state_replaced",
    IN_BATCH,
    "dates",
    "earlier dates whose estimate of frequencies went on from a state that was replaced since: "
    "built again in their order they would say something else",
    warn=0,
)
FREQUENCY_SATURATED = at_most(
    "frequency_saturated",
    IN_BATCH,
    "share",
    "rows of train of items that are in nearly every batch: gaps of one step tell no more how many "
    "rows a batch has of them, and streaming_log_q is too low for those that have several",
    warn=0.0,
)
FREQUENCY_RANK_CORRELATION = Gate(
    "frequency_rank_correlation",
    IN_BATCH,
    "correlation",
    "rank correlation, over the items of train, of what the estimate says after the date with the "
    "exact counts of the date",
    GateBounds(warn=Bounds(least=-1.0)),
)
FREQUENCY_DISTANCE = at_most(
    "frequency_distance",
    IN_BATCH,
    "share",
    "total variation between what the estimate says after the date and the exact counts of the "
    "date: 0 where they agree, 1 where they have nothing in common",
    warn=1.0,
)
_COMPARED = (FREQUENCY_SATURATED, FREQUENCY_RANK_CORRELATION, FREQUENCY_DISTANCE)


def measurements(evidence: Evidence) -> Iterator[Measurement]:
    """Measure the estimate, where it was asked for."""
    if not evidence.config.estimates_frequency:
        return
    gates = (FREQUENCY_STATE_DIFFERS, STREAMING_LOG_Q_DIFFERS, *_COMPARED)
    yield Measurement([gate.promised() for gate in gates], lambda: _replayed(evidence))
    chain = (FREQUENCY_RESTARTED, FREQUENCY_STATE_REPLACED)
    yield Measurement([gate.promised() for gate in chain], lambda: _chain(evidence))


def _replayed(evidence: Evidence) -> list[Figure]:
    asked = evidence.config.in_batch
    assert asked is not None
    item = key_of("item_id", evidence.config.ids.item).alias("item")
    samples = rows_in_batches(evidence)
    rows = samples.select("split", "batch_id", item, "streaming_log_q").toArrow()
    one_in = one_in_so_many(rows.num_rows, evidence.scratch.limits)
    staged = _state(evidence.staged[STATE_TABLE])
    before = staged.slice(0, 0)
    if evidence.frequency_before is not None:
        before = _state(evidence.frequency_before)
    found = replay(rows, before, staged, asked, one_in)
    detail = f"looked at 1 in {one_in} buckets" if one_in > 1 else ""
    return [
        FREQUENCY_STATE_DIFFERS.figure(found.buckets_wrong, detail=detail),
        STREAMING_LOG_Q_DIFFERS.figure(found.log_q_wrong, detail=detail),
        FREQUENCY_SATURATED.figure(found.saturated, detail=detail),
        FREQUENCY_RANK_CORRELATION.figure(
            rank_correlation(found.estimated, found.counted), detail=detail
        ),
        FREQUENCY_DISTANCE.figure(distance(found.estimated, found.counted), detail=detail),
    ]


def _state(rows: DataFrame) -> pa.Table:
    return rows.select(*STATE).toArrow()


def _chain(evidence: Evidence) -> list[Figure]:
    replaced = ", ".join(day.isoformat() for day in evidence.frequency_replaced[:5])
    return [
        FREQUENCY_RESTARTED.figure(int(evidence.frequency_restarted)),
        FREQUENCY_STATE_REPLACED.figure(len(evidence.frequency_replaced), detail=replaced),
    ]


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the total variation of two sets of shares, each taken as shares of its own sum."""
    if not one.sum() or not other.sum():
        return 0.0
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2)


def rank_correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return Spearman's correlation, equal values sharing their ranks; 0 where one is constant."""
    ranks = [_ranks(values) for values in (one, other)]
    apart = [rank - rank.mean() for rank in ranks if len(rank)]
    if len(apart) < 2 or not all(rank.any() for rank in apart):
        return 0.0
    lengths = np.sqrt((apart[0] @ apart[0]) * (apart[1] @ apart[1]))
    return float(apart[0] @ apart[1] / lengths)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    _, back, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: NDArray[np.float64] = (ends - (counts - 1) / 2)[back]
    return middle
