"""Which releases expire: by age, by how many a date has, or whole dates; never one with a tag."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from winnow.errors import ConfigError, Problem
from winnow.operations.retention.status_changes import Decision, write_changes
from winnow.release.release import time_in_id
from winnow.release.release_rows import ListedRelease
from winnow.release.releases import ReleasesSnapshot, read_releases
from winnow.storage.object_path import Place


@dataclass(frozen=True)
class ExpireRule:
    """Which releases are to expire: those of whole dates, or superseded ones.

    A release is superseded where its date has a newer one. Where both ``older_than`` and
    ``keep_last`` are given, a release must be both older and not among the last ones.

    Attributes:
        older_than: Superseded releases that were made longer ago.
        keep_last: Of each date all but so many newest ones, at least 1.
        before: All releases of all earlier dates, also the newest.
        dates: All releases of these dates, also the newest.
    """

    older_than: timedelta | None = None
    keep_last: int | None = None
    before: date | None = None
    dates: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        """Check that the rule names releases in one way.

        Raises:
            ConfigError: It names none, or whole dates and superseded releases at once.
        """
        superseded = self.older_than is not None or self.keep_last is not None
        whole = self.before is not None or bool(self.dates)
        if superseded == whole:
            what = "names whole dates and superseded releases at once" if whole else "names none"
            expected = "--older-than and --keep-last, or --before and --ds"
            raise ConfigError(Problem("expire", what, expected=expected))
        if self.keep_last is not None and self.keep_last < 1:
            what = "a date keeps at least its newest release"
            step = "Name the date by --ds, and all of its releases expire."
            raise ConfigError(Problem("--keep-last", what, str(self.keep_last), "1 or more", step))

    def __str__(self) -> str:
        """Say it as it then stands beside each release."""
        parts = []
        if self.older_than is not None:
            parts.append(f"superseded and older than {self.older_than}")
        if self.keep_last is not None:
            parts.append(f"not among the newest {self.keep_last} of its date")
        if self.before is not None:
            parts.append(f"of a date before {self.before}")
        if self.dates:
            parts.append("of a date that was named")
        return ", ".join(parts)

    def names(self, release: ListedRelease, newer: int, now: datetime) -> bool:
        """Return whether a release is to expire of which the date has so many newer ones."""
        if self.before is not None or self.dates:
            before = self.before is not None and release.ds < self.before
            return before or release.ds in self.dates
        if newer < (self.keep_last or 1):
            return False
        return self.older_than is None or now - time_in_id(release.release_id) >= self.older_than


@dataclass(frozen=True)
class Expiring:
    """What a rule comes to in a warehouse.

    Attributes:
        rule: The rule.
        releases: Those that expire, oldest first.
        kept: Those that the rule names and a tag keeps, with their tags.
        snapshot: The releases that this was decided by.
    """

    rule: ExpireRule
    releases: tuple[ListedRelease, ...]
    kept: tuple[tuple[ListedRelease, tuple[str, ...]], ...]
    snapshot: ReleasesSnapshot


def find_expiring(warehouse: Place, rule: ExpireRule, now: datetime | None = None) -> Expiring:
    """Return which releases of a warehouse a rule lets expire; nothing is changed.

    Raises:
        ReleaseError: The table of the releases, or of what became of them, cannot be read.
    """
    moment, snapshot = now or datetime.now(UTC), read_releases(warehouse)
    newer = _newer(snapshot.listed)
    named = [one for one in snapshot.listed if rule.names(one, newer[one.release_id], moment)]
    tags = snapshot.statuses.tags
    return Expiring(
        rule,
        tuple(one for one in named if one.release_id not in tags),
        tuple((one, tags[one.release_id]) for one in named if one.release_id in tags),
        snapshot,
    )


def expire(warehouse: Place, expiring: Expiring, now: datetime | None = None) -> None:
    """Let releases expire, all in one commit.

    Raises:
        ConflictError: Tags or releases were changed meanwhile; none has expired.
    """
    reason = str(expiring.rule)
    decisions = [Decision(one, "expired", reason=reason) for one in expiring.releases]
    write_changes(warehouse, decisions, expiring.snapshot.statuses, now)


def _newer(releases: Iterable[ListedRelease]) -> Mapping[str, int]:
    """Return of how many newer releases of its date each has, by id."""
    found: dict[str, int] = {}
    of_date: dict[date, int] = {}
    for one in sorted(releases, key=lambda one: -one.seq):
        found[one.release_id] = of_date.get(one.ds, 0)
        of_date[one.ds] = found[one.release_id] + 1
    return found
