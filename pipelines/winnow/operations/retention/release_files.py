"""The releases that stand in the files of ``releases``, whatever the log of the table says.

A release is appended as one file with all of its rows. While that file is there, the release can be
told whole, though its rows were deleted or doubled, or the log is damaged or gone.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from winnow.errors import StoreError
from winnow.release.delta_log import log_folder
from winnow.release.table_files import parquet_file
from winnow.storage.object_path import Place

_TEXTS = ("config_json", "inputs_json", "quality_json")


@dataclass(frozen=True)
class FiledRelease:
    """A release as one file holds it, with all of its rows.

    Attributes:
        file: The file.
        rows: Its rows, with the columns of the file.
    """

    file: Place
    rows: tuple[Mapping[str, Any], ...]

    @property
    def release_id(self) -> str:
        """The release."""
        return str(self.rows[0]["release_id"])

    @property
    def seq(self) -> int:
        """Its number."""
        return int(self.rows[0]["seq"])

    @property
    def ds(self) -> date:
        """Its date."""
        found: date = self.rows[0]["ds"]
        return found


def filed_releases(path: Place, columns: list[str]) -> Iterator[FiledRelease]:
    """Give the releases that some file of the table holds as a whole, by file and id.

    Args:
        path: The folder of the table ``releases``.
        columns: The columns of the table: files of other versions of it are passed over.

    Raises:
        StoreError: The object store does not answer, or refuses.
    """
    found: list[Place] = [*path.glob("*.parquet")]
    for file in sorted(found, key=str):
        try:
            with parquet_file(file) as opened:
                table = opened.read()
        except StoreError:
            raise
        except (OSError, pa.ArrowException):
            continue
        if sorted(table.column_names) != sorted(columns):
            continue
        of_release: dict[str, list[Mapping[str, Any]]] = {}
        for row in table.to_pylist():
            of_release.setdefault(row["release_id"], []).append(row)
        yield from (FiledRelease(file, tuple(rows)) for rows in of_release.values() if _whole(rows))


def write_release(path: Place, schema: pa.Schema, rows: Sequence[Mapping[str, Any]]) -> AddAction:
    """Write all rows of one release as one file of ``releases``; return what adds it to the log.

    Args:
        path: The folder of the table. schema: Its columns. rows: Of one release.
    """
    file = path / f"part-00000-{uuid4()}.parquet"
    written = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema), written, coerce_timestamps="us")
    file.write_bytes(written.getvalue().to_pybytes())
    info, first = file.stat(), rows[0]
    keys = {"release_id": first["release_id"], "seq": first["seq"], "ds": str(first["ds"])}
    stats = {
        "numRecords": len(rows),
        "minValues": keys,
        "maxValues": keys,
        "nullCount": dict.fromkeys(keys, 0),
    }
    return AddAction(
        path=file.name,
        size=info.st_size,
        partition_values={},
        modification_time=info.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps(stats),
    )


def newest_filed(filed: Iterable[FiledRelease], committed: Set[str]) -> dict[str, FiledRelease]:
    """Return the releases by their ids; of several files of one, that with the newest pins.

    Where rows of users were erased, the release was written again with pins of newer versions,
    and the one before leads to rows that are to be gone.

    Args:
        filed: The releases in files. committed: Names of files that a commit is known to have
            added; these come before others.
    """

    def order(one: FiledRelease) -> tuple[bool, int]:
        return one.file.name in committed, sum(int(row["delta_version"]) for row in one.rows)

    return {one.release_id: one for one in sorted(filed, key=order)}


def _whole(rows: Sequence[Mapping[str, Any]]) -> bool:
    tables = {row["table_name"] for row in rows}
    with_texts = sum(all(row[name] is not None for name in _TEXTS) for row in rows)
    return (
        {row["n_tables"] for row in rows} == {len(rows)} == {len(tables)}
        and len({row["seq"] for row in rows}) == 1
        and with_texts == 1
    )


def committed_files(path: Place) -> set[str]:
    """Return the names of the files that some readable entry of the table's log has added."""
    return committed_files_of_log(log_folder(path))


def committed_files_of_log(folder: Place) -> set[str]:
    """Return the same of a folder that is, or was, the log of the table."""
    found: set[str] = set()
    entries: list[Place] = [*folder.glob("*.json")] if folder.is_dir() else []
    for entry in sorted(entries, key=str):
        try:
            lines = entry.read_text(encoding="utf-8").splitlines()
            actions = [json.loads(line) for line in lines]
        except StoreError:
            raise
        except (OSError, ValueError):
            continue
        found |= {one["add"]["path"] for one in actions if isinstance(one, dict) and "add" in one}
    return found
