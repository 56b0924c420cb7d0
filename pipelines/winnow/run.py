"""One run: what it makes, of which date, and where it computes."""

from dataclasses import dataclass

from winnow.config.tree import Config
from winnow.dates import CalendarDay
from winnow.spark.limits import Limits
from winnow.spark.scratch import Scratch


@dataclass(frozen=True)
class Run:
    """What every step of a build is told; it stays on the driver.

    Attributes:
        config: What is made.
        day: The date, in the config's zone.
        scratch: The session, a folder to stage frames in, and how much is computed at a time.
    """

    config: Config
    day: CalendarDay
    scratch: Scratch

    @property
    def limits(self) -> Limits:
        """How much is computed at a time."""
        return self.scratch.limits
