"""All tables of a release in DuckDB, with simple checks and no audit, as one person would write it.

usage: python -m bench.peers.duckdb_whole LOGS OUT [--lookback 0]

Rows are checked and counted, and the columns are those of a release. What Winnow does on top: gates
over distributions, content hashes, versions, a Delta log, a report.
"""

import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import duckdb
import numpy as np
import psutil
import pyarrow as pa
import typer

from bench.peers.alias import alias_slots
from bench.peers.duckdb_script import FILES, MEMORY, POPULARITY, timed
from bench.peers.release_queries import CHECKS, EASY, EXPOSED, HARD, POSITIVES, TABLES
from bench.work import ALPHA, SMOOTHING, dates_back, tell

KEYS = {
    "impressions": ("request_id", "user_id", "item_id", "ts"),
    "clicks": ("request_id", "user_id", "item_id", "ts"),
    "ranking_log": ("request_id", "item_id", "stage"),
}
"""What no row of a log may lack; rows that share it are duplicates."""


def check_logs(db: duckdb.DuckDBPyConnection, logs: Path, day: str) -> None:
    """Make a view of the valid rows of each log, and the table of the others.

    Keys that are there twice are counted; only where they would matter to samples are they dropped.
    """
    broken = []
    for name, key in KEYS.items():
        db.execute(f"CREATE VIEW raw_{name} AS FROM '{logs}/{name}/date={day}/*.parquet'")
        lacking = " OR ".join(f"{column} IS NULL" for column in key)
        db.execute(f"CREATE VIEW {name} AS FROM raw_{name} WHERE NOT ({lacking})")
        rows = f"SELECT '{name}' AS log, to_json(r)::VARCHAR AS raw FROM raw_{name} r"
        broken.append(f"{rows} WHERE {lacking}")
        db.execute(f"""
            SELECT count(*) FROM (SELECT hash({", ".join(key)}) AS h FROM {name}
                                  GROUP BY h HAVING count(*) > 1)""").fetchone()
    db.execute(f"CREATE TEMP TABLE rejected AS {' UNION ALL '.join(broken)}")


def weigh_items(db: duckdb.DuckDBPyConnection, logs: Path, before: str) -> int:
    """Make the tables ``popularity``, ``weights`` and ``slots``; return the sum of all weights."""
    db.execute(POPULARITY.format(logs=logs, before=before))
    found: dict[str, Any] = db.execute("FROM popularity ORDER BY item_id").fetchnumpy()
    ids, clicks = np.asarray(found["item_id"]), np.asarray(found["clicks"])
    exact = (clicks + SMOOTHING) ** ALPHA
    weight = np.maximum(1, np.round(exact * 1e6)).astype(np.int64)
    db.register("slots", pa.table(alias_slots(ids, exact)))
    db.register("weighed", pa.table({"item_id": ids, "weight": weight}))
    db.execute("CREATE TEMP TABLE weights AS FROM weighed")
    return int(weight.sum())


def run(logs: Path, out: Path, lookback: int) -> dict[str, float]:
    """Do the work; return seconds per step."""
    steps: dict[str, float] = {}
    db = duckdb.connect()
    db.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
    db.execute(f"SET temp_directory = '{out}/spill'; SET TimeZone = 'UTC'")
    day, before = dates_back(1)
    shown = [f"{logs}/impressions/date={one}/*.parquet" for one in dates_back(lookback)]
    db.execute(f"CREATE VIEW shown AS SELECT user_id, item_id FROM read_parquet({shown})")

    with timed(steps, "count rows"):
        check_logs(db, logs, day)
    with timed(steps, "weigh items"):
        total = weigh_items(db, logs, before)
    words = {"out": out, "logs": logs, "day": day, "total": total}
    for step, query in (("positives", POSITIVES), ("exposures", EXPOSED), ("easy", EASY)):
        with timed(steps, step):
            db.execute(query.format(**words))
    with timed(steps, "hard"):
        db.execute(HARD)
    for table, query in TABLES.items():
        with timed(steps, f"write {table}"):
            db.execute(f"COPY ({query.format(**words)}) TO '{out}/{table}' {FILES}")
    with timed(steps, "checks"):
        for what, query in CHECKS.items():
            wrong = db.execute(f"SELECT count(*) {query.format(**words)}").fetchone()
            assert wrong == (0,), f"{what}: {wrong}"
    return steps


def main(logs: Path, out: Path, lookback: Annotated[int, typer.Option()] = 0) -> None:
    """Run once and tell how long each step took."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    started = time.time() - psutil.Process().create_time()
    tell(run(logs.resolve(), out.resolve(), lookback), started=started)


if __name__ == "__main__":
    typer.run(main)
