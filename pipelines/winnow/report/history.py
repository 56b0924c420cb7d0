"""The last releases side by side, as one table with the course of each figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Self

from markupsafe import Markup

from winnow.audit.record import AuditRecord
from winnow.report.drawing.area_charts import small_line
from winnow.report.numbers import plain, ratio, share


@dataclass(frozen=True)
class HistoryEntry:
    """The figures of one release that others are compared with; None where they are not known.

    Attributes:
        release_id: Its id. ds: Its date. verdict: What its audit said.
        volume: As in the audit record: rows, click_rate, users, items.
        exposed, clicked, kept, requested, easy, hard, shortfall: As in the audit record's funnel.
    """

    release_id: str
    ds: date
    verdict: Literal["pass", "warn", "fail"] | None
    volume: Mapping[str, float] = field(default_factory=dict)
    exposed: int | None = None
    clicked: int | None = None
    kept: int | None = None
    requested: int | None = None
    easy: int | None = None
    hard: int | None = None
    shortfall: int | None = None

    @classmethod
    def of(cls, release_id: str, ds: date, record: AuditRecord) -> Self:
        """Take from an audit record what is compared."""
        funnel = record.funnel
        counts = ("exposed", "clicked", "kept", "requested", "easy", "hard", "shortfall")
        known = {name: getattr(funnel, name) for name in counts} if funnel else {}
        return cls(release_id, ds, record.verdict, record.volume, **known)


@dataclass(frozen=True)
class Course:
    """One figure over the releases: a small line from oldest to newest, and its texts."""

    name: str
    line: Markup
    figures: tuple[str, ...]


_FUNNEL: tuple[tuple[str, Callable[[HistoryEntry], float | None]], ...] = (
    ("exposed", lambda entry: entry.exposed),
    ("clicked", lambda entry: entry.clicked),
    ("kept", lambda entry: entry.kept),
    ("kept share", lambda entry: _of(entry.kept, entry.clicked)),
    ("easy", lambda entry: entry.easy),
    ("hard", lambda entry: entry.hard),
    ("shortfall", lambda entry: entry.shortfall),
)


def newest_first(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """Return the releases by date, and those of one date as they were made, the last one first."""
    return sorted(entries, key=lambda entry: (entry.ds, entry.release_id), reverse=True)


def courses(entries: Sequence[HistoryEntry]) -> list[Course]:
    """Return the course of each figure over releases, newest first; unknown ones are left out."""
    own = {name for name, _ in _FUNNEL}
    names = sorted({name for entry in entries for name in entry.volume} - own)
    found = [
        _course(name.replace("_", " "), [e.volume.get(name) for e in entries]) for name in names
    ]
    found += [_course(name, [figure(entry) for entry in entries]) for name, figure in _FUNNEL]
    return [course for course in found if course is not None]


def _course(name: str, values: Sequence[float | None]) -> Course | None:
    if all(value is None for value in values):
        return None
    text = share if name.endswith(("rate", "share")) else plain
    return Course(name, small_line(values[::-1]), tuple(text(value) for value in values))


def _of(part: int | None, whole: int | None) -> float | None:
    return None if part is None or whole is None else ratio(part, whole)
