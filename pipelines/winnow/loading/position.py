"""How far an epoch has come, in a few numbers, and what is left of it for each worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import Any, Self


@dataclass(frozen=True)
class Position:
    """Which batches of an epoch were not given yet.

    Windows are begun in their order, by whichever worker is free, so all from some place on are
    untouched, and before it few are open: no more than about two for each worker.

    Attributes:
        untouched: All windows from this one on were not begun.
        open: Of the windows before it those that were not given in full, each with the next batch.
    """

    untouched: int = 0
    open: tuple[tuple[int, int], ...] = ()

    def left(self, sizes: Sequence[int]) -> list[tuple[int, int]]:
        """Return each window that is not given in full, with its next batch, in their order.

        Args:
            sizes: The number of batches of each window of the epoch.
        """
        return [*self.open, *((window, 0) for window in range(self.untouched, len(sizes)))]

    def shares(self, workers: int, sizes: Sequence[int]) -> list[list[tuple[int, int]]]:
        """Return what is left, for each of so many workers; together each window once.

        The next window goes to the worker that has the fewest batches before it: it is free first,
        where workers give their batches in turn.
        """
        shares: list[list[tuple[int, int]]] = [[] for _ in range(workers)]
        loads = [(0, worker) for worker in range(workers)]
        heapify(loads)
        for window, batch in self.left(sizes):
            load, worker = loads[0]
            shares[worker].append((window, batch))
            heapreplace(loads, (load + sizes[window] - batch, worker))
        return shares

    def after(self, given: Sequence[int], sizes: Sequence[int]) -> Self:
        """Return the position when workers have given so many batches each, since this one.

        Args:
            given: Batches of each worker; as many as there are workers.
            sizes: As for ``left``.
        """
        next_batch: dict[int, int] = {}
        for share, n in zip(self.shares(len(given), sizes), given, strict=True):
            left = n
            for window, batch in share:
                if left == 0:
                    break
                taken = min(left, sizes[window] - batch)
                next_batch[window] = batch + taken
                left -= taken
            if left:
                raise ValueError(f"a worker gave {left} batches more than its share has")
        untouched = max([self.untouched, *(window + 1 for window in next_batch)])
        before = [*self.open, *((window, 0) for window in range(self.untouched, untouched))]
        now = [(window, next_batch.get(window, batch)) for window, batch in before]
        return type(self)(untouched, tuple(one for one in now if one[1] < sizes[one[0]]))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain numbers, for a checkpoint."""
        return {"untouched": self.untouched, "open": [list(one) for one in self.open]}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Self:
        """Return what ``to_json`` gave."""
        return cls(values["untouched"], tuple((w, b) for w, b in values["open"]))
