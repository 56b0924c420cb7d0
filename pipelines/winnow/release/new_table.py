"""How a table comes to be: its log made whole elsewhere, then moved. No engine is needed."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from deltalake import DeltaTable, Schema

from winnow.contracts.tables import TableContract
from winnow.release.paths import RELEASES, staging_path
from winnow.release.release_rows import KEYS


def plain_schema(contract: TableContract) -> Schema:
    """Return the schema of a contract whose columns are numbers, texts, dates and times.

    Of others ``spark_schema`` knows the types.
    """
    fields = [
        {
            "name": column.name,
            "type": "long" if column.type == "bigint" else column.type,
            "nullable": column.nullable,
            "metadata": {},
        }
        for column in contract.columns
    ]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


def create_table(
    path: Path, schema: Schema, partition: Sequence[str], properties: Mapping[str, str]
) -> None:
    """Make the log of a new table elsewhere and move it into place, unless one is there by then.

    Two creations in one place would not exclude each other: delta-rs takes the second one for a
    change of the first and commits it as version 1, which other writers then conflict with.
    """
    staged = staging_path(path.parent, f"create-{path.name}-{uuid4().hex[:8]}")
    try:
        DeltaTable.create(
            str(staged),
            schema=schema,
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


def table_properties(contract: TableContract, retention_days: int) -> dict[str, str]:
    """Return the properties of a contract's table.

    ``retention_days`` is for so many days a version stays readable.
    """
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
