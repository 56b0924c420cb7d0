"""What a config asks to know of positives beyond the usual: columns of sample groups."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.events.pair_columns import value_column
from winnow.sampler.kernels.actions import NEVER, first_times, positives_of_pairs
from winnow.sampler.kernels.positives import NO_OTHERS, Kept, Pairs, Strengths
from winnow.sampler.kernels.repeats import repeated, rows_of_positives
from winnow.sampler.kernels.user_cap import places_in_cap
from winnow.sampler.kernels.values import values_of_positives, weights_of_values
from winnow.sampler.weights import expected_rows

if TYPE_CHECKING:
    from winnow.config.positives import Upsampling, WeightBy
    from winnow.config.tree import Config

VALUE_WEIGHT = "weight_of_value"
"""The column of sample groups with what a positive's value makes of its weight."""


@dataclass(frozen=True)
class PositiveColumns:
    """What is asked for, small enough to travel with a task.

    Attributes:
        labels: Of each action with a column of its own, its name there and its position in the
            configured order.
        values: Of each number of the click log, its name and whether it is added up.
        weight_by: How one of them weighs, if any does.
        per_user_cap: How many positives a user may have.
        upsampling: How positives of cold items are repeated, if they are.
        capped: Which others than clicked ones count for the cap.
    """

    labels: tuple[tuple[str, int], ...] = ()
    values: tuple[tuple[str, bool], ...] = ()
    weight_by: "WeightBy | None" = None
    per_user_cap: int | None = None
    upsampling: "Upsampling | None" = None
    capped: Strengths = NO_OTHERS

    @classmethod
    def of(cls, config: "Config") -> Self:
        """Take from a config what it asks for."""
        positives = config.positives
        codes = {action: code for code, action in enumerate(positives.actions)}
        return cls(
            labels=tuple((name, codes[a]) for a, name in positives.label_names.items()),
            values=tuple((name, how == "sum") for name, how in positives.values.items()),
            weight_by=positives.weight_by,
            per_user_cap=positives.per_user_cap,
            upsampling=positives.upsampling,
            capped=Strengths("weak" in positives.capped, "organic" in positives.capped),
        )

    @property
    def schema(self) -> pa.Schema:
        """The columns that pairs do not have, in order; none where nothing is asked for."""
        fields = [(label_time(name), pa.int64()) for name, _ in self.labels]
        fields += [(VALUE_WEIGHT, pa.float64())] if self.weight_by is not None else []
        if self.per_user_cap is not None:
            fields += [("user_rank_in_cap", pa.int32()), ("cap_prob", pa.float64())]
        if self.upsampling is not None:
            fields += [("repeat_expect", pa.float64()), ("repeat_idx", pa.int32())]
        return pa.schema(fields)

    def resampled(
        self, kept: Kept, clicks_of: Callable[[Kept], NDArray[np.int64]]
    ) -> tuple[Kept, dict[str, pa.Array]]:
        """Return the positives that stay, as often as they should be, and how likely that was.

        Weak and organic ones are not repeated; they stay, and count for nobody's cap, unless they
        are capped as well.

        Args:
            kept: All positives of the date of each user of the partition.
            clicks_of: Returns the clicks of the items of positives.

        Returns:
            Positives, and columns of them, shape (p,) each.
        """
        columns: dict[str, pa.Array] = {}
        if self.per_user_cap is not None:
            others = self.capped.leaves_out(kept.action)
            rank, total = np.zeros(len(others), np.int32), np.ones(len(others), np.int32)
            rank[~others], total[~others] = places_in_cap(_some(kept, ~others))
            stays = rank <= self.per_user_cap
            kept = _some(kept, stays)
            chance = np.minimum(1.0, self.per_user_cap / total[stays])
            ranks = pa.array(rank[stays], mask=others[stays])
            columns = {"user_rank_in_cap": ranks, "cap_prob": pa.array(chance)}
        if self.upsampling is not None:
            expected = expected_rows(clicks_of(kept), self.upsampling)
            expected = np.where(kept.action < 0, 1.0, expected)
            rows = rows_of_positives(kept.hash, expected)
            source = pa.array(np.repeat(np.arange(len(rows)), rows))
            kept, number = repeated(kept, rows)
            columns["repeat_expect"] = pa.array(expected)
            columns = {name: values.take(source) for name, values in columns.items()}
            columns["repeat_idx"] = pa.array(number)
        return kept, columns

    def columns(self, details: pa.Table, pairs: Pairs, kept: Kept) -> dict[str, pa.Array]:
        """Return the columns of the kept positives, shape (p,) each.

        Args:
            details: All pairs of the partition.
            pairs: The same, as kernels take them.
            kept: The positives among them.
        """
        if not self.labels and not self.values:
            return {}
        positive = positives_of_pairs(pairs)
        times = {name: first_times(pairs, positive, kept.pair, code) for name, code in self.labels}
        columns = {label_time(n): pa.array(us, mask=us == NEVER) for n, us in times.items()}
        for name, summed in self.values:
            # A NULL becomes NaN here, which is how the kernels know it.
            logged = details[value_column(name)].to_numpy().astype(np.float64)
            clicks = details["click_key"].to_numpy()
            of_positives = values_of_positives(positive, clicks, logged, summed=summed)
            value = of_positives[positive[kept.pair]]
            columns[value_column(name)] = pa.array(value, mask=np.isnan(value))
            if self.weight_by is not None and self.weight_by.value == name:
                columns[VALUE_WEIGHT] = pa.array(_weights(value, self.weight_by))
        return columns


def _weights(value: NDArray[np.float64], rule: "WeightBy") -> NDArray[np.float64]:
    cap = np.inf if rule.cap is None else rule.cap
    weights: NDArray[np.float64] = weights_of_values(
        value, rule.rule == "log1p", rule.unit, cap, rule.where_missing
    )
    return weights


def _some(kept: Kept, which: NDArray[np.bool_]) -> Kept:
    parts: list[Any] = [column[which] for column in kept]
    return Kept(*parts)


def label_time(name: str) -> str:
    """Return the column of sample groups with the microsecond of a label, NULL where never."""
    return f"label_{name}_us"
