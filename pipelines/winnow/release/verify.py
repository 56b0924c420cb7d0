"""Does a release still hold what it promised? Opened, read and hashed again, and compared."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from winnow.errors import ReleaseError
from winnow.release.content_hash import content_hash_of_columns
from winnow.release.metadata import (
    PinnedFile,
    arrow_schema,
    dataset_of,
    open_version,
    protocol_problems,
    read_protocol,
)
from winnow.release.paths import table_path
from winnow.release.pins import Fault, FaultKind, files_of_pin, names_below
from winnow.release.release import Release, TablePin
from winnow.release.store import Store
from winnow.release.table_files import parquet_file
from winnow.storage.file_systems import raise_if_refused
from winnow.storage.object_path import Place

_THREADS = 8
"""Files that are opened beside each other: a shared file system answers slowly."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one table of one release; ``fault`` says what."""

    release_id: str
    ds: date
    table: str
    fault: Fault

    @property
    def kind(self) -> FaultKind:
        """What kind of fault it is."""
        return self.fault.kind

    @property
    def text(self) -> str:
        """What was found and what was expected."""
        return self.fault.text

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.release_id} {self.ds} {self.table}: {self.text}"


def verify_release(release: Release, store: Store) -> tuple[Finding, ...]:
    """Read the pinned versions of a release again and compare; empty where all is as promised.

    Each file is opened by Arrow, as readers open it: an engine may read one that they cannot.
    Then the engine reads all rows and computes their content hash. Files are looked at first: a
    row count is answered from the log even where they are gone.

    Raises:
        StoreError: The object store does not answer, or refuses: that is no fault of a release.
    """
    return tuple(
        Finding(release.release_id, release.ds, pin.table, fault)
        for pin in release.tables
        for fault in _look_at(pin, release, store)
    )


def _look_at(pin: TablePin, release: Release, store: Store) -> list[Fault]:
    path = table_path(store.warehouse, pin.table)
    found = files_of_pin(store.warehouse, release, pin)
    faults = list(found.faults)
    if not {"expired", "damaged_log"} & {fault.kind for fault in faults}:
        protocol = protocol_problems(pin.table, read_protocol(path))
        faults += [Fault("protocol", str(problem), None) for problem in protocol]
    if faults:
        return faults
    schema = arrow_schema(open_version(path, pin.version))
    with ThreadPoolExecutor(_THREADS) as pool:
        opened = list(pool.map(lambda file: list(_opened(path, schema, file)), found.files))
    faults = [fault for faults in opened for fault in faults]
    return faults or _hashed(pin, release, store)


def _opened(path: Place, schema: pa.Schema, file: PinnedFile) -> Iterator[Fault]:
    """Give what is wrong with a file before its rows are read."""
    name = names_below(file, path)
    try:
        if (size := file.path.stat().st_size) != file.size:
            yield Fault("wrong_size", f"{name} has {size} bytes, the log says {file.size}")
            return
        with parquet_file(str(file.path)) as opened:
            footer = opened.metadata
        columns = footer.schema.to_arrow_schema().names
        dataset_of(schema, [file]).head(1)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise_if_refused(str(file.path), error)
        yield Fault("unreadable", f"{name} cannot be opened: {_first_line(error)}")
        return
    if file.rows not in (None, footer.num_rows):
        text = f"{name} has {footer.num_rows} rows, the log says {file.rows}"
        yield Fault("wrong_rows", text)
    if sorted(columns) != sorted(name for name in schema.names if name != "ds"):
        yield Fault("unreadable", f"{name} has other columns than the table: {', '.join(columns)}")


def _hashed(pin: TablePin, release: Release, store: Store) -> list[Fault]:
    try:
        found = content_hash_of_columns(store.read_version(pin.table, pin.version, release.ds))
    except (PySparkException, Py4JError, ReleaseError, OSError, pa.ArrowException) as error:
        raise_if_refused(str(table_path(store.warehouse, pin.table)), error)
        text = f"version {pin.version} cannot be read: {_first_line(error)}"
        return [Fault("unreadable", text)]
    wanted = pin.content
    if found.rows != wanted.rows:
        text = f"version {pin.version} holds {found.rows} rows, the release says {wanted.rows}"
        return [Fault("wrong_rows", text)]
    if found.total != wanted.total:
        text = f"version {pin.version} has content hash {found.total}, the release {wanted.total}"
        return [Fault("wrong_content", text)]
    return []


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
