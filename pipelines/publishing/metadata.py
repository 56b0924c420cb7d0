"""What the Delta log says, read and made with delta-rs: no engine is needed for metadata."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as pds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyspark.sql.types import StructType

from pipelines.errors import Problem, ReleaseError
from pipelines.publishing.table_files import TableFiles


@dataclass(frozen=True)
class TableProtocol:
    """The versions of the Delta protocol that a reader and a writer of a table must know."""

    reader: int
    writer: int


@dataclass(frozen=True)
class PinnedFile:
    """One file of one version: its place, its size in bytes, and its date if there is one."""

    path: Path
    size: int
    ds: date | None


def protocol_problems(where: str, found: TableProtocol) -> list[Problem]:
    """Return what keeps some readers from reading a table; empty for reader 1, writer 2 or 3."""
    if found.reader == 1 and found.writer <= 3:
        return []
    return [
        Problem(
            where,
            "its Delta protocol is newer than delta-rs, Polars and Trino read",
            found=f"reader {found.reader}, writer {found.writer}",
            expected="reader 1, writer at most 3",
            next_step="Switch off the table feature that raised it, in a new table.",
        )
    ]


def read_protocol(path: Path) -> TableProtocol:
    """Return the protocol versions of a table."""
    found = DeltaTable(str(path)).protocol()
    return TableProtocol(found.min_reader_version, found.min_writer_version)


def open_version(path: Path, version: int) -> DeltaTable:
    """Return a table at a version.

    Raises:
        ReleaseError: The version is not there (any more).
    """
    try:
        return DeltaTable(str(path), version=version)
    except (DeltaError, OSError) as error:
        raise ReleaseError(
            Problem(
                path.name,
                f"version {version} has expired or was never there",
                next_step="Build the date again, or read a newer release of it.",
            )
        ) from error


def pinned_files(path: Path, version: int, ds: date | None = None) -> list[PinnedFile]:
    """Return the files of one version, sorted by path; of one date only where one is given.

    Raises:
        ReleaseError: The version is not there (any more).
    """
    actions = pa.table(open_version(path, version).get_add_actions(flatten=True)).to_pylist()
    files = [
        PinnedFile(path / unquote(a["path"]), int(a["size_bytes"]), a.get("partition.ds"))
        for a in actions
    ]
    return sorted((f for f in files if ds is None or f.ds == ds), key=lambda f: f.path)


def read_schema(path: Path, version: int) -> StructType:
    """Return the Spark schema of one version.

    Raises:
        ReleaseError: The version is not there (any more).
    """
    return spark_schema_of(open_version(path, version))


def arrow_schema(table: DeltaTable) -> pa.Schema:
    """Return the Arrow schema of a table, the partition column in its place."""
    return pa.schema(table.schema().to_arrow())


def dataset_of(schema: pa.Schema, files: Sequence[PinnedFile]) -> pds.Dataset:
    """Return the files as one dataset, the date of each file restored as its ``ds``."""
    return TableFiles(schema, tuple((str(file.path), file.ds) for file in files)).dataset()


def spark_schema_of(table: DeltaTable) -> StructType:
    """Return the Spark schema of a table at its version."""
    return StructType.fromJson(json.loads(table.schema().to_json()))
