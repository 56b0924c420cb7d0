"""What logs and item_stats say of the items of a date, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.audit.recompute.drawable import Weighed
from winnow.audit.recompute.untouched import NONE_UNTOUCHED, Untouched


@dataclass(frozen=True)
class Items:
    """Every item that the logs or item_stats know, sorted by ``key``; arrays of shape (n,).

    Of a vast catalogue those that nothing but item_stats and the items log tells of are summed up
    in ``untouched``, and are in none of the arrays.

    Attributes:
        key: 64-bit keys, ascending.
        ids: int64 or string.
        clicks: Clicks in the popularity window, by the logs.
        popularity: What makes it popular, by the logs: its clicks, or what the config counts else.
        stated_popularity: The same by item_stats; -1 where it does not have the item or the column.
        stated: Clicks by item_stats; -1 where it does not have the item.
        eligible: Whether it belongs to the catalogue, by the logs.
        weight: W by item_stats; 0 where it does not have the item.
        keep: keep_prob of its positives, by the logs.
        positives: Its positives by item_stats; 0 where it does not have the item.
        in_batch_q: Its in_batch_q by item_stats; 0 where it does not have the item.
        unused: Rows of the click log before the date that do not count as popularity.
        same: Clicks of the date itself, after the popularity window, by the logs.
        q: Its q by item_stats; 0 where it does not have the item.
        place: Its place in item_stats by the logs, from 0, the most clicked first, then by id; -1
            where item_stats does not have the item.
        index: Its item_idx by item_stats; -1 where it does not have the item.
        since_us: When its period begins by item_stats, in microseconds since 1970-01-01 UTC;
            ``NO_BEGIN`` where nothing says it.
        begins_us: The same by the logs.
        attributes: By name, its attributes by item_stats, which another gate compares with the log.
        pool: As in ``Untouched``, where there are some of these.
        untouched: The items that may be drawn besides.
    """

    key: NDArray[np.int64]
    ids: pa.Array
    clicks: NDArray[np.int64]
    popularity: NDArray[np.float64]
    stated_popularity: NDArray[np.float64]
    stated: NDArray[np.int64]
    eligible: NDArray[np.bool_]
    weight: NDArray[np.int64]
    keep: NDArray[np.float64]
    positives: NDArray[np.int64]
    in_batch_q: NDArray[np.float64]
    unused: NDArray[np.int64]
    same: NDArray[np.int64]
    q: NDArray[np.float64]
    place: NDArray[np.int64]
    index: NDArray[np.int64]
    since_us: NDArray[np.int64]
    begins_us: NDArray[np.int64]
    attributes: Mapping[str, pa.Array] = field(default_factory=dict)
    pool: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    untouched: Untouched = NONE_UNTOUCHED

    @property
    def total_weight(self) -> float:
        """The sum of all weights; whole, and exact below 2^53."""
        return float(self.weight.sum()) + self.untouched.total_weight

    @property
    def listed(self) -> NDArray[np.bool_]:
        """Whether item_stats has the item, shape (n,)."""
        return self.weight > 0

    @property
    def drawn_pools(self) -> NDArray[np.int64] | None:
        """The pools of the items of ``weighed``; None where none are untouched."""
        return self.pool[self.eligible & self.listed] if self.untouched.items else None

    def weighed(self) -> Weighed:
        """Return the items that may be drawn: eligible by the logs, with a weight."""
        inside = self.eligible & self.listed
        return Weighed(self.key[inside], self.weight[inside])
