"""What a pin stands for: the files of its date in its version, if they are still the released ones.

Looked up in the Delta log alone: no file is opened, and no engine is needed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from winnow.errors import ReleaseError
from winnow.release.delta_log import label_of_version
from winnow.release.metadata import PinnedFile, pinned_files
from winnow.release.paths import table_path
from winnow.release.release import Release, TablePin
from winnow.storage.object_path import ObjectPath, Place

FaultKind = Literal[
    "expired",
    "damaged_log",
    "replaced",
    "protocol",
    "missing_file",
    "wrong_size",
    "unreadable",
    "wrong_rows",
    "wrong_content",
]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a pinned table.

    Attributes:
        kind: ``expired`` (the version is gone), ``damaged_log`` (the log cannot be read),
            ``replaced`` (the version is another run's), ``protocol``; of its files
            ``missing_file``, ``wrong_size``, ``unreadable``; of what they hold ``wrong_rows`` and
            ``wrong_content``.
        text: The same for a person: what was found and what was expected.
        next_step: What to do about it.
    """

    kind: FaultKind
    text: str
    next_step: str | None = "Build the date again, or read a newer release of it."


@dataclass(frozen=True)
class PinnedDate:
    """The files of a pin, and what is wrong with them; with a fault they are not to be read."""

    files: tuple[PinnedFile, ...]
    faults: tuple[Fault, ...]


def files_of_pin(warehouse: Place, release: Release, pin: TablePin) -> PinnedDate:
    """Return the files of a pin, and whether they are the ones that were released.

    A log that was damaged and written on, or a table that was made anew, may have another commit
    under the same number.
    """
    path = table_path(warehouse, pin.table)
    try:
        files = tuple(pinned_files(path, pin.version, release.ds))
    except ReleaseError as error:
        # A version without an entry has expired; where there is one, something is broken.
        if any("Delta log" in problem.where for problem in error.problems):
            return PinnedDate(
                (),
                tuple(
                    Fault("damaged_log", f"{p.what}{_found(p.found)}", p.next_step)
                    for p in error.problems
                ),
            )
        text = f"version {pin.version} has expired: its log is gone"
        return PinnedDate((), (Fault("expired", text),))
    faults = [*_replaced(path, release, pin), *_wrong_rows(files, pin)]
    there = _there(files)
    faults += [
        Fault(
            "missing_file",
            f"{names_below(file, path)} of version {pin.version} is gone: deleted or expired",
        )
        for file in files
        if file.path not in there
    ]
    return PinnedDate(files, tuple(faults))


def _there(files: tuple[PinnedFile, ...]) -> set[Place]:
    """Return the paths of those files that are there; a store is asked once for each folder."""
    there: set[Place] = set()
    for folder in {file.path.parent for file in files if isinstance(file.path, ObjectPath)}:
        there |= set(folder.glob("*"))
    return there | {f.path for f in files if isinstance(f.path, Path) and f.path.is_file()}


def names_below(file: PinnedFile, path: Place) -> str:
    """Return how a file is called from the folder of its table on."""
    return str(file.path).removeprefix(f"{path}/")


def _replaced(path: Place, release: Release, pin: TablePin) -> list[Fault]:
    try:
        label = label_of_version(path, pin.version)
    except FileNotFoundError:
        return []  # the log begins with a checkpoint of this very version
    if label is not None and label.run_id == release.run_id:
        return []
    whose = "nobody says whose" if label is None else f"the one of the run {label.run_id}"
    text = f"version {pin.version} is another commit, {whose}, expected {release.run_id}"
    return [Fault("replaced", text)]


def _wrong_rows(files: tuple[PinnedFile, ...], pin: TablePin) -> list[Fault]:
    known = [file.rows for file in files if file.rows is not None]
    if len(known) < len(files) or sum(known) == pin.content.rows:
        return []
    rows = pin.content.rows
    text = f"version {pin.version} holds {sum(known)} rows, the release says {rows}"
    return [Fault("wrong_rows", text)]


def _found(found: str | None) -> str:
    return "" if found is None else f", found {found}"
