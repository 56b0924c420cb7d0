"""The page over all dates: the verdict and the volumes of each, with a link to its own page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from winnow.dates import spans
from winnow.report.history import HistoryEntry, courses
from winnow.report.numbers import plain, ratio, share
from winnow.report.templating import environment

_WORDS = {"pass": "passed", "warn": "with warnings", "fail": "failed"}
_FIGURES = ("positives", "easy", "hard", "shortfall", "click rate", "users", "items")


@dataclass(frozen=True)
class IndexEntry:
    """One date.

    Attributes:
        entry: The figures of its release.
        to_look_at: How many of its gates did not pass.
        link: The address of its page, from the index on; None where it has none.
    """

    entry: HistoryEntry
    to_look_at: int = 0
    link: str | None = None


@dataclass(frozen=True)
class _Row:
    ds: date
    release_id: str
    link: str | None
    status: str | None
    status_text: str
    figures: tuple[str, ...]


def render_index(entries: Sequence[IndexEntry]) -> str:
    """Return the page as HTML that needs nothing but the pages that it links to.

    Args:
        entries: One per date, in any order.
    """
    rows = sorted(entries, key=lambda one: one.entry.ds, reverse=True)
    verdicts = [one.entry.verdict for one in rows]
    return (
        environment()
        .get_template("index.html")
        .render(
            rows=[_row(one) for one in rows],
            figures=_FIGURES,
            courses=courses([one.entry for one in rows]),
            counts=[
                f"{plain(verdicts.count(verdict))} {_WORDS[verdict]}"
                for verdict in ("fail", "warn", "pass")
                if verdict in verdicts
            ],
            first=rows[-1].entry.ds if rows else None,
            last=rows[0].entry.ds if rows else None,
            missing=spans(_missing([one.entry.ds for one in rows])),
        )
    )


def _row(one: IndexEntry) -> _Row:
    entry = one.entry
    text = "not known" if entry.verdict is None else _WORDS[entry.verdict]
    if one.to_look_at:
        text = f"{text}: {plain(one.to_look_at)} gates"
    short = None
    if entry.shortfall is not None and entry.requested is not None:
        short = ratio(entry.shortfall, entry.requested)
    volume = entry.volume
    figures = (
        plain(entry.kept),
        plain(entry.easy),
        plain(entry.hard),
        share(short),
        share(volume.get("click_rate")),
        plain(volume.get("users")),
        plain(volume.get("items")),
    )
    return _Row(entry.ds, entry.release_id, one.link, entry.verdict, text, figures)


def _missing(days: Sequence[date]) -> list[date]:
    """Return the dates between the first and the last that have no release."""
    there = set(days)
    if not there:
        return []
    between = (max(there) - min(there)).days
    all_days = (min(there) + timedelta(days=n) for n in range(between))
    return [day for day in all_days if day not in there]
