"""What a config asks to know of positives beyond the usual: columns of sample groups."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import pyarrow as pa

from winnow.sampler.kernels.actions import NEVER, first_times, positives_of_pairs
from winnow.sampler.kernels.positives import Kept, Pairs

if TYPE_CHECKING:
    from winnow.config.tree import Config


@dataclass(frozen=True)
class PositiveColumns:
    """What is asked for, small enough to travel with a task.

    Attributes:
        labels: Of each action with a column of its own, its name there and its position in the
            configured order.
    """

    labels: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, config: "Config") -> Self:
        """Take from a config what it asks for."""
        positives = config.positives
        codes = {action: code for code, action in enumerate(positives.actions)}
        return cls(tuple((name, codes[a]) for a, name in positives.label_names.items()))

    @property
    def schema(self) -> pa.Schema:
        """The columns, in order; none where nothing is asked for."""
        return pa.schema([(label_time(name), pa.int64()) for name, _ in self.labels])

    def columns(self, pairs: Pairs, kept: Kept) -> dict[str, pa.Array]:
        """Return the columns of the kept positives, shape (p,) each.

        Args:
            pairs: All pairs of the partition.
            kept: The positives among them.
        """
        if not self.labels:
            return {}
        positive = positives_of_pairs(pairs)
        times = {name: first_times(pairs, positive, kept.pair, code) for name, code in self.labels}
        return {label_time(n): pa.array(us, mask=us == NEVER) for n, us in times.items()}


def label_time(name: str) -> str:
    """Return the column of sample groups with the microsecond of a label, NULL where never."""
    return f"label_{name}_us"
