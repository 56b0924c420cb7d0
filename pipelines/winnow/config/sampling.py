"""Which rows become samples: attribution, exclusion, popularity, negatives."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from winnow.config.model import Frozen, SourceName

_US_PER_UNIT = {"m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_LONGEST_WINDOW_DAYS = 14


def duration_us(text: str) -> int:
    """Return a duration such as ``90m``, ``24h`` or ``7d`` in microseconds.

    Raises:
        ValueError: It is none of these.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _US_PER_UNIT or not (number.isascii() and number.isdigit()) or len(number) > 6:
        raise ValueError("must be a whole number of minutes, hours or days: 90m, 24h, 7d")
    return int(number) * _US_PER_UNIT[unit]


def _is_window(text: str) -> str:
    if not 0 < duration_us(text) <= _LONGEST_WINDOW_DAYS * _US_PER_UNIT["d"]:
        raise ValueError(f"must be from 1m to {_LONGEST_WINDOW_DAYS}d")
    return text


Window = Annotated[str, AfterValidator(_is_window)]


class Attribution(Frozen):
    """How a click finds its impression.

    ``impression_id`` and ``request_item`` join on those keys; ``last_impression`` takes the latest
    earlier impression of the same user and item, for click logs that know no more. ``windows``
    gives actions a window of their own, in place of ``window_hours``.

    Where a click names another user than its impression, ``users`` decides. ``auto``: it counts
    where the log shows no request id (impression id, where joined on it) to several users, as
    after a login in between; else ids count per user, and it does not. ``agree``: it never counts.
    ``impression``: ids are unique in the whole log, so it counts.
    """

    join: Literal["impression_id", "request_item", "last_impression"] = "request_item"
    window_hours: int = Field(default=24, ge=1, le=24 * _LONGEST_WINDOW_DAYS)
    windows: dict[str, Window] = Field(default_factory=dict)
    users: Literal["auto", "agree", "impression"] = "auto"

    @property
    def windows_us(self) -> Mapping[str, int]:
        """The windows of actions that have one of their own, in microseconds."""
        return {action: duration_us(text) for action, text in self.windows.items()}

    @property
    def usual_us(self) -> int:
        """The window of all other actions, in microseconds."""
        return self.window_hours * _US_PER_UNIT["h"]

    @property
    def longest_us(self) -> int:
        """The longest window of any action, in microseconds."""
        return max(self.usual_us, *self.windows_us.values(), 0)


class History(Frozen):
    """A column of the impressions with a list of items that are the user's: MIND's history.

    Attributes:
        column: An array of item ids, or a text of them.
        delimiter: What stands between two ids of a text.
    """

    column: SourceName
    delimiter: str | None = Field(default=None, min_length=1)


class Exclusion(Frozen):
    """The forbidden set: what the user was shown or clicked, in whole dates around the build's."""

    exposure_lookback_days: int = Field(default=7, ge=0, le=365)
    click_lookback_days: int = Field(default=30, ge=0, le=365)
    lookahead_days: int = Field(default=0, ge=0, le=31)
    history: History | None = None


class Split(Frozen):
    """Train, valid and test: by a keyed hash of the user, or by whole dates.

    By user, ``valid_ratio`` and ``test_ratio`` of the users; the rest is train. By date, the dates
    from ``valid_from`` are valid and those from ``test_from`` are test; ``gap_days`` dates before
    each of both are ``gap``, of which no part is made.
    """

    by: Literal["user", "date"] = "user"
    valid_ratio: float = Field(default=0.0, ge=0.0, le=1.0)
    test_ratio: float = Field(default=0.0, ge=0.0, le=1.0)
    valid_from: date | None = None
    test_from: date | None = None
    gap_days: int = Field(default=0, ge=0, le=31)

    @property
    def holds_out(self) -> bool:
        """Whether anything is valid or test."""
        if self.by == "date":
            return self.valid_from is not None or self.test_from is not None
        return self.valid_ratio + self.test_ratio > 0.0

    def of_date(self, day: date) -> str:
        """Return what a date is, by date: ``train``, ``gap``, ``valid`` or ``test``."""
        gap = timedelta(days=self.gap_days)
        for name, since in (("test", self.test_from), ("valid", self.valid_from)):
            if since is not None and day >= since - gap:
                return name if day >= since else "gap"
        return "train"

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.valid_ratio + self.test_ratio > 1.0:
            raise ValueError("valid_ratio and test_ratio add up to more than 1")
        if self.valid_from and self.test_from and self.test_from < self.valid_from:
            raise ValueError("test_from lies before valid_from")
        if self.gap_days and self.by == "user":
            raise ValueError("gap_days lie between dates: by must be date")
        if self.gap_days and self.valid_from and self.test_from:
            between = (self.test_from - self.valid_from).days
            if 0 < between <= self.gap_days:
                raise ValueError("the gap before test_from leaves no date of valid")
        return self
