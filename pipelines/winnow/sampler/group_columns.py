"""The columns of sample groups: what the sampler writes of each positive, and tables are made of.

A group has the columns of its positive's pair, then these: one value each, and lists of its
negatives. There is one kind of lists for each shape that a probability has: negatives that were
drawn from a table of weights, and negatives that were chosen out of a finite pool.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from winnow.arrays.lists import lists_of

OF_POSITIVE = pa.schema(
    [
        pa.field("shuffle_key", pa.int64(), nullable=False),
        pa.field("keep_prob", pa.float64(), nullable=False),
        pa.field("item_clicks", pa.int64(), nullable=False),
        pa.field("pos_log_q", pa.float64()),
        pa.field("n_easy", pa.int32(), nullable=False),
        pa.field("n_fill", pa.int32(), nullable=False),
        pa.field("n_hard", pa.int32(), nullable=False),
        pa.field("shortfall", pa.int32(), nullable=False),
        pa.field("hard_missing", pa.int32(), nullable=False),
        pa.field("hard_reason", pa.int8(), nullable=False),
        pa.field("n_pool", pa.int32(), nullable=False),
    ]
)
"""One value per group; the counts are as in ``kernels.groups.Groups``."""


@dataclass(frozen=True)
class NegativeLists:
    """The lists of one kind of negatives; the i-th elements of a group's lists belong together.

    Attributes:
        prefix: What the names of their columns begin with.
        values: What is known of a negative besides its item, and the type of it.
    """

    prefix: str
    values: Mapping[str, pa.DataType]

    @property
    def names(self) -> tuple[str, ...]:
        """What the lists hold, the items first."""
        return ("item_ids", *self.values)

    def column(self, name: str) -> str:
        """Return the name of the column of lists that hold something."""
        return f"{self.prefix}_{name}"

    def columns(
        self, elements: Mapping[str, pa.Array], lengths: NDArray[Any]
    ) -> dict[str, pa.ListArray]:
        """Return the columns of p groups, of elements that lie one behind the other.

        Args:
            elements: Of every name, shape (m,).
            lengths: How many are of each group, shape (p,).
        """
        return {self.column(name): lists_of(elements[name], lengths) for name in self.names}


DRAWN = NegativeLists("easy", {"q": pa.float64(), "log_q": pa.float64(), "attempts": pa.int32()})
"""Draws from the catalogue; those that stand in for chosen ones lie behind the others."""

CHOSEN = NegativeLists(
    "hard",
    {"stage": pa.int8(), "rank": pa.int32(), "size": pa.int32(), "score": pa.float64()},
)
"""Chosen from the pool of the positive's request; rank, size and score are NULL where not known."""


def group_columns(item: pa.DataType) -> pa.Schema:
    """Return what the sampler adds to the columns of a positive's pair, in order.

    Args:
        item: The type of item ids.
    """
    fields = list(OF_POSITIVE)
    for lists in (DRAWN, CHOSEN):
        of_name = {"item_ids": item, **lists.values}
        fields += [
            pa.field(lists.column(name), pa.list_(kind), nullable=False)
            for name, kind in of_name.items()
        ]
    return pa.schema(fields)
