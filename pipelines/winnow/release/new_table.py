"""How a table comes to be: its log made whole elsewhere, then moved. No engine is needed."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from deltalake import DeltaTable, Schema
from deltalake.transaction import AddAction

from winnow.contracts.tables import TableContract
from winnow.release.conditional_put import put_if_absent
from winnow.release.delta_log import entry_path, versions_in_log
from winnow.release.paths import RELEASES, staging_path
from winnow.release.release_rows import KEYS
from winnow.release.run_process import at_work
from winnow.storage.object_path import ObjectPath, Place


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
    path: Place,
    schema: Schema,
    partition: Sequence[str],
    properties: Mapping[str, str],
    files: Sequence[AddAction] = (),
) -> bool:
    """Make the log of a new table elsewhere and move it into place, unless one is there by then.

    Two creations in one place would not exclude each other: delta-rs takes the second one for a
    change of the first and commits it as version 1, which other writers then conflict with.

    Args:
        path: The folder of the table. schema: Its columns. partition: Those that it is split by.
        properties: Of the table.
        files: What it holds from the start on, by names below ``path``.

    Returns:
        Whether it is this one: else somebody else has made one meanwhile.
    """
    staged = staging_path(path.parent, f"create-{path.name}-{uuid4().hex[:8]}")
    # So that clean knows at once that what is left here is nobody's, should this process be killed.
    with at_work(staged):
        try:
            table = DeltaTable.create(
                str(staged),
                schema=schema,
                partition_by=list(partition),
                configuration=dict(properties),
            )
            if files:
                table.create_write_transaction(list(files), "append", schema, list(partition))
            if isinstance(path, ObjectPath):
                # Written once, by whoever is first: all others take it.
                return put_if_absent(entry_path(path, 0), _as_one_entry(staged))
            path.mkdir(parents=True, exist_ok=True)
            try:
                # Moves a folder as one; a folder that is there and not empty is never replaced.
                (staged / "_delta_log").rename(path / "_delta_log")
                return True
            except OSError:
                if not DeltaTable.is_deltatable(str(path)):
                    raise
                return False
        finally:
            shutil.rmtree(staged, ignore_errors=True)


def _as_one_entry(path: Path) -> bytes:
    """Return the entries of a log that was just made as one: its table and the files in it."""
    first, *others = (entry_path(path, version) for version in versions_in_log(path))
    lines = first.read_text(encoding="utf-8").splitlines()
    for entry in others:
        of_entry = entry.read_text(encoding="utf-8").splitlines()
        lines += (line for line in of_entry if "add" in json.loads(line))
    return "".join(f"{line}\n" for line in lines).encode()


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
