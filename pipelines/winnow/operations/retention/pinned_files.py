"""Which files of a table somebody may still read: those that releases pin."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from winnow.errors import Problem, ReleaseError
from winnow.release.pins import files_of_pin
from winnow.release.release import Release
from winnow.release.release_rows import ListedRelease
from winnow.release.releases import ReleasesSnapshot, read_release
from winnow.storage.object_path import Place

_UNKNOWN = {"expired", "damaged_log", "replaced"}
"""With these faults nobody knows which files a pin stands for."""
_LATELY = "It has expired lately, and somebody may have it open:"


@dataclass(frozen=True)
class PinnedFiles:
    """What may not be deleted of a table.

    Attributes:
        files: The files that some release pins.
        problems: Pins of these releases of which nobody knows the files: with any, all files of
            the table must stay.
    """

    files: frozenset[Place]
    problems: tuple[Problem, ...]


def pinned_files_of(warehouse: Place, table: str, releases: "OpenReleases") -> PinnedFiles:
    """Return what may not be deleted of one table."""
    files: set[Place] = set()
    problems: list[Problem] = list(releases.problems)
    live = {release.release_id for release in releases.live}
    for release in (*releases.live, *releases.just_expired):
        pin = release.pin(table)
        if pin is None:
            continue
        found = files_of_pin(warehouse, release, pin)
        files |= {file.path for file in found.files}
        step = (
            f"Build {release.ds} again and let this release expire."
            if release.release_id in live
            else f"{_LATELY} its files go once that is as long ago as --older-than says."
        )
        problems += (
            Problem(
                f"{table} of the release {release.release_id} of {release.ds}",
                f"nobody knows which files it pins: {fault.text}",
                next_step=f"Nothing of {table} is deleted. {step}",
            )
            for fault in found.faults
            if fault.kind in _UNKNOWN
        )
    return PinnedFiles(frozenset(files), tuple(problems))


@dataclass(frozen=True)
class OpenReleases:
    """The releases whose files must stay.

    Attributes:
        live: Those that readers may open.
        just_expired: Those that expired so lately that somebody may have one open.
        problems: Those whose rows cannot be read.
    """

    live: tuple[Release, ...]
    just_expired: tuple[Release, ...]
    problems: tuple[Problem, ...]

    @classmethod
    def of(cls, snapshot: ReleasesSnapshot, expired_since: datetime) -> "OpenReleases":
        """Read the live releases, and those that have expired since."""
        live, problems = _read(snapshot.listed)
        expired = snapshot.statuses.expired
        late, unread = _read(
            one for one in snapshot.expired if expired[one.release_id].changed_ts >= expired_since
        )
        step = f"Nothing is deleted. {_LATELY} it is asked no more once that is long ago."
        return cls(live, late, (*problems, *(replace(one, next_step=step) for one in unread)))


def _read(listed: Iterable[ListedRelease]) -> tuple[tuple[Release, ...], tuple[Problem, ...]]:
    found: list[Release] = []
    problems: list[Problem] = []
    for one in listed:
        try:
            found.append(read_release(one))
        except ReleaseError as error:
            problems += error.problems
    return tuple(found), tuple(problems)
