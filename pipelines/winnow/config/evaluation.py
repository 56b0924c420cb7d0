"""Samples to evaluate with: which requests are held out, and what is told of each."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta

from pydantic import Field

from winnow.config.model import Fault, Frozen, fault
from winnow.config.sampling import Attribution, Exclusion, Split
from winnow.dates import CalendarDay, date_of

_US_PER_DAY = 86_400_000_000
_FIRST_OF_CLOCKS = date(1900, 1, 1)
"""No log is of a date before, and the first dates of all have no earlier ones."""


class Evaluation(Frozen):
    """What evaluation_samples holds of requests of valid and test.

    Attributes:
        negatives: n, how many items are drawn evenly for a request, none twice.
        horizon_hours: What the user was shown so long after the request began, on its date, and
            clicked is true as well; 0 takes what the request itself showed, None all of the date.
        seen_at_most: How many of the items that the user had seen are listed, the latest ones.
        user_share: The share of the users, by a keyed hash, whose requests are there.
        requests_per_user: How many requests of a user and date there are at most, chosen by a keyed
            hash; None for all. Each has all later positives of its user, so that all of them are as
            many elements as the square of what a user clicked.
    """

    negatives: int = Field(default=100, ge=1, le=10_000)
    horizon_hours: int | None = Field(default=None, ge=0, le=24)
    seen_at_most: int = Field(default=1000, ge=1, le=100_000)
    user_share: float = Field(default=1.0, gt=0.0, le=1.0)
    requests_per_user: int | None = Field(default=50, ge=1, le=10_000)


def least_gap_days(attribution: Attribution, exclusion: Exclusion, begin: date, zone: str) -> int:
    """Return how many dates before one that is held out must be left out of train.

    So many dates after its own a date of train reads: clicks of windows, and exposures.

    Args:
        attribution, exclusion: How far a date of train looks ahead.
        begin: The first date that is held out. zone: The calendar's.
    """
    least = max(-(-attribution.longest_us // _US_PER_DAY), exclusion.lookahead_days)
    if begin < _FIRST_OF_CLOCKS:
        return least
    # A date on which the clock goes forward has 23 hours: windows reach behind it.
    last = CalendarDay(begin - timedelta(days=least + 1), zone)
    return least + (date_of(last.end_us - 1 + attribution.longest_us, zone) >= begin)


def evaluation_faults(
    split: Split | None,
    attribution: Attribution | None,
    exclusion: Exclusion | None,
    tables: Collection[str] | None,
    zone: str,
) -> Iterator[Fault]:
    """Give what keeps evaluation_samples from being honest, where it is asked for.

    Args:
        split: What is held out; None where that is wrong by itself.
        attribution, exclusion: How far a date of train looks ahead. tables: Those written.
        zone: The calendar's.
    """
    if tables is None or "evaluation_samples" not in tables or split is None:
        return
    if not split.holds_out:
        yield fault(
            ("split",),
            "evaluation_samples has the requests of valid and test, and nothing is held out",
            None,
            "valid_from or test_from with by: date, else valid_ratio or test_ratio",
        )
    elif split.by == "date" and attribution is not None and exclusion is not None:
        begins = [since for since in (split.valid_from, split.test_from) if since is not None]
        least = max(least_gap_days(attribution, exclusion, since, zone) for since in begins)
        if split.gap_days < least:
            yield fault(
                ("split", "gap_days"),
                "dates of train read clicks and exposures of so many later dates, which are those "
                "that evaluation_samples is made of",
                str(split.gap_days),
                f"{least} at least",
            )
