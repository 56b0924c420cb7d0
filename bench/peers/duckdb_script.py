"""The work in DuckDB, as one person with one machine would write it.

usage: python -m bench.peers.duckdb_script LOGS OUT [--lookback 0]

Items are drawn by the alias method: a draw costs one look-up of a slot by its number.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import duckdb
import numpy as np
import psutil
import pyarrow as pa
import typer

from bench.peers.alias import alias_slots
from bench.work import (
    ALPHA,
    HOT_CLICKS,
    PER_POSITIVE,
    SMOOTHING,
    SPARE_DRAWS,
    dates_back,
    tell,
)

MEMORY = "10GB"
"""DuckDB spills what does not fit; the default would be most of the machine."""

FILES = "(FORMAT parquet, PER_THREAD_OUTPUT)"

POPULARITY = """
CREATE TEMP TABLE popularity AS
SELECT item_id, count(click.item_id) AS clicks
FROM '{logs}/items/*.parquet' LEFT JOIN '{logs}/clicks/date={before}/*.parquet' AS click
USING (item_id) GROUP BY item_id ORDER BY item_id
"""

POSITIVES = f"""
CREATE TEMP TABLE positives AS
WITH clicked AS (
    SELECT DISTINCT request_id, user_id, item_id
    FROM impressions SEMI JOIN clicks USING (request_id, user_id, item_id)),
-- The chance is drawn here: as part of the condition it would be drawn once per item.
tossed AS (SELECT *, random() AS chance FROM clicked)
SELECT row_number() OVER () AS positive, request_id, user_id, item_id
FROM tossed JOIN popularity USING (item_id)
WHERE chance * chance * clicks < {HOT_CLICKS}
"""

EASY = f"""
COPY (
    WITH points AS (
        SELECT request_id, user_id, item_id AS pos_item_id,
               random() * (SELECT count(*) FROM slots) AS point
        FROM positives, range({PER_POSITIVE + SPARE_DRAWS})),
    draws AS (
        SELECT request_id, user_id, pos_item_id,
               if(point - slot < own, first_id, second_id) AS item_id
        FROM (SELECT *, floor(point)::INTEGER AS slot FROM points) JOIN slots USING (slot)),
    chosen AS (
        SELECT request_id, user_id, pos_item_id, list(item_id)[:{PER_POSITIVE}] AS item_ids
        FROM draws ANTI JOIN exposures USING (user_id, item_id) GROUP BY ALL)
    SELECT request_id, user_id, pos_item_id, unnest(item_ids) AS item_id FROM chosen
) TO '{{out}}/easy_negatives' {FILES}
"""

HARD = f"""
COPY (
    WITH candidates AS (
        SELECT request_id, item_id, max(stage) AS stage, any_value(score) AS score
        FROM (FROM ranking_log SEMI JOIN positives USING (request_id))
        ANTI JOIN exposures USING (user_id, item_id)
        GROUP BY request_id, item_id),
    chosen AS (
        SELECT positive,
               min_by((c.item_id, stage, score), random(), {PER_POSITIVE}) AS items
        FROM positives p JOIN candidates c USING (request_id) GROUP BY positive),
    long AS (SELECT positive, unnest(items) AS item FROM chosen)
    SELECT request_id, user_id, positives.item_id AS pos_item_id,
           item[1] AS item_id, item[2] AS stage, item[3] AS score
    FROM long JOIN positives USING (positive)
) TO '{{out}}/hard_negatives' {FILES}
"""


@contextmanager
def timed(steps: dict[str, float], step: str) -> Iterator[None]:
    """Keep the seconds of a step."""
    begin = time.monotonic()
    yield
    steps[step] = time.monotonic() - begin


def run(logs: Path, out: Path, lookback: int) -> dict[str, float]:
    """Do the work; return seconds per step."""
    steps: dict[str, float] = {}
    db = duckdb.connect()
    db.execute(f"SET memory_limit = '{MEMORY}'; SET preserve_insertion_order = false")
    db.execute(f"SET temp_directory = '{out}/spill'")
    day, before = dates_back(1)
    shown = [f"{logs}/impressions/date={one}/*.parquet" for one in dates_back(lookback)]
    for name in ("impressions", "clicks", "ranking_log"):
        db.execute(f"CREATE VIEW {name} AS FROM '{logs}/{name}/date={day}/*.parquet'")
    db.execute(f"CREATE VIEW exposures AS SELECT user_id, item_id FROM read_parquet({shown})")

    with timed(steps, "weigh items"):
        db.execute(POPULARITY.format(logs=logs, before=before))
        weighed = db.execute("FROM popularity ORDER BY item_id").fetchnumpy()
        ids, clicks = np.asarray(weighed["item_id"]), np.asarray(weighed["clicks"])
        slots = alias_slots(ids, (clicks + SMOOTHING) ** ALPHA)
        db.register("slots", pa.table(slots))

    for step, statements in {
        "positives": (
            POSITIVES,
            f"COPY (SELECT * EXCLUDE positive FROM positives) TO '{out}/positives' {FILES}",
        ),
        "easy": (EASY.format(out=out),),
        "hard": (HARD.format(out=out),),
    }.items():
        with timed(steps, step):
            for statement in statements:
                db.execute(statement)
    return steps


def main(logs: Path, out: Path, lookback: Annotated[int, typer.Option()] = 0) -> None:
    """Run once and tell how long each step took."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    started = time.time() - psutil.Process().create_time()
    tell(run(logs.resolve(), out.resolve(), lookback), started=started)


if __name__ == "__main__":
    typer.run(main)
