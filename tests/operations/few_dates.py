"""A warehouse of few dates: handmade logs, a config that builds them fast, changes to the logs."""

import json
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from winnow.building.build import build
from winnow.building.progress import Progress
from winnow.building.request import BuildRequest
from winnow.building.summary import BuildSummary
from winnow.config.tree import Config
from winnow.engine.choice import engine_of

from tests.e2e.test_random_recipes import random_logs
from tests.events.handmade import DAY, config

DATES = tuple(DAY + timedelta(days) for days in (-2, -1, 0))
LOGS = ("impressions", "clicks", "ranking_log")
LATER = DAY + timedelta(1)
NO_GATES = ("top_user_share", "logged_request_share", "clicked_share", "hard_share")


def write_logs(base: Path, *, later: bool = True, seed: int = 11) -> None:
    """Logs of three dates, the day before them, and of ``LATER`` folders without rows."""
    logs = random_logs(Random(seed))
    for log in LOGS:
        logs.folder(log, DATES[0] - timedelta(1))
        if later:
            logs.folder(log, LATER)
    logs.write(base)


def few_dates(base: Path, **settings: Any) -> Config:
    """A config of few dates; clicks are looked for two hours later, so that one date more is read.

    Each date reads the impressions and the clicks of the date before too.
    """
    tree = {
        "logs": (*LOGS, "items"),
        "attribution": {"window_hours": 2},
        "exclusion": {"exposure_lookback_days": 1, "click_lookback_days": 1},
        "popularity": {"window_days": 1},
        "positives": {"downsampling": {"rule": "none", "threshold_clicks": None}},
        "negatives": {
            "per_positive": 4,
            "hard": [{"source": "cut", "stage": "coarse"}, {"source": "low", "stage": "fine"}],
        },
        "tables": ("positives", "training_samples"),
        "gates": {name: {"fail": None} for name in NO_GATES},
    }
    return config(base, **(tree | settings))


def built(settings: Config, spark: SparkSession, day: date, **accept: Any) -> BuildSummary:
    """Build one date."""
    engine, quiet = engine_of(spark), Progress(quiet=True)
    return build(BuildRequest(settings, day, engine, progress=quiet, **accept))


def part(base: Path, log: str, day: date) -> Path:
    """The file of a log's date."""
    return base / log / f"date={day}" / "part.parquet"


def add_late_rows(base: Path, day: date, n: int = 3) -> Path:
    """Add further impressions and their clicks to a date: requests that came late."""
    impressions = pq.read_table(part(base, "impressions", day))
    rows = impressions.slice(0, n).to_pylist()
    for number, row in enumerate(rows):
        row["request_id"] = 9_000 + number
        row["impression_id"] = f"late/{number}"
    late = part(base, "impressions", day).with_name("late.parquet")
    pq.write_table(type(impressions).from_pylist(rows, impressions.schema), late)
    clicks = pq.read_table(part(base, "clicks", day))
    clicked = [
        clicks.slice(0, 1).to_pylist()[0]
        | {name: row[name] for name in ("request_id", "impression_id", "user_id", "item_id")}
        | {"click_ts": row["impression_ts"] + timedelta(minutes=1)}
        for row in rows
    ]
    to = part(base, "clicks", day).with_name("late.parquet")
    pq.write_table(type(clicks).from_pylist(clicked, clicks.schema), to)
    return late


def write_config(settings: Config, base: Path) -> Path:
    """Write a config as a file that commands take."""
    path = base / "winnow.yaml"
    tree = settings.model_dump(mode="json", by_alias=True, exclude_unset=True)
    path.write_text(json.dumps(tree), encoding="utf-8")
    return path
