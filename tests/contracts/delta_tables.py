"""Delta tables written by hand, with features that delta-rs reads but does not write."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_NAMES = {"int32": "integer", "int64": "long", "string": "string", "date32[day]": "date"}
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def deletion_vector(rows: Sequence[int]) -> dict[str, Any]:
    """An inline deletion vector of row numbers below 65536."""
    found = sorted(rows)
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(found) - 1, 16)
    bitmap += struct.pack(f"<{len(found)}H", *found)
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    padded, text = data + b"\0" * (-len(data) % 4), ""
    for (word,) in struct.iter_unpack(">I", padded):
        digits = ""
        for _ in range(5):
            word, rest = divmod(word, 85)
            digits = _Z85[rest] + digits
        text += digits
    size = {"sizeInBytes": len(data), "cardinality": len(found)}
    return {"storageType": "i", "pathOrInlineDv": text, **size}


def write_table(
    home: Path,
    files: Mapping[str, tuple[pa.Table, dict[str, str | None]]],
    *,
    partition: Mapping[str, str] | None = None,
    mapping: str | None = None,
    deleted: Mapping[str, Sequence[int]] | None = None,
    features: Sequence[str] = (),
    elsewhere: Path | None = None,
    stats: int | None = None,
) -> None:
    """Write a table of one commit.

    Args:
        home: Its folder.
        files: Name to rows and partition values; all have the same columns.
        partition: Partition columns and their types, as Delta names them.
        mapping: Column mapping by ``name`` or ``id``; in ``id`` mode no name tells anything.
        deleted: Rows that deletion vectors take out of a file.
        features: Further reader features.
        elsewhere: A folder outside of the table's, where its files lie.
        stats: The ``numRecords`` of every file; left out where None.
    """
    first = next(iter(files.values()))[0]
    columns = {field.name: _NAMES[str(field.type)] for field in first.schema}
    columns |= dict(partition or {})
    physical = {name: f"col-{n}" if mapping else name for n, name in enumerate(columns, 1)}
    used = {"columnMapping": mapping, "deletionVectors": deleted}
    needed = [*features, *(name for name, use in used.items() if use)]
    protocol: dict[str, Any] = {"minReaderVersion": 1, "minWriterVersion": 2}
    if needed:
        protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
        protocol |= {"readerFeatures": needed, "writerFeatures": needed}
    fields = [
        {"name": name, "type": kind, "nullable": True, "metadata": _mapped(n, physical[name])}
        if mapping
        else {"name": name, "type": kind, "nullable": True, "metadata": {}}
        for n, (name, kind) in enumerate(columns.items(), 1)
    ]
    table = {
        "id": "0d0c0b0a-0000-4000-8000-000000000001",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": fields}),
        "partitionColumns": list(partition or ()),
        "configuration": {"delta.columnMapping.mode": mapping} if mapping else {},
        "createdTime": 1767000000000,
    }
    actions: list[dict[str, Any]] = [{"protocol": protocol}, {"metaData": table}]
    for name, (rows, values) in files.items():
        path = (elsewhere or home) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_renamed(rows, physical, list(columns), mapping), path)
        add: dict[str, Any] = {
            "path": path.as_uri() if elsewhere else name.replace(" ", "%20"),
            "partitionValues": {physical[key]: value for key, value in values.items()},
            "size": path.stat().st_size,
            "modificationTime": 1767000000000,
            "dataChange": True,
        }
        if stats is not None:
            add["stats"] = json.dumps({"numRecords": stats})
        if deleted and name in deleted:
            add["deletionVector"] = deletion_vector(deleted[name])
        actions.append({"add": add})
    log = home / "_delta_log"
    log.mkdir(parents=True)
    text = "".join(json.dumps(action) + "\n" for action in actions)
    (log / "00000000000000000000.json").write_text(text, encoding="utf-8")


def _mapped(number: int, physical: str) -> dict[str, Any]:
    return {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical}


def _renamed(
    rows: pa.Table, physical: Mapping[str, str], names: list[str], mapping: str | None
) -> pa.Table:
    if mapping is None:
        return rows
    fields = [
        pa.field(
            f"x{number}" if mapping == "id" else physical[field.name],
            field.type,
            metadata={"PARQUET:field_id": str(names.index(field.name) + 1)},
        )
        for number, field in enumerate(rows.schema)
    ]
    return rows.rename_columns([field.name for field in fields]).cast(pa.schema(fields))
