"""Releases to train on and later ones to evaluate with, no date of which looks into the other."""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, NamedTuple

from winnow.config.evaluation import least_gap_days
from winnow.config.sampling import Attribution, Exclusion
from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.release.commits import require_date
from winnow.release.opening import open_dates
from winnow.release.reader import ReleaseReader
from winnow.release.release import Release
from winnow.release.releases import read_releases
from winnow.storage.object_path import Place, place_of


class TimeSplit(NamedTuple):
    """What ``open_time_split`` opens.

    Attributes:
        train: The dates before the gap. evaluation: The dates after it.
        gap_days: How many dates lie between, of which nothing is read.
    """

    train: ReleaseReader
    evaluation: ReleaseReader
    gap_days: int


def open_time_split(
    warehouse: str | Place,
    evaluate_from: date,
    *,
    gap_days: int | None = None,
    first: date | None = None,
    last: date | None = None,
    missing: Literal["refuse", "skip"] = "refuse",
) -> TimeSplit:
    """Open the dates to train on and those to evaluate with, with a gap of whole dates between.

    A date of train reads clicks of its attribution window, and exposures of
    ``exclusion.lookahead_days``, from later dates. The gap is at least as long, by the configs that
    built the dates before ``evaluate_from``.

    Args:
        warehouse: The folder of all tables.
        evaluate_from: The first date to evaluate with.
        gap_days: How many dates before it are left out; None for as few as may be.
        first: The first date to train on; None for the earliest that is released.
        last: The last date to evaluate with; None for the latest that is released.
        missing: What becomes of dates without a release, as for ``open_dates``.

    Raises:
        ConfigError: A date is no plain date, the gap is too short, or nothing is left on a side.
        ReleaseError: A date has no release; says which dates are released.
    """
    snapshot = read_releases(place_of(warehouse))
    earlier = [day for day in snapshot.dates if day < require_date(evaluate_from)]
    begin = require_date(first) if first is not None else min(earlier, default=None)
    if begin is None:
        fix = "Build the dates to train on first; winnow releases shows what there is."
        what = f"nothing is released before {evaluate_from}"
        raise ReleaseError(Problem(str(warehouse), what, next_step=fix))
    trained = [snapshot.newest(day) for day in earlier if day >= begin]
    least = _least_gap((one for one in trained if one is not None), evaluate_from)
    gap = least if gap_days is None else gap_days
    if gap < least:
        what = "dates of train read clicks and exposures of so many later dates"
        raise ConfigError(Problem("gap_days", what, str(gap), f"{least} at least"))
    until = evaluate_from - timedelta(days=gap + 1)
    if begin > until:
        what = f"the gap of {gap} dates before {evaluate_from} leaves nothing to train on"
        raise ConfigError(Problem("first", what, str(begin), f"{until} at most"))
    end = require_date(last) if last is not None else max(snapshot.dates)
    if end < evaluate_from:
        what = "there is nothing to evaluate with"
        raise ConfigError(Problem("evaluate_from", what, str(evaluate_from), f"{end} at most"))
    return TimeSplit(
        open_dates(warehouse, begin, until, missing=missing),
        open_dates(warehouse, evaluate_from, end, missing=missing),
        gap,
    )


def _least_gap(releases: Iterable[Release], begin: date) -> int:
    """Return how far the configs of releases look ahead of the dates before one, in dates."""
    found = 0
    for release in {release.config_hash: release for release in releases}.values():
        tree = json.loads(release.config_json)
        windows = Attribution.model_validate(tree["attribution"])
        reach = Exclusion.model_validate(tree["exclusion"])
        found = max(found, least_gap_days(windows, reach, begin, tree["calendar_zone"]))
    return found
