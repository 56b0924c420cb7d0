"""Easy sources whose items are told by events of the logs, beside clicks."""

from typing import Literal

from pydantic import Field

from winnow.config.entry import Entry


class ExposedEntry(Entry):
    """Drawn from the items that anybody was shown on the dates before, by impressions^alpha.

    ``days`` is how many dates; without it they are those of the popularity window.
    """

    source: Literal["exposed"]
    days: int | None = Field(default=None, ge=1, le=365)
    alpha: float = Field(default=0.0, ge=0.0, le=4.0)
