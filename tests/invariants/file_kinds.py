"""The same rows written again as files of other kinds: format, compression, encoding, line ends."""

import bz2
import csv
import gzip
import io
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

_PARTS = 3


@dataclass(frozen=True)
class FileKind:
    """How one file is written; ``ending`` is what its name ends in."""

    ending: str
    encoding: str = "utf-8"
    line_end: str = "\n"
    quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL
    delimiter: str = ","


CSV = (
    FileKind(".csv"),
    FileKind(".csv.gz", quoting=csv.QUOTE_ALL),
    FileKind(".csv", "utf-16", "\r\n", delimiter=";"),
    FileKind(".csv.zst", "utf-8-sig", "\r", csv.QUOTE_NONNUMERIC),
    FileKind(".tsv.bz2", delimiter="\t"),
    FileKind(".tsv", "utf-16", "\r\n", csv.QUOTE_ALL, "\t"),
)
JSON_LINES = (
    FileKind(".jsonl"),
    FileKind(".json.gz", "utf-16"),
    FileKind(".ndjson.zst", line_end="\r\n"),
    FileKind(".jsonl.bz2", "utf-8-sig", "\r"),
)
PARQUET = (FileKind(".parquet"),)


def write_again(
    source: Path, target: Path, kinds: dict[str, tuple[FileKind, ...]], seed: int
) -> Path:
    """Write logs again, their lines in another order and dealt to files of kinds that take turns.

    Args:
        source: The folder of a config and its Parquet logs.
        target: The folder to write to.
        kinds: The kinds of each log's files.
        seed: Names the order.

    Returns:
        The config's path; it leaves the formats to be told by the files' names.
    """
    order = random.Random(seed)
    turns = {log: cycle(order.sample(some, len(some))) for log, some in kinds.items()}
    for path in sorted(source.glob("logs/**/*.parquet")):
        table = pq.ParquetFile(path).read()
        places = list(range(table.num_rows))
        order.shuffle(places)
        inside = path.parent.relative_to(source)
        (target / inside).mkdir(parents=True, exist_ok=True)
        for part in range(_PARTS):
            rows = table.take(pa.array(places[part::_PARTS], pa.int64()))
            kind = next(turns[inside.parts[1]])
            file = target / inside / f"{_PARTS - 1 - part}-{path.stem}{kind.ending}"
            _write(rows, file, kind, order)
    config = (source / "winnow.yaml").read_text(encoding="utf-8")
    path = target / "winnow.yaml"
    path.write_text(re.sub(r"\n +format: parquet", "", config), encoding="utf-8")
    return path


def _write(rows: pa.Table, path: Path, kind: FileKind, order: random.Random) -> None:
    if kind.ending == ".parquet":
        pq.write_table(rows, path, row_group_size=50)
        return
    columns = order.sample(rows.column_names, rows.num_columns)
    values = [{name: _plain(row[name]) for name in columns} for row in rows.to_pylist()]
    text = _csv(columns, values, kind) if "sv" in kind.ending else "".join(_json(values, kind))
    body = text.encode(kind.encoding)
    if kind.ending.endswith(".gz"):
        body = gzip.compress(body)
    elif kind.ending.endswith(".bz2"):
        body = bz2.compress(body)
    elif kind.ending.endswith(".zst"):
        body = pa.Codec("zstd").compress(body, asbytes=True)
    path.write_bytes(body)


def _csv(columns: list[str], rows: list[dict[str, Any]], kind: FileKind) -> str:
    # A column that nobody reads: what stands in it must not matter.
    odd = cycle(["", "é", 'a 5" screen', f"two{kind.line_end}lines", ",;\t"])
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=kind.delimiter, lineterminator=kind.line_end, quoting=kind.quoting
    )
    writer.writerow([*columns, "note"])
    for row in rows:
        writer.writerow([*(_text(row[name]) for name in columns), next(odd)])
    return out.getvalue()


def _json(rows: list[dict[str, Any]], kind: FileKind) -> Iterator[str]:
    for row in rows:
        # As many writers do: what is NULL is left out.
        there = {name: value for name, value in row.items() if value is not None}
        yield json.dumps(there, ensure_ascii=kind.encoding == "utf-8") + kind.line_end


def _text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
