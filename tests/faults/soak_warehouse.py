"""What a soak works on: logs of a few dates whose users have rare names, and what releases hold.

Nothing here asks how Winnow did it: rows are compared as they are read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from winnow.release.opening import open_release
from winnow.release.releases import read_releases

from tests.e2e.test_random_recipes import USERS, random_logs
from tests.events.handmade import DAY, Logs
from tests.operations.few_dates import DATES, LATER, LOGS, few_dates, part, write_config

STATE = "history_state"
"""The one table of state that knows users."""
TABLES = (
    "positives",
    "easy_negatives",
    "training_samples",
    "request_samples",
    "user_sequences",
    "item_stats",
)
Rows = Mapping[str, list[str]]
"""By table, each row as text, in one order."""


def name_of(user: int) -> str:
    """The id of a user, which is no part of any other one."""
    return f"zoë.qx7-{user}.x"


def write_soak_logs(base: Path, draw: Random) -> Path:
    """Write logs of three dates and a config; return the config's file."""
    made = random_logs(draw)
    texts = Logs(string_ids=True)
    for log, rows in made.rows.items():
        if log != "users":
            texts.rows[log] += [_as_text(row) for row in rows]
    for log in LOGS:
        texts.folder(log, DATES[0] - timedelta(1))
        texts.folder(log, LATER)
    texts.write(base)
    ids = dict.fromkeys(("user", "item", "request"), "string")
    loose = {name: {"fail": None} for name in ("rejected_share", "rejected_reason_share")}
    settings = few_dates(base, ids=ids, tables=TABLES, **_carried(draw))
    path = write_config(settings, base)
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["gates"] |= loose
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path


def _carried(draw: Random) -> dict[str, Any]:
    """Ask for batches with their pools, and for all that dates carry on from one to the next."""
    history = {"carried": True, "reread_days": draw.randrange(2)}
    return {
        "in_batch": {
            "batch_size": draw.choice([2, 4]),
            "conflict_free": draw.random() < 0.5,
            "streaming": {"rate": 0.1, "buckets": 40},
            "pool": {"batches": 2, "sources": [{"source": "uniform", "count": 3}]},
        },
        "requests": {"history_length": 5, "history_days": 2, "history": history},
    }


def add_late_files(base: Path, day: date, number: int, draw: Random, gone: set[str]) -> None:
    """Add requests that came late, their clicks, and clicks with an action that nobody knows.

    Args:
        base: Of the logs. day: Of the requests. number: Of this file, so that no id is given twice.
        draw: Which users. gone: Users that are in no log any more.
    """
    users = [name for user in range(1, USERS + 1) if (name := name_of(user)) not in gone]
    impressions = pq.read_table(part(base, "impressions", day))
    clicks = pq.read_table(part(base, "clicks", day))
    shown, clicked = [], []
    for n, row in enumerate(impressions.slice(0, 3).to_pylist()):
        row |= {"request_id": f"late-{number}-{n}", "impression_id": f"late/{number}/{n}"}
        row["user_id"] = draw.choice(users)
        shown.append(row)
        click = clicks.slice(0, 1).to_pylist()[0]
        click |= {name: row[name] for name in ("request_id", "impression_id", "user_id", "item_id")}
        click["click_ts"] = row["impression_ts"] + timedelta(minutes=1)
        clicked += [click, click | {"action_type": "stare"}]
    for log, rows, like in (("impressions", shown, impressions), ("clicks", clicked, clicks)):
        path = part(base, log, day).with_name(f"late-{number}.parquet")
        pq.write_table(pa.Table.from_pylist(rows, like.schema), path)


def erase_from_logs(base: Path, who: str) -> None:
    """Write every log again without a user."""
    for log in ("impressions", "clicks"):
        for path in sorted((base / log).rglob("*.parquet")):
            rows = pq.ParquetFile(path).read()
            left = rows.filter(pc.fill_null(pc.not_equal(rows["user_id"], who), True))
            if left.num_rows < rows.num_rows:
                pq.write_table(left, path)


def rows_of_release(warehouse: Path, release_id: str) -> Rows:
    """Return all that a reader gets of a release."""
    reader = open_release(warehouse, release_id)
    return {table: _texts(reader.arrow(table).to_table()) for table in reader.tables}


def states_gone_on_from(warehouse: Path, release_id: str) -> Mapping[str, str | None]:
    """Return by table of state which release a release went on from; None for none."""
    (release,) = open_release(warehouse, release_id).releases
    told = json.loads(release.inputs_json)
    return {table: told[table].get("release_id") for table in ("frequency_state", STATE)}


def rows_of_files(files: Mapping[str, Any]) -> Rows:
    """Return what a reader gets that had looked up its files before."""
    return {table: _texts(one.dataset().to_table()) for table, one in files.items()}


def without(rows: Rows, who: str) -> Rows:
    """Return the rows that do not name a user."""
    return {table: [row for row in found if who not in row] for table, found in rows.items()}


@dataclass(frozen=True)
class Live:
    """A release that readers may open."""

    release_id: str
    ds: date
    seq: int
    tags: tuple[str, ...]


def live_releases(warehouse: Path) -> dict[str, Live]:
    """Return the releases that readers may open, by id."""
    snapshot = read_releases(warehouse)
    tags = snapshot.statuses.tags
    return {
        one.release_id: Live(one.release_id, one.ds, one.seq, tags.get(one.release_id, ()))
        for one in snapshot.listed
    }


def files_with(folder: Path, text: str) -> Iterator[Path]:
    """Give the files that hold a text: as bytes, or packed in the columns of a Parquet file."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            held = text.encode() in path.read_bytes() or text in path.name
            if not held and path.suffix == ".parquet":
                try:
                    held = text in str(pq.ParquetFile(path).read().to_pylist())
                except (OSError, pa.ArrowException):
                    held = False
            if held:
                yield path


def _texts(rows: pa.Table) -> list[str]:
    return sorted(repr(row) for row in rows.to_pylist())


def _as_text(row: dict[str, Any]) -> dict[str, Any]:
    made = dict(row)
    for name in ("request_id", "item_id"):
        if made.get(name) is not None:
            made[name] = str(made[name])
    if made.get("user_id") is not None:
        made["user_id"] = name_of(made["user_id"])
    return made


__all__ = ["DATES", "DAY"]
