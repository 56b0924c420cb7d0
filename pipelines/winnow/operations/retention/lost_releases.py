"""Releases that a warehouse had, that are not listed any more, and that may come back."""

from collections.abc import Iterator

from winnow.errors import Problem
from winnow.operations.retention.release_files import FiledRelease, committed_files, filed_releases
from winnow.release.log_damage import log_problems
from winnow.release.paths import RELEASES, table_path
from winnow.release.release import releases_contract
from winnow.release.releases import ReleasesSnapshot
from winnow.storage.object_path import Place


def missed_releases(path: Place, snapshot: ReleasesSnapshot) -> dict[str, FiledRelease]:
    """Return the releases, by id, that stand in a file of the table and not in what it lists.

    A file that no commit has added and whose number is not missing is of an append that lost
    against another one: its release never was.

    Args:
        path: The folder of the table ``releases``.
        snapshot: What it lists.
    """
    every = (*snapshot.listed, *snapshot.expired)
    known = {one.release_id for one in every}
    gaps = set(range(1, snapshot.seq + 1)) - {one.seq for one in every}
    committed = committed_files(path)
    return {
        one.release_id: one
        for one in filed_releases(path, list(releases_contract().names))
        if one.release_id not in known and (one.seq in gaps or one.file.name in committed)
    }


def not_listed(warehouse: Place, snapshot: ReleasesSnapshot) -> Iterator[Problem]:
    """Give what releases there may be beyond those that are listed; nothing where none can be.

    Args:
        warehouse: The folder of all tables.
        snapshot: What is listed.
    """
    path = table_path(warehouse, RELEASES)
    keep = "Nothing is deleted, as nobody knows what its releases pin."
    if snapshot.version < 0:
        step = f"{keep} Restore the table releases, or build a date."
        yield Problem(str(warehouse), "there is no table releases", next_step=step)
        return
    repair = f"{keep} winnow doctor --repair --warehouse {warehouse} brings them back."
    # An entry that is empty stops no reader, and its release is not there for any.
    for problem in log_problems(path):
        yield Problem(problem.where, problem.what, problem.found, next_step=repair)
    missed = sorted(missed_releases(path, snapshot))
    if missed:
        what = "releases are not listed any more that stand in its files"
        yield Problem(RELEASES, what, ", ".join(missed[:3]), next_step=repair)
