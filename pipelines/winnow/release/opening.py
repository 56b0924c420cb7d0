"""Releases opened for reading: by id, by date, or a range of dates, the newest of each."""

import logging
from collections.abc import Sequence
from datetime import date
from typing import Literal

from winnow.dates import DateRange, spans
from winnow.errors import ConfigError, Problem, ReleaseError
from winnow.release.commits import require_date
from winnow.release.reader import ReleaseReader
from winnow.release.releases import ReleasesSnapshot, read_releases
from winnow.storage.object_path import Place, place_of

_LOG = logging.getLogger(__name__)


def open_release(
    warehouse: str | Place, release_id: str | None = None, ds: date | None = None
) -> ReleaseReader:
    """Open one release: by its id, or the newest of a date, or the newest of the latest date.

    Raises:
        ConfigError: ``ds`` is not a plain date.
        ReleaseError: There is no such release; says which dates are released.
    """
    snapshot = read_releases(place_of(warehouse))
    if release_id is not None:
        found = snapshot.find(release_id)
        absent = not_there(warehouse, snapshot, release_id=release_id)
    else:
        day = require_date(ds) if ds else max(snapshot.dates, default=None)
        found = snapshot.newest(day) if day else None
        absent = not_there(warehouse, snapshot, [day] if day else [])
    if found is None:
        raise ReleaseError(absent)
    return ReleaseReader(place_of(warehouse), [found])


def open_dates(
    warehouse: str | Place,
    first: date,
    last: date,
    *,
    missing: Literal["refuse", "skip"] = "refuse",
) -> ReleaseReader:
    """Open a range of dates, both ends included: the newest release of each.

    Dates that different configs built are opened with a warning; see ``config_hashes``.

    Args:
        warehouse: The folder of all tables.
        first: The first date.
        last: The last date.
        missing: What becomes of dates without a release: ``refuse`` raises, ``skip`` opens the
            others, and warns with the dates that were skipped. The reader's ``dates`` are those
            that it has.

    Raises:
        ConfigError: An end is not a plain date, or the first lies after the last.
        ReleaseError: A date of the range has no release, or with ``skip`` none has; says which
            dates are released.
    """
    if missing not in ("refuse", "skip"):
        raise ConfigError(Problem("missing", "is not known", repr(missing), "refuse or skip"))
    if require_date(first) > require_date(last):
        raise ConfigError(Problem("first", "lies after the last date", str(first), str(last)))
    days = list(DateRange(first, last))
    snapshot = read_releases(place_of(warehouse))
    absent = sorted(set(days) - set(snapshot.dates))
    if absent and (missing == "refuse" or len(absent) == len(days)):
        raise ReleaseError(not_there(warehouse, snapshot, absent))
    if absent:
        _LOG.warning("skipped, as there is no release: %s", spans(absent))
    newest = [snapshot.newest(day) for day in days]
    found = [release for release in newest if release is not None]
    reader = ReleaseReader(place_of(warehouse), found)
    if len(reader.config_hashes) > 1:
        _LOG.warning(
            "%s to %s were built with %d different configs", first, last, len(reader.config_hashes)
        )
    return reader


def not_there(
    warehouse: str | Place,
    snapshot: ReleasesSnapshot,
    days: Sequence[date] = (),
    *,
    release_id: str | None = None,
) -> Problem:
    """Return what to say where there is no such release, or none of some dates (any more).

    Args:
        warehouse: The folder of all tables.
        snapshot: Its releases.
        days: The dates that have none; none where the warehouse has no release at all.
        release_id: The release, where one was asked for by its id.
    """
    change = snapshot.statuses.expired.get(release_id or "")
    if change is not None:
        return Problem(
            f"the release {release_id} of {change.ds}",
            f"has expired on {change.changed_ts:%Y-%m-%d}",
            found=change.reason,
            next_step=_instead(snapshot, change.ds),
        )
    if release_id is not None:
        what = f"there is no release {release_id}"
    else:
        what = f"there is no release of {spans(days)}" if days else "there is no release"
    expired = spans({one.ds for one in snapshot.expired} & set(days))
    return Problem(
        str(warehouse),
        f"{what}: those of {expired} have expired" if expired else what,
        found=spans(snapshot.dates) or "no release at all",
        next_step="Build it first; winnow releases shows what there is.",
    )


def _instead(snapshot: ReleasesSnapshot, day: date) -> str:
    newest = snapshot.listed_newest(day)
    if newest is None:
        return f"Build {day} again; winnow releases shows what there is."
    return f"Open {newest.release_id}, the newest of the date."
