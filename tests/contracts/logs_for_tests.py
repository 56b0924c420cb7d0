"""Small logs on disk, and configs that read them."""

import bz2
import gzip
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from winnow.config.tree import Config
from winnow.contracts.log import Log
from winnow.contracts.open_logs import open_log
from winnow.dates import CalendarDay, DateRange

DAY = date(2026, 1, 2)
TODAY = CalendarDay(DAY)
NOON_S = 1_767_355_200
"""2026-01-02 12:00 UTC in seconds."""
NOON_US = NOON_S * 1_000_000


def config(logs: dict[str, Any], **rest: Any) -> Config:
    """A config as from YAML: impressions, and clicks derived from them unless given."""
    tree = {"clicks": {"from": "impressions"}, **logs}
    settings = {"ids": {"impression": "string"}, "negatives": {"hard": []}, **rest}
    return Config.model_validate_json(json.dumps({"logs": tree, **settings}))


def impressions(path: str = "impressions", **rest: Any) -> dict[str, Any]:
    """The impressions log, its time in seconds in the column ``ts`` unless mapped otherwise."""
    columns = {"impression_ts": {"column": "ts", "unit": "s"}, **rest.pop("columns", {})}
    return {"impressions": {"path": path, "columns": columns, **rest}}


def rows(*values: tuple[Any, ...]) -> pa.Table:
    """Impressions: request, user, item, ts in seconds."""
    names = ("request_id", "user_id", "item_id", "ts")
    columns = [pa.array([v[i] for v in values], pa.int64()) for i in range(4)]
    return pa.table(dict(zip(names, columns, strict=True)))


def item(number: int) -> pa.Table:
    """One impression, of this item."""
    return rows((1, 2, number, NOON_S))


def items_of(log: Log) -> list[tuple[int, date | None]]:
    """The item of every row and the date of its folder."""
    found = log.frame.select("item_id", "partition_date").collect()
    return sorted((row.item_id, row.partition_date) for row in found)


def write(path: Path, table: pa.Table, **options: Any) -> Path:
    """Write a Parquet file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, **options)
    return path


def write_text(path: Path, text: str | bytes) -> Path:
    """Write a text file with its folders; compressed where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(compressed(body, path.suffix))
    return path


def compressed(body: bytes, suffix: str) -> bytes:
    """Compress bytes as the ending of a file's name says."""
    if suffix == ".gz":
        return gzip.compress(body)
    if suffix == ".bz2":
        return bz2.compress(body)
    return bytes(pa.Codec("zstd").compress(body, asbytes=True)) if suffix == ".zst" else body


def opened(
    spark: SparkSession,
    settings: Config,
    base: Path,
    name: str = "impressions",
    *,
    first: date = DAY,
    last: date = DAY,
    required: Sequence[date] = (),
    allow_empty: bool = False,
) -> Log:
    """Open one log for a range of dates."""
    return open_log(
        name,
        settings,
        base,
        DateRange(first, last),
        required=required,
        spark=spark,
        allow_empty=allow_empty,
    )


def codes(log: Log) -> list[list[str]]:
    """The codes of each row's reasons, in the order of ``item_id`` where it can be read."""
    order = [name for name in ("item_id", "request_id") if name in log.frame.columns]
    found = log.frame.orderBy(*order).select("reject_reasons").collect()
    return [[reason.split(":")[0] for reason in row[0]] for row in found]
