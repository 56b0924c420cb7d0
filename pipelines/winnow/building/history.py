"""The past of users, carried on: which release a build goes on from, and what it reads itself.

The state of a date is that of an earlier one and the clicks since. Which release it went on from is
told in ``inputs_json``, so it is known when that was replaced later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from winnow.building.earlier_states import record_of_state, told_of_state
from winnow.building.request import BuildRequest
from winnow.building.state_meaning import config_of, meaning_of_clicks, other_settings
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.dates import CalendarDay, DateRange
from winnow.errors import InputError, Problem
from winnow.release.release import Release
from winnow.release.releases import ReleasesSnapshot
from winnow.release.store import Store
from winnow.spark.sized import Sized
from winnow.tables.history_state import EarlierState

HISTORY_TABLE = "history_state"


@dataclass(frozen=True)
class HistoryBefore:
    """What a build goes on from, and what it reads from the click log itself.

    Attributes:
        release: The release whose state it goes on from; None where it reads all dates.
        reads_from: The first date of which it reads the clicks.
        why: Why there is no such release, where there is none.
        restarted: Whether there is none though earlier dates are released.
    """

    release: Release | None
    reads_from: date
    why: str = ""
    restarted: bool = False

    def state(self, store: Store, zone: str) -> EarlierState | None:
        """Return the rows that it goes on from, in the version that the release names.

        Raises:
            ReleaseError: The version has expired.
        """
        if self.release is None:
            return None
        pin = self.release.pin(HISTORY_TABLE)
        assert pin is not None
        rows = store.read_version(HISTORY_TABLE, pin.version, self.release.ds)
        until_us = CalendarDay(self.release.ds, zone).end_us
        return EarlierState(Sized(rows, pin.content.rows), until_us)

    def missing_dates(self, clicks: Log, config: Config, day: date) -> list[date]:
        """Return the dates of the window of which neither the state nor the log knows the clicks.

        Args:
            clicks: The click log, opened. One without date folders is taken to be complete.
            config: How long the window is. day: The date that is built.
        """
        first = day - timedelta(config.requests.days(config.exclusion))
        missing = set[date]()
        if self.release is not None:
            told = told_of_state(self.release, HISTORY_TABLE)
            missing |= {date.fromisoformat(one) for one in told.get("missing_dates", ())}
        if clicks.dates is not None:
            missing |= set(DateRange(self.reads_from, day)) - set(clicks.dates)
        return sorted(one for one in missing if one >= first)

    def record(self, clicks: Log, config: Config, day: date) -> Mapping[str, Any]:
        """Return what the release tells of it; the state's pin, or ``anew``, why there is none.

        Arguments are as for ``missing_dates``.
        """
        found: dict[str, Any] = (
            {"anew": self.why}
            if self.release is None
            else record_of_state(self.release, HISTORY_TABLE)
        )
        missing = [one.isoformat() for one in self.missing_dates(clicks, config, day)]
        return found | {"reads_from": self.reads_from.isoformat(), "missing_dates": missing}


def history_before(request: BuildRequest, releases: ReleasesSnapshot) -> HistoryBefore | None:
    """Find the newest state that a build can go on from; None where none is asked for.

    It is of a date before the build's, and before ``reread_days``, within the window of histories:
    all that an older one has left is expired.

    Raises:
        InputError: There is none though earlier dates are released, and that is a failure.
    """
    config, day = request.config, request.day
    if not config.carries_history:
        return None
    asked = config.requests.history
    first = day - timedelta(config.requests.days(config.exclusion))
    last = day - timedelta(1 + asked.reread_days)
    earlier = [one for one in releases.dates if one <= last]
    why = "no earlier date is released" if not earlier else f"no date since {first} is released"
    reasons = []
    for one in reversed([one for one in earlier if one >= first]):
        release = releases.newest_if_whole(one)
        reason = _why_not(release, config, one)
        if release is not None and reason is None:
            return HistoryBefore(release, one + timedelta(1))
        reasons.append(reason)
    why = str(reasons[0]) if reasons else why
    if earlier and asked.on_missing_state == "fail":
        raise InputError(
            Problem(
                "requests.history.on_missing_state",
                "histories cannot go on from the state of an earlier date",
                found=why,
                next_step=f"Build {last} first, or set on_missing_state: read_logs.",
            )
        )
    return HistoryBefore(None, first, why, restarted=bool(earlier))


def _why_not(release: Release | None, config: Config, day: date) -> str | None:
    if release is None:
        return f"the release of {day} cannot be read"
    if release.pin(HISTORY_TABLE) is None:
        return f"the release of {day} has no {HISTORY_TABLE}"
    made = config_of(release)
    if made is None:
        return f"the release of {day} was made with settings that this version cannot read"
    others = other_settings(meaning_of_clicks(made), meaning_of_clicks(config))
    least = {
        "history_length": (made.requests.history_length, config.requests.history_length),
        "history_days": (
            made.requests.days(made.exclusion),
            config.requests.days(config.exclusion),
        ),
    }
    # What a longer state knows, a shorter one does too.
    others += [f"{name} {known}" for name, (known, asked) in least.items() if known < asked]
    return f"the release of {day} was made with {', '.join(others)}" if others else None
