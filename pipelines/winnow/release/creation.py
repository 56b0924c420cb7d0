"""Delta tables are created here, by delta-rs for every engine, once and whole."""

from collections.abc import Mapping
from contextlib import suppress

from deltalake import DeltaTable, Schema
from deltalake.exceptions import CommitFailedError

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
from winnow.release.new_table import create_table, table_properties
from winnow.release.schema_check import schema_problems
from winnow.storage.object_path import Place

_TRIES = 20
"""Each try that fails means that somebody else committed to the table."""


def ensure_table(path: Place, contract: TableContract, retention_days: int) -> None:
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
    properties = table_properties(contract, retention_days)
    partition = [contract.partition] if contract.partition else []
    if not table_exists(path):
        create_table(path, Schema.from_json(expected.json()), partition, properties)
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


def _has(table: DeltaTable, properties: Mapping[str, str]) -> bool:
    found = table.metadata().configuration
    return all(found.get(name) == value for name, value in properties.items())


def _set_properties(path: Place, properties: Mapping[str, str]) -> None:
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
