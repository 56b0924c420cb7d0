"""Which dates of which log a build needs: to work at all, to be complete, and to look back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.config.tree import Config
from pipelines.contracts.days import DateRange
from pipelines.contracts.listing import folder_dates
from pipelines.contracts.logs import Log
from pipelines.errors import InputError, Problem


@dataclass(frozen=True)
class Needs:
    """Dates of the calendar zone, per log.

    Attributes:
        dates: Every date whose events can matter.
        required: Dates without which there is nothing to build.
        later: Dates after the build's, without which its clicks or exclusions are incomplete.
    """

    dates: Mapping[str, DateRange]
    required: Mapping[str, tuple[date, ...]]
    later: Mapping[str, tuple[date, ...]]


def dates_needed(config: Config, day: date) -> Needs:
    """Return the dates that the build of a date needs.

    Impressions: the exposure lookback, and one attribution window back, to tell orphan clicks.
    Clicks: the click lookback, the popularity window, and one attribution window ahead. Without an
    items log the catalogue is what all logs saw in the popularity window.
    """
    window_days = -(-config.attribution.window_hours // 24)
    popularity = config.popularity.window_days
    seen = popularity if config.logs.items is None else 0
    ahead = config.exclusion.lookahead_days
    shown_ahead = window_days if config.attribution.join == "last_impression" else 0
    back = {
        "impressions": max(config.exclusion.exposure_lookback_days, window_days, seen),
        "clicks": max(config.exclusion.click_lookback_days, popularity),
        "ranking_log": seen,
    }
    forward = {"impressions": max(ahead, shown_ahead), "clicks": max(ahead, window_days)}
    dates = {}
    for name in ("impressions", "clicks", "ranking_log", "items", "users"):
        if getattr(config.logs, name) is not None:
            first = day - timedelta(days=back.get(name, 0))
            dates[name] = DateRange(first, day + timedelta(days=forward.get(name, 0)))
    return Needs(
        dates=dates,
        required={name: (day,) for name in dates},
        later={
            name: tuple(date_ for date_ in dates[name] if date_ > day)
            for name in forward
            if forward[name] > 0
        },
    )


def missing_later_dates(logs: Mapping[str, Log], needs: Needs, config: Config) -> list[Problem]:
    """Return one problem per log whose later dates are not all there.

    A log without date folders is taken to be complete.
    """
    problems = []
    for name, later in needs.later.items():
        log, mapping = logs[name], config.logs.resolved(name)
        if log.dates is None or mapping is None:
            continue
        wanted: set[date] = set()
        if mapping.partition is not None:
            span = DateRange(later[0], later[-1])
            wanted = set(folder_dates(span, mapping.partition, config.calendar_zone))
        absent = sorted(wanted - set(log.dates))
        if absent:
            problems.append(
                Problem(
                    f"logs.{name}",
                    "later dates that belong to the attribution or exclusion window are missing",
                    found="no folder for " + ", ".join(map(str, absent)),
                    next_step="Build when they are there, or with --immature, which marks the "
                    "rows mature = false.",
                )
            )
    return problems


def require_mature(problems: list[Problem], *, accept: bool) -> bool:
    """Return whether the build is mature.

    Raises:
        InputError: It is not, and that is not accepted.
    """
    if problems and not accept:
        raise InputError(*problems)
    return not problems
