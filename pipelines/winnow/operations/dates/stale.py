"""Which dates are right, which should be built or built again, and why: without an engine."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

from winnow.building.code_version import code_version
from winnow.building.frequency import STATE_TABLE, goes_on_from
from winnow.config.tree import Config
from winnow.dates import DateRange
from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.operations.dates.logs_now import LogsNow, dates_with_logs, list_logs
from winnow.operations.dates.reasons import (
    Kind,
    Reason,
    code_reason,
    config_reason,
    inputs_reasons,
    state_reasons,
)
from winnow.release.confirmations import last_confirmed
from winnow.release.release import Release
from winnow.release.releases import ReleasesSnapshot, read_releases
from winnow.storage.object_path import place_of

State = Literal["current", "stale", "missing", "waiting", "no logs", "inputs gone"]


@dataclass(frozen=True)
class DateState:
    """One date: whether it is released and right.

    Attributes:
        ds: The date.
        state: ``current``: released, and nothing of what it was made from changed; ``stale``:
            released, and to be built again; ``missing``: not released though its logs are there;
            ``waiting``: logs of later dates that belong to it are not there yet, or its windows
            have not ended, whether or not it is released as immature; ``no logs``: not released,
            and logs of the date itself are not there; ``inputs gone``: released, and all files of a
            date of a log that it read were deleted, as old logs are: nobody can build it again as
            it was.
        release_id: Its newest release; None where there is none.
        reasons: Why it is to be built.
        waits_for: What a date that waits, or has no logs, waits for, as a sentence; else None.
        mature: Whether its newest release says that all its logs were there; None without one.
    """

    ds: date
    state: State
    release_id: str | None = None
    reasons: tuple[Reason, ...] = ()
    waits_for: str | None = None
    mature: bool | None = None

    @property
    def to_build(self) -> bool:
        """Whether it is stale or missing."""
        return self.state in ("stale", "missing")

    @property
    def to_decide(self) -> bool:
        """Whether its release lacks what has come since, and to build it would cost old logs."""
        return self.state == "inputs gone" and self.because_of("inputs")

    @property
    def text(self) -> str:
        """Why it is as it is, in one line."""
        said = "; ".join(reason.text for reason in self.reasons)
        return said or self.waits_for or ""

    def because_of(self, kind: Kind) -> bool:
        """Return whether a reason of this kind is among the reasons."""
        return any(reason.kind == kind for reason in self.reasons)

    def as_record(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            "ds": self.ds.isoformat(),
            "state": self.state,
            "release_id": self.release_id,
            "mature": self.mature,
            "reasons": [reason.as_record() for reason in self.reasons],
            "waits_for": self.waits_for,
        }


class Judge:
    """Judges dates by a config, by what is released, and by the logs as they are now."""

    def __init__(
        self,
        config: Config,
        logs: LogsNow,
        *,
        ignore: Collection[Kind] = (),
        now: datetime | None = None,
    ) -> None:
        """Look at nothing yet.

        Args:
            config: What a build would be made by.
            logs: Its logs, listed.
            ignore: Kinds of reasons that do not count.
            now: By default the time of the clock: whether windows have ended.
        """
        self.config, self.logs, self._ignore = config, logs, frozenset(ignore)
        self._now_us = int((now or datetime.now(UTC)).timestamp() * 1_000_000)
        self._code = code_version()

    def state(self, day: date, releases: ReleasesSnapshot) -> DateState:
        """Return the state of one date."""
        try:
            release = releases.newest(day)
            if release is None:
                return self._not_released(day)
            confirmed = last_confirmed(place_of(self.config.warehouse), release)
        except ReleaseError as error:
            reason = Reason("damaged", f"its release cannot be read: {error.problems[0]}")
            return self._judged(day, None, [reason], None)
        mature = bool(json.loads(confirmed.inputs_json).get("mature", True))
        waits_for = None if mature else self._waits_for(day)
        reasons: list[Reason | None] = [config_reason(release, self.config)]
        if not mature and waits_for is None:
            text = "released as immature, and the logs that it waited for are there now"
            reasons.append(Reason("immature", text))
        elif mature and (reasons == [None] or "config" in self._ignore):
            # Another config reads other files, and an immature date lacks some: no news of them.
            reasons += inputs_reasons(release, confirmed, self.logs)
        reasons.append(code_reason(confirmed, self._code))
        # What histories read from the log of all dates is the same wherever it goes on from.
        goes_on = {STATE_TABLE: goes_on_from(releases, self.config, day)}
        reasons += state_reasons(confirmed, releases.newest_if_whole, goes_on)
        found = [reason for reason in reasons if reason is not None]
        return self._judged(day, release, found, waits_for, mature)

    def _judged(
        self,
        day: date,
        release: Release | None,
        reasons: list[Reason],
        waits_for: str | None,
        mature: bool | None = None,
    ) -> DateState:
        counted = tuple(reason for reason in reasons if reason.kind not in self._ignore)
        state: State = "waiting" if waits_for else "stale" if counted else "current"
        if any(reason.kind == "gone" for reason in counted):
            state = "inputs gone"
        name = None if release is None else release.release_id
        return DateState(day, state, name, counted, waits_for, mature)

    def _not_released(self, day: date) -> DateState:
        if absent := self.logs.absent(day):
            return DateState(day, "no logs", waits_for=f"not released: {self._folders(absent)}")
        if waits_for := self._waits_for(day):
            return DateState(day, "waiting", waits_for=f"not released: {waits_for}")
        if "missing" in self._ignore:
            return DateState(day, "current")
        dated = self.logs.logs["impressions"].partition is not None
        text = (
            "not released, though its logs are there"
            if dated
            else "not released; the impressions have no date folders that tell whether it has any"
        )
        return DateState(day, "missing", reasons=(Reason("missing", text),))

    def _waits_for(self, day: date) -> str | None:
        """Return what belongs to a date and is not there yet, as a sentence; None where all is."""
        if awaited := self.logs.awaited(day):
            return self._folders(awaited)
        end = self.logs.windows_end(day)
        if end > self._now_us:
            moment = datetime.fromtimestamp(end / 1e6, UTC)
            return f"its windows end at {moment:%Y-%m-%d %H:%M} UTC"
        return None

    @staticmethod
    def _folders(missing: Mapping[str, tuple[date, ...]]) -> str:
        return "; ".join(
            f"{name} have no folder for {', '.join(map(str, days))}"
            for name, days in missing.items()
        )


def judge_dates(
    config: Config,
    first: date | None = None,
    last: date | None = None,
    *,
    ignore: Collection[Kind] = (),
    now: datetime | None = None,
) -> tuple[Judge, tuple[DateState, ...]]:
    """Judge a range of dates, both ends included.

    Args:
        config: What builds would be made by; its warehouse is looked at.
        first: By default the first date that is released, or else has logs.
        last: By default the last date that is released, or has logs.
        ignore, now: As of ``Judge``.

    Returns:
        The judge, for a second look, and the dates in order. Where an end is not named, dates
        without logs are left out, and at the end those that wait.

    Raises:
        ConfigError: The first date lies after the last.
        InputError: A log cannot be listed.
        ReleaseError: The log of the ``releases`` table is damaged.
    """
    releases = read_releases(place_of(config.warehouse))
    named = first, last
    if first is None or last is None:
        there = [*releases.dates] or list(dates_with_logs(config))
        if not there and (first or last) is None:
            return Judge(config, LogsNow(config, {}), ignore=ignore, now=now), ()
        first = first or min([*there, *((last,) if last else ())])
        last = last or max([*there, *dates_with_logs(config), first])
    if first > last:
        problem = Problem("--from", "lies after the last date", str(first), f"{last} or before")
        raise ConfigError(problem)
    dates = DateRange(first, last)
    judge = Judge(config, list_logs(config, dates), ignore=ignore, now=now)
    states = [judge.state(day, releases) for day in dates]
    if None in named:
        states = [one for one in states if one.release_id or one.state != "no logs"]
    while named[1] is None and states and not states[-1].release_id and not states[-1].to_build:
        states.pop()  # dates at the end that are not over yet
    return judge, tuple(states)
