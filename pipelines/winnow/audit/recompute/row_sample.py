"""Of many rows, a range of ``shuffle_key``: where files are in its order, they lie side by side.

What single rows must hold need not be looked at in all of them. ``shuffle_key`` is a hash, so a
range of it is a fair choice; all rows of a positive share it, in whichever table of samples; and
files that are in its order (those that sail stages) have only the pages of the range read.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from winnow.audit.evidence import Evidence
from winnow.audit.recompute.request_sample import one_in_so_many
from winnow.dates import CalendarDay
from winnow.spark.limits import Limits

_MOST_DEVIATIONS = 10.0
"""By so many standard deviations fewer rows than expected are no chance: e^-50 at most."""

_GOLDEN_RATIO = 0x9E3779B9
"""Of 2^32: its multiples are spread evenly, so in turn all parts are looked at."""


@dataclass(frozen=True)
class RowSample:
    """A part of the range of ``shuffle_key``.

    Attributes:
        one_in: It is one of so many equal parts; a power of two, 1 is all.
        number: Which of them.
    """

    one_in: int = 1
    number: int = 0

    def of(self, rows: DataFrame) -> DataFrame:
        """Return the rows that lie in it."""
        if self.one_in == 1:
            return rows
        width = 2**64 // self.one_in
        low = self.number * width - 2**63
        return rows.where(F.col("shuffle_key").between(low, low + width - 1))

    def described(self) -> str:
        """Return what a gate says of it."""
        return f"looked at 1 in {self.one_in} rows" if self.one_in > 1 else ""

    def require_seen(self, n_seen: int, n_rows: int, *, rows_per_positive: int = 1) -> None:
        """Raise ValueError where too few rows lay in it: what is not a hash may hide some.

        Args:
            n_seen: Rows in the row sample.
            n_rows: Rows of the whole table.
            rows_per_positive: How many of them may share one key.
        """
        expected = n_rows / self.one_in
        if n_seen < expected - _MOST_DEVIATIONS * math.sqrt(expected * rows_per_positive):
            raise ValueError(
                f"shuffle_key is not spread like a hash: of {n_rows:,} rows {n_seen:,} lie in a "
                f"part of its range that should hold about {expected:,.0f}"
            )


def row_sample_of(n: int, day: CalendarDay, limits: Limits) -> RowSample:
    """Return what is looked at of so many rows; the part changes with the date.

    What is looked at of more rows on the same date lies in it.
    """
    one_in = one_in_so_many(n, limits)
    spread = day.date.toordinal() * _GOLDEN_RATIO % 2**32
    return RowSample(one_in, spread * one_in >> 32)


def positives_sample(evidence: Evidence) -> RowSample:
    """Return what is looked at of rows that are as many as the positives."""
    return row_sample_of(evidence.n_positives, evidence.day, evidence.scratch.limits)


def aggregate(
    rows: DataFrame,
    row_sample: RowSample,
    of_all: Mapping[str, Column],
    of_row_sample: Mapping[str, Column],
    *,
    rows_per_positive: int = 1,
) -> dict[str, Any]:
    """Aggregate all rows, and more of them over a row sample; one pass where that is all of them.

    Args:
        rows: A table.
        row_sample: The part of it.
        of_all: Aggregates over all rows, by name; ``rows`` must count them.
        of_row_sample: Aggregates over the rows in the row sample, by other names.
        rows_per_positive: How many rows may share one key.

    Returns:
        All values by name.

    Raises:
        ValueError: Too few rows lie in the row sample.
    """
    all_named = [column.alias(name) for name, column in of_all.items()]
    own_named = [column.alias(name) for name, column in of_row_sample.items()]
    if row_sample.one_in == 1 or not own_named:
        return rows.agg(*all_named, *own_named).collect()[0].asDict()
    values = rows.agg(*all_named).collect()[0].asDict()
    seen = F.count(F.lit(1)).alias("seen")
    own = row_sample.of(rows).agg(seen, *own_named).collect()[0].asDict()
    row_sample.require_seen(own.pop("seen"), values["rows"], rows_per_positive=rows_per_positive)
    return values | own
