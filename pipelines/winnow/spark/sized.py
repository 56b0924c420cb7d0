"""A frame of which it is known about how many rows it has: that decides how it is joined."""

from dataclasses import dataclass

from pyspark.sql import DataFrame

from winnow.spark.broadcast import broadcast
from winnow.spark.limits import Limits


@dataclass(frozen=True)
class Sized:
    """A lazy frame and about how many rows it has, at most.

    Attributes:
        frame: The rows.
        rows: About how many there are. It decides how they are computed, never what comes out.
    """

    frame: DataFrame
    rows: int

    def made(self, frame: DataFrame) -> "Sized":
        """Return a frame that was made of this one and has no more rows."""
        return Sized(frame, self.rows)

    def side_of_join(self, on: str, limits: Limits) -> DataFrame:
        """Return the frame for a join, which copies it to every task where its rows are few.

        Args:
            on: One of the columns that are joined on; see ``broadcast``.
            limits: How many are few.
        """
        return broadcast(self.frame, on) if self.rows <= limits.broadcast_rows else self.frame
