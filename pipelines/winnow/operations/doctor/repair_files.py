"""Gives released tables files back that were lost or damaged, from copies of them.

A file that was linked has other names: in the staging of its run, where that is still there, and in
the table, where the same rows were released again. A copy takes the place of the lost file only
where the content hash of the whole table is then the one that was released.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby, islice, product
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from winnow.errors import Problem, ReleaseError, StoreError
from winnow.release.content_hash import content_hash_of_columns
from winnow.release.file_frames import frame_of_files, read_schema
from winnow.release.linked_files import link_or_copy
from winnow.release.metadata import PinnedFile
from winnow.release.paths import staging_root, table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import Release, TablePin
from winnow.release.store import Store
from winnow.release.table_files import parquet_file
from winnow.release.verify import Finding
from winnow.storage.file_systems import raise_if_refused
from winnow.storage.object_path import ObjectPath, Place, local_path

_MOST_TRIES = 32
"""So many ways to take copies for the files of one table are hashed."""

_OF_FILES = {"missing_file", "wrong_size", "unreadable", "wrong_rows", "wrong_content"}


def repair_files(
    releases: Iterable[Release], findings: Sequence[Finding], store: Store
) -> tuple[list[Place], list[Problem]]:
    """Put copies in the place of lost and damaged files.

    Args:
        releases: The live ones. findings: What ``verify_release`` has found wrong with them.
        store: Of the warehouse: its engine hashes.

    Returns:
        The files that are whole again; of each table of a release that is not, what to do.
    """
    wrong = {(one.release_id, one.table): one for one in reversed(findings)}
    repaired: list[Place] = []
    lost: list[Problem] = []
    for release in releases:
        for pin in release.tables:
            finding = wrong.get((release.release_id, pin.table))
            if finding is None:
                continue
            found = files_of_pin(store.warehouse, release, pin).files
            copies = _copies(release, pin, found, store) if finding.kind in _OF_FILES else None
            if copies is None:
                lost.append(_lost(release, finding))
                continue
            for file, copy in zip(found, copies, strict=True):
                if copy != file.path:
                    _replace(file.path, copy)
                    repaired.append(file.path)
    return repaired, lost


def content_is_released(
    store: Store, release: Release, pin: TablePin, files: Sequence[Place], version: int
) -> bool:
    """Return whether some files hold what a release says of a table.

    Args:
        store: Of the warehouse. release, pin: The release and its table. files: The files.
        version: Of the table, whose columns are those of the release.

    Raises:
        StoreError: The object store does not answer, or refuses: nobody knows what they hold.
    """
    path = table_path(store.warehouse, pin.table)
    try:
        schema = read_schema(path, version)
        # Those of this machine and those of a store are read by one frame each.
        alike = groupby(sorted(files, key=lambda one: (isinstance(one, Path), str(one))), type)
        groups = [list(some) for _, some in alike] or [[]]
        frames = [frame_of_files(store.spark, some, schema, release.ds) for some in groups]
        return content_hash_of_columns(reduce(DataFrame.unionByName, frames)) == pin.content
    except (PySparkException, Py4JError, ReleaseError, OSError, pa.ArrowException) as error:
        raise_if_refused(str(path), error)
        for file in files:
            file.exists()  # an engine may not say why it failed: then the store is asked
        return False


def _copies(
    release: Release, pin: TablePin, files: Sequence[PinnedFile], store: Store
) -> Sequence[Place] | None:
    """Return a whole file for each of a pin; None where there are none that make the release."""
    choices = [list(_like(store.warehouse, release, pin.table, file)) for file in files]
    for chosen in islice(product(*choices), _MOST_TRIES):
        if content_is_released(store, release, pin, chosen, pin.version):
            return chosen
    return None


def _like(warehouse: Place, release: Release, table: str, file: PinnedFile) -> Iterator[Place]:
    """Give the file and what may be copies of it: of its size and rows, and whole."""
    day = f"ds={release.ds.isoformat()}"
    staged = staging_root(warehouse)
    own = (staged / release.run_id / table).rglob("*.parquet")
    others = staged.glob(f"*/{table}/**/{day}/*.parquet")
    published: list[Place] = [*(table_path(warehouse, table) / day).glob("*.parquet")]
    given: set[object] = set()
    there: list[Place] = [file.path, *sorted(own), *sorted(others)]
    for path in (*there, *sorted(published, key=str)):
        try:
            key = _identity(path)
            if key in given or path.stat().st_size != file.size:
                continue
            with parquet_file(path) as opened:
                rows = opened.metadata.num_rows
        except StoreError:
            raise
        except (OSError, pa.ArrowException):
            continue
        given.add(key)
        if file.rows in (None, rows):
            yield path


def _identity(path: Place) -> object:
    """Return what two names of one file have in common.

    Raises:
        OSError: There is no such file, or it is a link to one.
    """
    if isinstance(path, ObjectPath):
        return path
    if path.is_symlink():
        raise FileNotFoundError(path)
    info = path.stat()
    return info.st_dev, info.st_ino


def _replace(path: Place, copy: Place) -> None:
    """Put a copy into a file's place at once: who reads finds the one or the other."""
    if isinstance(path, ObjectPath):
        if isinstance(copy, ObjectPath):
            copy.copy_to(path)
        else:
            path.upload(copy)
        return
    copy = local_path(copy)
    new = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        link_or_copy(copy, new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _lost(release: Release, finding: Finding) -> Problem:
    return Problem(
        f"{finding.table} of the release {release.release_id} of {release.ds}",
        f"{finding.text}, and nothing in the warehouse is a copy of what was released",
        next_step=f"Build {release.ds} again, then run this again: where the logs are as they were "
        "the release gets its files back from the new one. Else let it expire: winnow expire "
        "--keep-last 1",
    )
