"""Delta tables are created here, by delta-rs for every engine, once and whole."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError
from pyspark.sql.types import StructType

from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.errors import ConfigError, ConflictError, Problem
from winnow.release.file_frames import spark_schema_of
from winnow.release.metadata import (
    open_table,
    protocol_problems,
    read_protocol,
    table_exists,
)
from winnow.release.paths import RELEASES, staging_path
from winnow.release.release_rows import KEYS
from winnow.release.schema_check import schema_problems

_TRIES = 20
"""Each try that fails means that somebody else committed to the table."""


def ensure_table(path: Path, contract: TableContract, retention_days: int) -> None:
    """Create a table, or check that the one that is there is the contract's.

    Tables are made before the first write: two first writes at once would fail. Any number of
    processes may create one table at once: the first one's is there, whole, and all others take it.

    Args:
        path: The folder of the table.
        contract: A resolved contract: column order, types and NOT NULL are the table's.
        retention_days: For so many days a version stays readable.

    Raises:
        ConfigError: The table has other columns, as another config made it; names them. Or it
            has a protocol that not every reader knows.
        ReleaseError: Its log is damaged; says in which file, and what to do.
        ConflictError: Others changed the table each time that its properties were to be changed.
    """
    expected = spark_schema(contract)
    properties = _properties(contract, retention_days)
    partition = [contract.partition] if contract.partition else []
    if not table_exists(path):
        _create(path, expected, partition, properties)
    table = open_table(path)
    found = spark_schema_of(table)
    where = f"the table {contract.table} in the warehouse"
    problems = schema_problems(where, found, expected)
    next_step = (
        "Name another warehouse, or set ids, carry and the options of positives as they were."
    )
    fixed = [Problem(p.where, p.what, p.found, p.expected, next_step) for p in problems]
    strict = {field.name for field in found.fields if not field.nullable}
    for column in contract.columns if not problems else ():
        if column.nullable == (column.name in strict):
            wanted = "nullable" if column.nullable else "NOT NULL"
            fixed.append(
                Problem(where, f"the column {column.name} is not {wanted}", next_step=next_step)
            )
    if table.metadata().partition_columns != partition:
        fixed.append(
            Problem(
                where,
                "it is partitioned otherwise",
                found=str(table.metadata().partition_columns),
                expected=str(partition),
                next_step=next_step,
            )
        )
    fixed += protocol_problems(where, read_protocol(path))
    ConfigError.raise_if_any(fixed)
    if not _has(table, properties):
        _set_properties(path, properties)


def _create(
    path: Path, schema: StructType, partition: Sequence[str], properties: Mapping[str, str]
) -> None:
    """Make the log of a new table elsewhere and move it into place, unless one is there by then.

    Two creations in one place would not exclude each other: delta-rs takes the second one for a
    change of the first and commits it as version 1, which other writers then conflict with.
    """
    staged = staging_path(path.parent, f"create-{path.name}-{uuid4().hex[:8]}")
    try:
        DeltaTable.create(
            str(staged),
            schema=Schema.from_json(schema.json()),
            partition_by=list(partition),
            configuration=dict(properties),
        )
        path.mkdir(parents=True, exist_ok=True)
        try:
            # Moves a folder as one; a folder that is there and not empty is never replaced.
            (staged / "_delta_log").rename(path / "_delta_log")
        except OSError:
            if not DeltaTable.is_deltatable(str(path)):
                raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _has(table: DeltaTable, properties: Mapping[str, str]) -> bool:
    found = table.metadata().configuration
    return all(found.get(name) == value for name, value in properties.items())


def _set_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Change a table's properties, unless another process does the same at this moment.

    Raises:
        ConflictError: Others changed the table meanwhile, again and again.
    """
    for _ in range(_TRIES):
        table = open_table(path)
        if _has(table, properties):
            return
        with suppress(CommitFailedError):
            table.alter.set_table_properties(dict(properties))
            return
    what = "others changed the table each time that its properties were to be changed"
    raise ConflictError(Problem(path.name, what, next_step="Run again; nothing was released."))


def _properties(contract: TableContract, retention_days: int) -> dict[str, str]:
    kept = f"interval {retention_days} days"
    properties = {
        # Both are needed: a version is readable while its files and its log are there.
        "delta.deletedFileRetentionDuration": kept,
        "delta.logRetentionDuration": kept,
        # Else a commit removes older log entries, also of a version that a live release pins.
        "delta.enableExpiredLogCleanup": "false",
        # On where a platform's defaults say so; then only some readers can read the table.
        "delta.enableDeletionVectors": "false",
        # So many commits are read one by one at most, however many there are.
        "delta.checkpointInterval": "10",
    }
    if contract.table == RELEASES:
        # A release is found by the log alone, and no other one's file is opened.
        return properties | {"delta.dataSkippingStatsColumns": ",".join(KEYS)}
    # How many rows a file has is all that is known of it without reading it: a file of rows in
    # a random order, or a date's only file, has values from the least to the greatest.
    return properties | {"delta.dataSkippingNumIndexedCols": "0"}
