"""Whether the tables and releases of a warehouse are whole: protocol, properties, pins, rows."""

from collections import Counter
from collections.abc import Iterator

from winnow.errors import Problem, ReleaseError
from winnow.operations.doctor.check import Check, of_problems
from winnow.operations.retention.vacuum import tables_of
from winnow.release.delta_log import read_history
from winnow.release.log_damage import log_problems
from winnow.release.metadata import open_table, protocol_problems, read_protocol
from winnow.release.paths import RELEASES, table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import Release
from winnow.release.release_status import RELEASE_STATUS
from winnow.release.releases import ReleasesSnapshot, read_release
from winnow.release.staging import staged_runs
from winnow.storage.object_path import Place

_WANTED = {"delta.enableExpiredLogCleanup": "false", "delta.enableDeletionVectors": "false"}
_STEP = "The next build that publishes something sets it."


def check_tables(warehouse: Place) -> Iterator[Check]:
    """Look at the log, the protocol and the properties of every table."""
    broken: list[Problem] = []
    loose: list[Problem] = []
    tables = list(tables_of(warehouse))
    for table in tables:
        path = table_path(warehouse, table)
        try:
            found = open_table(path).metadata().configuration
            broken += [*log_problems(path), *protocol_problems(table, read_protocol(path))]
        except ReleaseError as error:
            broken += error.problems
            continue
        loose += (
            Problem(table, f"the property {name} is not {value}", found.get(name), None, _STEP)
            for name, value in _WANTED.items()
            if found.get(name) != value
        )
    yield from of_problems("tables", broken, f"{len(tables)} tables can be read by all readers")
    yield from of_problems("table properties", loose, "log entries of releases stay", "warning")


def check_releases(snapshot: ReleasesSnapshot) -> Iterator[Check]:
    """Look for releases that were lost, doubled, or have not all of their rows."""
    problems: list[Problem] = []
    for one in snapshot.listed:
        try:
            read_release(one)
        except ReleaseError as error:
            problems += error.problems
    seqs = Counter(one.seq for one in (*snapshot.listed, *snapshot.expired))
    lost = sorted(set(range(1, snapshot.seq + 1)) - set(seqs))
    doubled = sorted(seq for seq, times in seqs.items() if times > 1)
    step = "winnow releases lists the dates; build those again that it lacks."
    for numbers, what in ((lost, "missing"), (doubled, "there twice")):
        if numbers:
            text = f"the releases with these numbers are {what}"
            problems.append(Problem(RELEASES, text, ", ".join(map(str, numbers)), next_step=step))
    yield from of_problems("releases", problems, f"{len(snapshot.listed)} releases are whole")


def check_pins(warehouse: Place, snapshot: ReleasesSnapshot) -> Iterator[Check]:
    """Look whether each release still has its files, by the logs; no file is opened."""
    releases = list(_whole(snapshot))
    problems = [
        Problem(
            f"{pin.table} of {release.release_id}",
            fault.text,
            next_step="winnow doctor --repair brings back what is there still; else build "
            f"{release.ds} again.",
        )
        for release in releases
        for pin in release.tables
        for fault in files_of_pin(warehouse, release, pin).faults
    ]
    yield from of_problems("pins", problems, f"all files of {len(releases)} releases are there")


def check_unreleased(warehouse: Place, snapshot: ReleasesSnapshot) -> Check:
    """Look for runs that have committed to tables, and whose release nobody knows."""
    known = {run.run_id for run in staged_runs(warehouse)}
    for one in (*snapshot.listed, *snapshot.expired):
        try:
            known.add(read_release(one).run_id)
        except ReleaseError:
            return Check("unreleased runs", "warning", "not known: some release cannot be read")
    found: set[str] = set()
    for table in tables_of(warehouse):
        if table in (RELEASES, RELEASE_STATUS):
            continue
        labels = (commit.label for commit in read_history(table_path(warehouse, table)))
        made = (one for one in labels if one and not one.is_erasure)
        found |= {one.run_id for one in made if one.config_hash != "vacuum"}
    unknown = sorted(found - known)
    if not unknown:
        return Check("unreleased runs", "ok", "every run that committed has a release")
    text = f"committed and never released, as far as is known: {', '.join(unknown[-3:])}"
    if len(unknown) > 3:
        text = f"{text} and {len(unknown) - 3} earlier ones"
    step = "They died before they released, or lost it: build dates again that have no release."
    return Check("unreleased runs", "warning", text, step)


def _whole(snapshot: ReleasesSnapshot) -> Iterator[Release]:
    for one in snapshot.listed:
        try:
            yield read_release(one)
        except ReleaseError:
            continue  # told by check_releases
