"""Releases of some dates in files, without a build: rows that a person can count."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
from winnow.release.reader import ReleaseReader
from winnow.release.table_files import TableFiles

ONE, TWO = date(2026, 1, 1), date(2026, 1, 2)
SHOWN = datetime(2026, 1, 1, 9, 30, 0, 250_000, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")


def schema_of(table: str, item: pa.DataType) -> pa.Schema:
    types: dict[str, dict[str, pa.DataType]] = {
        "training_samples": {
            "user_id": pa.int64(), "item_id": item, "impression_ts": TIME,
            "sample_weight": pa.float64(), "undo_weight": pa.float64(),
            "neg_item_ids": pa.list_(item), "neg_hardness": pa.list_(pa.int8()),
            "neg_log_q": pa.list_(pa.float64()), "split": pa.string(),
        },
        "item_stats": {
            "item_id": item, "clicks": pa.int64(), "weight": pa.int64(), "positives": pa.int64(),
        },
        "ranking_samples": {"user_id": pa.int64(), "item_id": item},
    }  # fmt: skip
    return pa.schema(types[table])


def sample(
    user: int, item: Any, negatives: Sequence[tuple[Any, int]], split: str = "train"
) -> dict[str, Any]:
    return {
        "user_id": user, "item_id": item, "impression_ts": SHOWN, "sample_weight": 1.0,
        "undo_weight": 2.5, "neg_item_ids": [i for i, _ in negatives],
        "neg_hardness": [h for _, h in negatives],
        "neg_log_q": [None if h else -1.5 for _, h in negatives], "split": split,
    }  # fmt: skip


def stats(item: Any, positives: int, clicks: int = 0, weight: int = 1) -> dict[str, Any]:
    return {"item_id": item, "clicks": clicks, "weight": weight, "positives": positives}


def releases_of(
    folder: Path, tables: dict[str, dict[date, list[dict[str, Any]]]], item: pa.DataType
) -> ReleaseReader:
    """A reader of rows by table and date; every date has all tables."""
    found = {}
    for table, dates in tables.items():
        schema, files = schema_of(table, item), []
        for day, rows in dates.items():
            path = folder / f"{table}-{day}.parquet"
            pq.write_table(pa.Table.from_pylist(rows, schema), path)
            files.append((str(path), day))
        found[table] = TableFiles(schema.append(pa.field("ds", pa.date32())), tuple(files))
    days = sorted({day for dates in tables.values() for day in dates})
    releases = [
        SimpleNamespace(
            ds=day, release_id=f"r{n}", config_hash="c", code_version="0.1",
            tables=[SimpleNamespace(table=table, version=n) for table in tables],
        )
        for n, day in enumerate(days)
    ]  # fmt: skip
    reader = SimpleNamespace(
        table_files=found.__getitem__, releases=releases, dates=tuple(days), tables=tuple(tables)
    )
    return cast(ReleaseReader, reader)
