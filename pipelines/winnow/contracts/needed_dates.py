"""Which dates of which log a build needs: to work at all, to be complete, and to look back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from winnow.config.logs import EVENT_TIME
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.dates import CalendarDay, DateRange, date_of
from winnow.errors import InputError, Problem
from winnow.logs.files.date_folders import folder_dates


@dataclass(frozen=True)
class Needs:
    """What a build needs, per log.

    Attributes:
        dates: Every date of the calendar zone whose events can matter.
        required: Folder dates without which the build's own date is not there.
        later: Further folder dates, without which it is incomplete: those that late rows of the
            date and the later dates of the attribution and exclusion windows can lie in.
    """

    dates: Mapping[str, DateRange]
    required: Mapping[str, tuple[date, ...]]
    later: Mapping[str, tuple[date, ...]]


def dates_needed(config: Config, day: date, clicks_from: date | None = None) -> Needs:
    """Return what the build of a date needs.

    Impressions: the exposure lookback, and one attribution window back, to tell orphan clicks.
    Clicks: the click lookback, the popularity window, and one attribution window ahead. Where
    actions have windows of their own the longest one counts. Without an items log the catalogue is
    what all logs saw in the popularity window. Where impressions make an item popular, they reach
    back over that window; where clicks have to be joined with them, because only attributed ones
    count or an impression tells the market, over one attribution window more.
    Negative feedback: so many days as the source that takes it says.

    Args:
        config: The config. day: The date.
        clicks_from: A date from which clicks are needed for histories; None where none is.
    """
    zone, build_day = config.calendar_zone, CalendarDay(day, config.calendar_zone)
    # In microseconds, as a date with a change of the clock has 23 or 25 hours.
    window = config.attribution.longest_us
    first_shown = date_of(build_day.start_us - window, zone)
    last_click = date_of(build_day.end_us - 1 + window, zone)
    ahead = day + timedelta(days=config.exclusion.lookahead_days)
    seen = day - timedelta(days=config.popularity.window_days if config.logs.items is None else 0)
    ranked = seen
    exposed = day - timedelta(days=config.exclusion.exposure_lookback_days)
    clicked = day - timedelta(days=config.exclusion.click_lookback_days)
    popular = day - timedelta(days=config.popularity.window_days)
    if config.popularity.of == "impressions":
        seen = min(seen, popular)
    for days in config.exposed_windows:
        seen = min(seen, popular if days is None else day - timedelta(days=days))
    if config.joins_earlier_clicks:
        # Whether the first click of the window belongs to an impression.
        seen = min(seen, date_of(CalendarDay(popular, zone).start_us - window, zone))
    feedback = config.negatives.feedback
    rejected = day - timedelta(days=0 if feedback is None else feedback.entry.days)
    last_impression = config.attribution.join == "last_impression"
    ranges = {
        "impressions": DateRange(
            min(exposed, first_shown, seen), max(ahead, last_click if last_impression else day)
        ),
        "clicks": DateRange(min(clicked, popular, clicks_from or day), max(ahead, last_click)),
        "ranking_log": DateRange(ranked, day),
        "negative_feedback": DateRange(rejected, day),
        "items": DateRange(day, day),
        "users": DateRange(day, day),
        "item_aliases": DateRange(day, day),
    }
    dates = {name: r for name, r in ranges.items() if getattr(config.logs, name) is not None}
    required: dict[str, tuple[date, ...]] = {}
    later: dict[str, tuple[date, ...]] = {}
    for name in dates:
        mapping = config.logs.resolved(name)
        partition = mapping.partition if mapping else None
        if partition is None:
            continue
        prompt = partition.model_copy(update={"lag_days": 0})
        required[name] = folder_dates(DateRange(day, day), prompt, zone)
        if name in EVENT_TIME:
            reached = folder_dates(DateRange(day, dates[name].last), partition, zone)
            later[name] = tuple(one for one in reached if one not in required[name])
    return Needs(dates, required, later)


def missing_later_dates(logs: Mapping[str, Log], needs: Needs) -> list[Problem]:
    """Return one problem per log whose later folders are not all there.

    A log without date folders is taken to be complete.
    """
    problems = []
    for name, later in needs.later.items():
        there = logs[name].dates
        absent = sorted(set(later) - set(later if there is None else there))
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
