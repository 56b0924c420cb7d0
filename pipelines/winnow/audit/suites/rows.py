"""Which rows a suite is shown: all, or a part that a hash chooses, the same on every engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_ORDER = "winnow_order"


@dataclass(frozen=True)
class Shown:
    """The rows that a suite judges.

    Attributes:
        rows: The frame of all of them. n_rows: How many that are.
        key: The columns that tell rows apart.
    """

    rows: DataFrame
    n_rows: int
    key: Sequence[str]

    def part(self, most: int) -> pa.Table:
        """Return about ``most`` rows, all where there are no more, in an order of their hashes.

        Rows of a table with ``shuffle_key`` are chosen by it: then it is all rows of a positive or
        none. What is chosen depends on the rows alone.
        """
        order = self._order()
        found = self.rows.withColumn(_ORDER, order)
        if self.n_rows > most:
            # A hash is even: its lowest so many in a hundred are that many of the rows.
            found = found.where(F.col(_ORDER) < -(2**63) + 2**64 * most // self.n_rows)
        table = found.toArrow()
        names = [f.name for f in table.schema if not pa.types.is_nested(f.type)]
        keys = [_ORDER, *(name for name in names if name != _ORDER)]
        return table.sort_by([(name, "ascending") for name in keys]).drop_columns([_ORDER])

    def _order(self) -> Column:
        if "shuffle_key" in self.rows.columns:
            return F.col("shuffle_key")
        return F.xxhash64(F.lit("expectations"), *(F.col(name) for name in self.key))


def to_pandas(table: pa.Table) -> Any:
    """Return rows as Great Expectations takes them: 64-bit numbers exact, times in UTC."""
    import pandas as pd

    exact = {
        pa.int8(): pd.Int8Dtype(),
        pa.int16(): pd.Int16Dtype(),
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    # With a NULL among them pandas would make floats of integers, and other ids of large ones.
    frame = table.to_pandas(types_mapper=exact.get)
    for field in table.schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is not None:
            # Great Expectations compares with times that name no zone.
            frame[field.name] = frame[field.name].dt.tz_convert("UTC").dt.tz_localize(None)
    return frame
