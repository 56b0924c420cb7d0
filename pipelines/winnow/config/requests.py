"""The past of users: how much of it stands in rows, and whether a state carries it on."""

from collections.abc import Collection, Iterator
from typing import Literal

from pydantic import Field

from winnow.config.model import Fault, Frozen, fault
from winnow.config.sampling import Exclusion

_OF_PASTS = ("request_samples", "user_sequences")
_OF_PAGE = ("item_ids", "positions", "us", "actions")


class History(Frozen):
    """Where the past of users comes from.

    Attributes:
        carried: Whether each date writes history_state, and goes on from that of a date before.
        reread_days: So many dates before the date are read from the click log again, for clicks
            that came late: it goes on from a state that is older than they are.
        on_missing_state: Where earlier dates are released and none of them can be gone on from,
            the clicks of all dates are read from the log, or the build fails.
    """

    carried: bool = False
    reread_days: int = Field(default=0, ge=0, le=60)
    on_missing_state: Literal["read_logs", "fail"] = "read_logs"


class Requests(Frozen):
    """What request_samples and user_sequences hold of the past of a user.

    Attributes:
        history_length: So many clicks of the user before the request stand in its row, the latest
            ones; 0 for none.
        history_days: They are of the date and so many dates before it; None for as many as the
            click log is read for, ``exclusion.click_lookback_days``.
        history: Where they come from.
    """

    history_length: int = Field(default=100, ge=0, le=10_000)
    history_days: int | None = Field(default=None, ge=0, le=365)
    history: History = History()

    def days(self, exclusion: Exclusion) -> int:
        """Return of how many dates before the date the clicks are."""
        reach = exclusion.click_lookback_days
        return reach if self.history_days is None else self.history_days


def requests_faults(
    requests: Requests | None,
    exclusion: Exclusion | None,
    tables: Collection[str] | None,
    values: Collection[str] = (),
    *,
    has_aliases: bool = False,
) -> Iterator[Fault]:
    """Give what keeps rows of users' pasts from being made, or proven, where they are asked for.

    Args:
        requests: What it holds; None where that is wrong by itself.
        exclusion: How far back clicks are read. tables: Those that are written.
        values: The names of values of clicks, each of which has a list in a page.
        has_aliases: Whether there is a log of items with several ids.
    """
    if requests is not None and requests.history.carried and has_aliases:
        yield fault(
            ("requests", "history", "carried"),
            "a state keeps the ids that items had on its date, and item_aliases changes them",
            "true",
            next_step="Take logs.item_aliases out, or read histories from the log.",
        )
    if requests is not None and exclusion is not None and requests.history.carried:
        again, reach = requests.history.reread_days, requests.days(exclusion)
        if again and again >= reach:
            yield fault(
                ("requests", "history", "reread_days"),
                "all dates of histories are read from the log again, and no state is gone on from",
                str(again),
                f"0, or less than {reach}, the dates before a date that histories are of",
                "Make requests.history_days more, or set history.carried: false.",
            )
    asked = [one for one in _OF_PASTS if one in (tables or ())]
    if tables is None or not asked:
        return
    if "training_samples" not in tables:
        what = f"{asked[0]} is proven by training_samples, which has the same rows one by one"
        yield fault(("tables",), what, None, "training_samples among tables")
    for value in values if "request_samples" in asked else ():
        if value.lower() in _OF_PAGE:
            what = f"page_{value.lower()} is a column of request_samples already"
            fix = "Call the value otherwise in the mapping of the click log."
            yield fault(("positives", "values", value), what, value, next_step=fix)
    if requests is None or exclusion is None:
        return
    days, read = requests.history_days, exclusion.click_lookback_days
    if days is not None and days > read and not requests.history.carried:
        yield fault(
            ("requests", "history_days"),
            "clicks are read for exclusion.click_lookback_days only",
            str(days),
            f"{read} at most",
            "Raise exclusion.click_lookback_days, leave history_days out, or set history.carried.",
        )
