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
from winnow.sampler.kernels.mix import REASONS


def missing_column(reason: str) -> str:
    """Return the column with the negatives of a positive that are missing for a reason."""
    return f"missing_{reason}"


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
        *(pa.field(missing_column(reason), pa.int32(), nullable=False) for reason in REASONS),
    ]
)
"""One value per group; the counts are as in ``kernels.groups.Groups``."""

COUNTS = ("n_easy", "n_fill", "n_hard", "shortfall")
"""The counts of negatives among them."""


NOT_IN_GROUPS = (
    "user_key",
    "request_key",
    "item_key",
    "owner_key",
    "click_key",
    "tie",
    "click_tie",
)
"""Columns of pairs that serve the sampler only."""


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


_OF_DRAW = {"source": pa.int8(), "q": pa.float64(), "log_q": pa.float64()}


def drawn_lists_of(*, mixture: bool) -> NegativeLists:
    """Return the lists of draws from the catalogue; fills lie behind the others.

    Args:
        mixture: Whether they tell how likely a draw is of all sources together.
    """
    mixed = {"mixture_log_q": pa.float64()} if mixture else {}
    return NegativeLists("easy", {**_OF_DRAW, **mixed, "attempts": pa.int32()})


_OF_CHOICE = {
    "source": pa.int8(),
    "stage": pa.int8(),
    "rank": pa.int32(),
    "size": pa.int32(),
    "score": pa.float64(),
    "incl_prob": pa.float64(),
}


def chosen_lists_of(request: pa.DataType | None) -> NegativeLists:
    """Return the lists of what was chosen from finite pools; what is not known of one is NULL.

    Args:
        request: The type of request ids where they tell which other request one is from, else None.
    """
    told = {} if request is None else {"request_id": request}
    return NegativeLists("hard", {**_OF_CHOICE, **told})


def group_columns(
    item: pa.DataType, *, mixture: bool, request: pa.DataType | None = None
) -> pa.Schema:
    """Return what the sampler adds to the columns of a positive's pair, in order.

    Args:
        item: The type of item ids. mixture: As in ``drawn_lists_of``.
        request: As in ``chosen_lists_of``.
    """
    fields = list(OF_POSITIVE)
    for lists in (drawn_lists_of(mixture=mixture), chosen_lists_of(request)):
        of_name = {"item_ids": item, **lists.values}
        fields += [
            pa.field(lists.column(name), pa.list_(kind), nullable=False)
            for name, kind in of_name.items()
        ]
    return pa.schema(fields)
