"""The running estimate of a date, made once more by the paper's loop: row after row, in Python."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import expm1, log, log1p

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.audit.recompute.hashes import followed_by, hashes_of
from winnow.config.in_batch import InBatch

Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]
Known = tuple[Int64s, Int64s, Float64s]
"""Buckets, ascending, of all arrays one behind the other: place, last step, gap."""

_STREAM = 2001
"""What tells the choice of buckets from all other hashes."""


@dataclass(frozen=True)
class Replayed:
    """What came of it.

    Attributes:
        buckets_wrong: Buckets of the staged state that are not as the loop has them, or missing,
            or too many.
        log_q_wrong: Rows whose streaming_log_q is not that of the loop.
        estimated: Of each item of train that was looked at, the share of a batch's slots after the
            date. counted: The share of the rows of train.
        saturated: The share of the rows of train whose item is in so many batches that gaps tell no
            more.
    """

    buckets_wrong: int
    log_q_wrong: int
    estimated: Float64s
    counted: Float64s
    saturated: float


def replay(
    rows: pa.Table, before: pa.Table, staged: pa.Table, asked: InBatch, one_in: int
) -> Replayed:
    """Make the estimate of a date once more, and compare.

    Args:
        rows: Those in batches: ``split``, ``batch_id``, ``item`` (int64 key), ``streaming_log_q``.
        before: The state after the date before: rows of frequency_state, none where it began anew.
        staged: The state that is judged.
        asked: What was asked for.
        one_in: Of so many buckets of the first array one is looked at, with all that its items hit.
    """
    streaming = asked.streaming
    assert streaming is not None
    rows = rows.sort_by("batch_id")
    items, item = np.unique(rows["item"].to_numpy(), return_inverse=True)
    places = _places(items, streaming.arrays, streaming.buckets)
    chosen = places[0] % one_in == 0
    looked_at = np.unique(places[:, chosen])
    index = np.minimum(np.searchsorted(looked_at, places), max(len(looked_at) - 1, 0))
    there = looked_at[index] == places if len(looked_at) else np.zeros(places.shape, bool)
    known = _known(before, streaming.buckets)
    n_before = int(before["steps"][0].as_py()) if before.num_rows else 0
    loop = _Loop(np.where(there, index, -1).T.tolist(), looked_at, known, n_before, asked)
    batch = rows["batch_id"].to_numpy()
    is_train = pc.equal(rows["split"], "train").to_numpy(zero_copy_only=False)
    stated = rows["streaming_log_q"].to_numpy()
    n_batches = int(batch[is_train].max(initial=-1)) + 1
    wrong = 0
    # Those of train come first.
    for first, last in pairwise(np.searchsorted(batch, np.arange(n_batches + 1))):
        loop.take_in(item[first:last].tolist())
        own = np.flatnonzero(chosen[item[first:last]]) + first
        wrong += sum(loop.differs(item[x], stated[x]) for x in own)
    wrong += sum(loop.differs(item[x], stated[x]) for x in np.flatnonzero(~is_train & chosen[item]))
    wanted = _merged(known, loop.state(looked_at))
    counts = np.bincount(item[is_train], minlength=len(items))
    of_train = np.flatnonzero(chosen & (counts > 0)).tolist()
    hot = [one for one in of_train if 1 / loop.gap(one) > 1 - streaming.rate]
    return Replayed(
        _differing(wanted, _known(staged, streaming.buckets), looked_at, streaming.buckets, one_in)
        + _of_other_steps(staged, n_before + n_batches),
        wrong,
        np.array([loop.share(one) or 0.0 for one in of_train]),
        counts[of_train] / max(int(is_train.sum()), 1),
        float(counts[hot].sum()) / max(int(counts[of_train].sum()), 1),
    )


class _Loop:
    """Arrays A and B, one behind the other, and the buckets of each item in them."""

    def __init__(
        self,
        places: Sequence[Sequence[int]],
        looked_at: Int64s,
        known: Known,
        n_before: int,
        asked: InBatch,
    ) -> None:
        assert asked.streaming is not None
        self.alpha, self.stale = asked.streaming.rate, asked.streaming.stale
        self.places, self.batch_size = places, asked.batch_size
        last = np.zeros(len(looked_at), np.int64)
        gap = np.full(len(looked_at), asked.streaming.start_gap)
        _, own, of_known = np.intersect1d(looked_at, known[0], return_indices=True)
        last[own], gap[own] = known[1][of_known], known[2][of_known]
        self.t, self.a, self.b = n_before, last.tolist(), gap.tolist()

    def take_in(self, items: Sequence[int]) -> None:
        self.t += 1
        for item in items:
            for place in self.places[item]:
                if place >= 0 and self.a[place] != self.t:
                    gap = self.t - self.a[place]
                    self.b[place] = (1 - self.alpha) * self.b[place] + self.alpha * gap
                    self.a[place] = self.t

    def gap(self, item: int) -> float:
        """Return the steps between two batches with an item."""
        of_item = self.places[item]
        gaps = [max(self.b[x], self.t - self.a[x]) if self.stale else self.b[x] for x in of_item]
        return float(max(gaps))

    def share(self, item: int) -> float | None:
        """Return the chance of a slot; None where a bucket of the item was never hit."""
        if any(self.a[place] == 0 for place in self.places[item]):
            return None
        p = min(1 / self.gap(item), 1 - self.alpha)
        return -expm1(log1p(-p) / self.batch_size)

    def differs(self, item: int, stated: float) -> bool:
        """Return whether another logarithm is stated than that of ``share``."""
        share = self.share(item)
        if share is None or stated != stated:
            return (share is None) != (stated != stated)
        return abs(stated - log(share)) > 2e-9

    def state(self, looked_at: Int64s) -> Known:
        last, gap = np.array(self.a, np.int64), np.array(self.b)
        hit = last > 0
        return looked_at[hit], last[hit], gap[hit]


def _places(items: Int64s, arrays: int, buckets: int) -> Int64s:
    """Return array · buckets + bucket of each item in each array, shape (arrays, n)."""
    found = np.empty((arrays, len(items)), np.int64)
    for number in range(arrays):
        of_array = followed_by(hashes_of(0, epoch=_STREAM), number)
        hashed = followed_by(of_array, items.view(np.uint64)).tolist()
        found[number] = [number * buckets + (one * buckets >> 64) for one in hashed]
    return found


def _known(state: pa.Table, buckets: int) -> Known:
    array, bucket, last, gap = (
        state[name].to_numpy() for name in ("array_no", "bucket", "last_step", "gap")
    )
    place = array.astype(np.int64) * buckets + bucket
    order = np.argsort(place, kind="stable")
    return place[order], last[order], gap[order]


def _merged(before: Known, after: Known) -> Known:
    """Return all that is known after a date: what it did not hit is as before."""
    kept = ~np.isin(before[0], after[0])
    place, last, gap = (np.concatenate([b[kept], a]) for b, a in zip(before, after, strict=True))
    order = np.argsort(place)
    return place[order], last[order], gap[order]


def _differing(wanted: Known, found: Known, looked_at: Int64s, buckets: int, one_in: int) -> int:
    """Count buckets in which two states differ, among those that are looked at."""

    def of_interest(state: Known) -> Known:
        place = state[0]
        some = (place < buckets if one_in > 1 else np.ones(len(place), bool)) & (
            place % one_in == 0
        )
        some |= np.isin(place, looked_at)
        return place[some], state[1][some], state[2][some]

    (place, last, gap), (other, other_last, other_gap) = of_interest(wanted), of_interest(found)
    _, one, two = np.intersect1d(place, other, return_indices=True)
    same = (last[one] == other_last[two]) & (np.abs(gap[one] / other_gap[two] - 1) <= 1e-9)
    # A place that is there twice is counted with those that have no partner.
    return len(place) + len(other) - 2 * len(one) + int(np.count_nonzero(~same))


def _of_other_steps(state: pa.Table, steps: int) -> int:
    return int(np.count_nonzero(state["steps"].to_numpy() != steps))
