"""What may be drawn on a date, as the logs know it: every source's groups of items, by weight."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Weighed:
    """The items that may be drawn.

    Attributes:
        keys: 64-bit keys, ascending, shape (n,).
        weights: Integer weights W, shape (n,).
    """

    keys: NDArray[np.int64]
    weights: NDArray[np.int64]


ANY, KNOWN_NOT_RECALLED, NONE_THAT_IS_RECALLED = 0, 1, 2
"""What a source may draw: whatever is not forbidden; only for requests that the ranking log has,
and not what it has of them; or for others as well."""


@dataclass(frozen=True)
class SourceGroups:
    """What one source draws from.

    Attributes:
        name: Its name. code: As in neg_source.
        groups: Of each group its items, ascending numbers among ``Weighed.keys``, and weights.
        of_item: int32, shape (n,): the group of a positive of each item, -1 where none; None where
            every positive draws from the only one.
        by_user: Where the user's segment or the request's market is the number of the group: which
            of those that are told of each positive; None elsewhere.
        not_recalled: One of the three above.
        distinct: Whether it repeats no item of a positive.
        behind: Of a distinct one, the place of another one of whose draws for the positive it
            repeats none either; -1: none.
        beside: How much the items weigh that its only group has besides, see ``Untouched``.
        lightest: The least weight of these.
    """

    name: str
    code: int
    groups: Sequence[tuple[NDArray[np.int32], NDArray[np.int64]]]
    of_item: NDArray[np.int32] | None = None
    by_user: int | None = None
    not_recalled: int = 0
    distinct: bool = False
    behind: int = -1
    beside: float = 0.0
    lightest: float = np.inf


@dataclass(frozen=True)
class Drawable:
    """The groups of all sources, one behind the other.

    A slot is an item of a group of a source: what is drawn is counted by slot.

    Attributes:
        keys: int64 keys of the items, ascending, shape (n,).
        codes: int8, shape (sources,): as in neg_source.
        first_groups: int64, shape (sources + 1,): the groups of source s, from its own to the next.
        begins: int64, shape (groups + 1,): the slots of group g, likewise.
        items: int32, shape (slots,): the item's number, ascending within a group.
        weights: float64, shape (slots,): whole numbers, whose sums are exact below 2^53.
        totals: float64, shape (groups,): the sum of the weights of each.
        beside: float64, shape (groups,): how much of that are items without a slot.
        lowest_log_q: float64, shape (1,): ln of the smallest share of an item in its group, or -1.
        rows: int32, shape (sources,): the source's row in ``of_item``, -1 where there is one group.
        of_item: int32: row after row, the group of a positive of each item, -1 where none.
        user_rows: int32, shape (sources,): where the user's segment or the request's market tells
            the group, which of those that are told of a positive; -1 elsewhere.
        not_recalled, distinct: int8, shape (sources,): as in ``SourceGroups``.
        behind: int32, shape (sources,): likewise.
    """

    keys: NDArray[np.int64]
    codes: NDArray[np.int8]
    first_groups: NDArray[np.int64]
    begins: NDArray[np.int64]
    items: NDArray[np.int32]
    weights: Floats
    totals: Floats
    beside: Floats
    lowest_log_q: Floats
    rows: NDArray[np.int32]
    of_item: NDArray[np.int32]
    user_rows: NDArray[np.int32]
    not_recalled: NDArray[np.int8]
    distinct: NDArray[np.int8]
    behind: NDArray[np.int32]

    @classmethod
    def of(cls, keys: NDArray[np.int64], sources: Sequence[SourceGroups]) -> "Drawable":
        """Put the groups of sources one behind the other.

        Args:
            keys: The items. sources: In their order.
        """
        counts = [len(source.groups) for source in sources]
        first = np.cumsum([0, *counts])
        all_groups = [group for source in sources for group in source.groups]
        by_item = [source.of_item is not None for source in sources]
        rows = [sum(by_item[:s]) if by_item[s] else -1 for s in range(len(sources))]
        own = [
            np.where(source.of_item >= 0, source.of_item + begin, -1)
            for source, begin in zip(sources, first[:-1], strict=True)
            if source.of_item is not None
        ]
        sizes = np.array([len(items) for items, _ in all_groups], np.int64)
        weights = np.concatenate([np.empty(0), *(own for _, own in all_groups)])
        group = np.repeat(np.arange(len(sizes)), sizes)
        # Sums of whole numbers below 2^53 are exact, in whatever order.
        totals = np.bincount(group, weights, minlength=len(sizes)).astype(np.float64)
        beside = np.array([source.beside for source in sources for _ in source.groups], np.float64)
        totals += beside
        least = float((weights / totals[group]).min(initial=1.0))
        for source, begin in zip(sources, first[:-1], strict=True):
            if source.beside:
                least = min(least, source.lightest / float(totals[begin]))
        return cls(
            keys=keys,
            codes=np.array([source.code for source in sources], np.int8),
            first_groups=first.astype(np.int64),
            begins=np.append(0, np.cumsum(sizes)),
            items=np.concatenate([np.empty(0, np.int32), *(items for items, _ in all_groups)]),
            weights=weights,
            totals=totals,
            beside=beside,
            lowest_log_q=np.array([min(np.log(least), -1.0)]),
            rows=np.array(rows, np.int32),
            of_item=np.concatenate([np.empty(0), *own]).astype(np.int32),
            user_rows=np.array(
                [-1 if source.by_user is None else source.by_user for source in sources], np.int32
            ),
            not_recalled=np.array([source.not_recalled for source in sources], np.int8),
            distinct=np.array([source.distinct for source in sources], np.int8),
            behind=np.array([source.behind for source in sources], np.int32),
        )

    def groups_of(
        self, source: NDArray[np.int64], positive: NDArray[np.int32], segments: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Return the group that each draw is from, -1 where there is none, shape (k,).

        Args:
            source: The place of the draw's source, -1 where it is none of these.
            positive: The number of the positive's item, -1 outside of the catalogue.
            segments: The numbers of the segments of the positive's user and of the markets of its
                request, -1 where there is none, shape (k, attributes).
        """
        known = source >= 0
        group = np.where(known, self.first_groups[:-1][source] if len(self.codes) else -1, -1)
        for s in np.flatnonzero(self.rows >= 0):
            own = self.of_item[self.rows[s] * len(self.keys) :][: len(self.keys)]
            of = source == s
            group[of] = np.where(positive[of] >= 0, np.append(own, -1)[positive[of]], -1)
        for s in np.flatnonzero(self.user_rows >= 0):
            of = np.flatnonzero(source == s)
            segment = segments[of, self.user_rows[s]]
            inside = (segment >= 0) & (segment < self.first_groups[s + 1] - self.first_groups[s])
            group[of] = np.where(inside, self.first_groups[s] + segment, -1)
        return group

    def of_source(self, values: Floats) -> list[Floats]:
        """Return values by slot as one array per source."""
        ends = self.begins[self.first_groups]
        return [values[a:b] for a, b in pairwise(ends)]

    def slots_of(self, sources: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whether each slot is of one of some sources, shape (slots,)."""
        return np.repeat(sources, np.diff(self.begins[self.first_groups]))

    def by_item(self, values: Floats) -> Floats:
        """Return the sums of values by slot over the slots of each item, shape (n,)."""
        sums: Floats = np.bincount(self.items, values, minlength=len(self.keys)).astype(np.float64)
        return sums

    def save(self, path: Path) -> None:
        """Write it as one Arrow file for tasks."""
        arrays = [pa.array(getattr(self, field.name)) for field in fields(self)]
        columns = [pa.LargeListArray.from_arrays(pa.array([0, len(a)]), a) for a in arrays]
        names = [field.name for field in fields(self)]
        batch = pa.RecordBatch.from_arrays(columns, names=names)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    @classmethod
    def load(cls, path: str) -> "Drawable":
        """Map a file of ``save`` into memory."""
        batch = pa.ipc.open_file(pa.memory_map(path)).get_batch(0)
        return cls(*(batch.column(f.name).values.to_numpy() for f in fields(cls)))


def only(weighed: Weighed, *sources: tuple[str, int]) -> Drawable:
    """Return sources that all draw from all items by their weights.

    Args:
        weighed: The items. sources: Name and code of each.
    """
    everything = (np.arange(len(weighed.keys), dtype=np.int32), weighed.weights)
    return Drawable.of(weighed.keys, [SourceGroups(n, c, [everything]) for n, c in sources])
