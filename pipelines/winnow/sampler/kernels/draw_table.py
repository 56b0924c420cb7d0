"""The catalogue as the kernels know it: its keys, the groups to draw from, and its hot items."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from winnow.sampler.kernels.draw_groups import DrawGroups, Group, draw_groups
from winnow.sampler.kernels.events import index_keys


class DrawTable(NamedTuple):
    """The catalogue as arrays of shape (n,); an item's index in them is its code.

    Attributes:
        keys: uint64 item keys, distinct.
        slots: int32 open-addressing table over ``keys``, see ``events.index_keys``.
        hot_keys: uint64, sorted keys of items whose positives are thinned, shape (h,).
        hot_keep: float64 in (0, 1), their keep_prob, shape (h,).
        groups: What is drawn from; the first group is the whole catalogue by the weights of the
            main source.
    """

    keys: NDArray[np.uint64]
    slots: NDArray[np.int32]
    hot_keys: NDArray[np.uint64]
    hot_keep: NDArray[np.float64]
    groups: DrawGroups

    @property
    def weights(self) -> NDArray[np.int64]:
        """The weights of the main source, by code."""
        return self.groups.weights_of(0)

    def keep_prob_of(self, items: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Return the keep_prob of positives of some items by their keys, shape (k,)."""
        at = np.searchsorted(self.hot_keys, items)
        hot = at < len(self.hot_keys)
        hot[hot] = self.hot_keys[at[hot]] == items[hot]
        keep_prob = np.ones(len(items))
        keep_prob[hot] = self.hot_keep[at[hot]]
        return keep_prob


def draw_table(
    keys: NDArray[np.uint64],
    weights: NDArray[np.int64],
    hot_keys: NDArray[np.uint64],
    hot_keep: NDArray[np.float64],
    further: tuple[Group, ...] = (),
) -> DrawTable:
    """Return the draw table of items, with all that follows from their weights.

    Args:
        keys: Distinct item keys, shape (n,). weights: Each at least 1, shape (n,).
        hot_keys: Sorted keys of items whose positives are thinned. hot_keep: Their keep_prob.
        further: The groups behind the first one.
    """
    groups = draw_groups([(None, weights), *further])
    return DrawTable(keys, index_keys(keys), hot_keys, hot_keep, groups)
