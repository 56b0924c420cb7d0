"""Samples of whole requests: how much of a user's past stands beside them."""

from collections.abc import Collection, Iterator

from pydantic import Field

from winnow.config.model import Fault, Frozen, fault
from winnow.config.sampling import Exclusion

_OF_PAGE = ("item_ids", "positions", "us", "actions")


class Requests(Frozen):
    """What request_samples holds of the past of a request's user.

    Attributes:
        history_length: So many clicks of the user before the request stand in its row, the latest
            ones; 0 for none.
        history_days: They are of the date and so many dates before it; None for as many as the
            click log is read for, ``exclusion.click_lookback_days``.
    """

    history_length: int = Field(default=100, ge=0, le=10_000)
    history_days: int | None = Field(default=None, ge=0, le=365)

    def days(self, exclusion: Exclusion) -> int:
        """Return of how many dates before the date the clicks are."""
        reach = exclusion.click_lookback_days
        return reach if self.history_days is None else self.history_days


def requests_faults(
    requests: Requests | None,
    exclusion: Exclusion | None,
    tables: Collection[str] | None,
    values: Collection[str] = (),
) -> Iterator[Fault]:
    """Give what keeps request_samples from being made, or proven, where it is asked for.

    Args:
        requests: What it holds; None where that is wrong by itself.
        exclusion: How far back clicks are read. tables: Those that are written.
        values: The names of values of clicks, each of which has a list in a page.
    """
    if tables is None or "request_samples" not in tables:
        return
    if "training_samples" not in tables:
        what = "request_samples is proven by training_samples, which has the same rows one by one"
        yield fault(("tables",), what, None, "training_samples among tables")
    for value in values:
        if value.lower() in _OF_PAGE:
            what = f"page_{value.lower()} is a column of request_samples already"
            fix = "Call the value otherwise in the mapping of the click log."
            yield fault(("positives", "values", value), what, value, next_step=fix)
    if requests is None or exclusion is None:
        return
    days, reach = requests.history_days, exclusion.click_lookback_days
    if days is not None and days > reach:
        yield fault(
            ("requests", "history_days"),
            "clicks are read for exclusion.click_lookback_days only",
            str(days),
            f"{reach} at most",
            "Raise exclusion.click_lookback_days, or leave history_days out.",
        )
