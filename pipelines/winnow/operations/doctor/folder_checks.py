"""Whether a warehouse's folder can be worked in: rights, links, room, clock, what was left."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from winnow.errors import WinnowError
from winnow.operations.doctor.check import Check, of_problems
from winnow.operations.retention.clean import find_old_staging
from winnow.operations.retention.vacuum import SAFE_AGE, find_unpinned
from winnow.release.conditional_put import require_conditional_put
from winnow.release.paths import staging_path
from winnow.release.pins import files_of_pin
from winnow.release.releases import ReleasesSnapshot
from winnow.release.run_process import at_work
from winnow.shown_text import size_text
from winnow.storage.object_path import ObjectPath, Place

_MOST_SECONDS = 60
_TIMES_THE_RELEASE = 3
"""A build stages its tables beside what it computes them from."""


def check_folder(warehouse: Path) -> Iterator[Check]:
    """Write, link and rename in the staging of a warehouse, and compare its clock with ours."""
    folder = staging_path(warehouse, f"doctor-{uuid4().hex[:8]}")
    try:
        with at_work(folder):
            file = folder / "written"
            file.write_bytes(b"x")
            clock = file.stat().st_mtime - time.time()
            (folder / "of").mkdir()
            (folder / "of").rename(folder / "to")
            yield Check("write access", "ok", f"files and folders can be made in {warehouse}")
            yield _links(file)
            yield _clock(clock)
    except OSError as error:
        text = f"{error.filename or warehouse} cannot be written: {error.strerror or error}"
        step = "Let the user that builds write there; who only reads releases need not."
        yield Check("write access", "failed", text, step)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check_store(warehouse: ObjectPath) -> Check:
    """Write to an object store, and look whether it keeps two builds apart."""
    try:
        require_conditional_put(warehouse)
    except WinnowError as error:
        (problem,) = error.problems
        found = "" if problem.found is None else f", found {problem.found}"
        return Check("write access", "failed", f"{problem.what}{found}", problem.next_step)
    text = f"{warehouse} can be written, and no commit overwrites another one"
    return Check("write access", "ok", text)


def _links(file: Path) -> Check:
    try:
        file.with_name("linked").hardlink_to(file)
    except OSError as error:
        text = f"hard links are refused: {error.strerror or error}"
        step = "Nothing must be done: files are copied when they are published, which takes longer."
        return Check("links", "warning", text, step)
    return Check("links", "ok", "files can be linked, so nothing is copied to publish it")


def _clock(ahead: float) -> Check:
    if abs(ahead) <= _MOST_SECONDS:
        return Check("clock", "ok", "the clock of the file system is that of this machine")
    text = f"the clock of the file system is {ahead:+,.0f} s from that of this machine"
    step = "Set both by NTP: ages of files and releases are told wrong else."
    return Check("clock", "warning", text, step)


def check_room(warehouse: Path, snapshot: ReleasesSnapshot) -> Check:
    """Compare the free space with the size of the newest release that can be read."""
    free = shutil.disk_usage(warehouse).free
    size = _size_of_newest(warehouse, snapshot)
    text = f"{size_text(free)} are free, the newest release has {size_text(size)}"
    if free >= _TIMES_THE_RELEASE * size:
        return Check("free space", "ok", text)
    old = find_old_staging(warehouse)
    step = f"Make room: winnow clean frees {size_text(old.freed)}, winnow vacuum may free more."
    return Check("free space", "failed" if free < size else "warning", text, step)


def _size_of_newest(warehouse: Path, snapshot: ReleasesSnapshot) -> int:
    newest = snapshot.newest_if_whole(snapshot.dates[-1]) if snapshot.dates else None
    if newest is None:
        return 0
    pinned = (files_of_pin(warehouse, newest, pin).files for pin in newest.tables)
    return sum(file.size for files in pinned for file in files)


def check_future(snapshot: ReleasesSnapshot, now: datetime | None = None) -> Check:
    """Look for releases that were made later than it is now."""
    moment = now or datetime.now(UTC)
    stamp = f"{moment:%Y%m%dT%H%M%S}"
    future = [one.release_id for one in snapshot.listed if one.release_id[:15] > stamp]
    if not future:
        return Check("release times", "ok", "no release is of the future")
    text = f"{len(future)} releases are of the future, the first one {future[0]}"
    step = "Set the clocks of all machines that build by NTP."
    return Check("release times", "warning", text, step)


def check_left_behind(warehouse: Place) -> Iterator[Check]:
    """Look for what dead runs have left: staging, and files that no release pins."""
    old = find_old_staging(warehouse)
    count = len(old.over)
    runs = "1 run is over and has" if count == 1 else f"{count} runs are over and have"
    text = f"{runs} left {size_text(old.freed)}"
    step = None if not old.over else "winnow clean removes it."
    yield Check("staging", "warning" if old.over else "ok", text, step)
    unpinned = find_unpinned(warehouse)
    if unpinned.problems:
        yield from of_problems("unneeded files", unpinned.problems, "", "warning")
        return
    files = sum(len(found) for found in unpinned.tables.values())
    text = f"{files} files older than {SAFE_AGE.days} days, {size_text(unpinned.size)}"
    step = "winnow vacuum --run deletes them." if files else None
    yield Check("unneeded files", "warning" if files else "ok", text, step)
