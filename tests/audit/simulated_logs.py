"""The simulated logs that the clean build reads, its date and its settings."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from winnow.config.loading import load_config
from winnow.config.tree import TABLES, Config
from winnow.dates import CalendarDay
from winnow.simulation import Simulation, simulate
from winnow.simulation.build_config import write_simulated

DAY = CalendarDay(date(2026, 1, 7))


def write_logs(out: Path, idle: int = 0) -> Path:
    """Simulate six dates of history, the date, and the one after; return the config's path.

    ``idle`` items are in the catalogue besides, and nobody is ever shown one.
    """
    simulation = Simulation(
        out=out, first_day=DAY.date, days=2, history_days=6, users=60, items=300,
        requests_per_day=150, recall_size=60, coarse_size=40, fine_size=20, exposed_size=8,
        click_logit=-0.5, dirty_share=0.01, turnover_days=10, mean_life_days=8.0,
        rejection_share=0.2,
    )  # fmt: skip
    simulate(simulation)
    for path in sorted((out / "logs" / "clicks").rglob("*.parquet")):
        _with_dwell(path)
    for path in sorted((out / "logs" / "items").rglob("*.parquet")):
        _with_scenes(path)
        _with_idle(path, idle)
    users = out / "users"
    users.mkdir()
    truth = pq.read_table(out / "truth" / "users.parquet", columns=["user_id", "segment"])
    # Of the first one nothing is known.
    pq.write_table(truth.slice(1), users / "part.parquet", store_schema=False)
    # The config knows nothing of rejections: those that ask for them name the log.
    return write_simulated(simulation.model_copy(update={"rejection_share": 0.0}))


def _with_dwell(path: Path) -> None:
    """Add how many ms were spent, up to a minute; of every seventh click nobody knows."""
    clicks = pq.read_table(path)
    dwell = [
        None if (number := us // 1_000 * 7919 % 60_000) % 7 == 0 else number
        for us in clicks["click_ts"].cast(pa.int64()).to_pylist()
    ]
    pq.write_table(clicks.append_column("dwell_ms", pa.array(dwell, pa.int32())), path)


def _with_scenes(path: Path) -> None:
    """Add in which scenes an item is there: in one, in two, or in none that is known."""
    items = pq.read_table(path)
    lists: tuple[list[str] | None, ...]
    lists = (["home"], ["search", "home"], ["detail", "search"], ["detail", "home"], [], None)
    known = [lists[item % len(lists)] for item in items["item_id"].to_pylist()]
    there = pa.array(known, pa.list_(pa.string()))
    pq.write_table(items.append_column("scenes", there), path)


def _with_idle(path: Path, n: int) -> None:
    """Add items like the first one, whose ids lie among those of the others and above them."""
    items = pq.read_table(path)
    more = items.take(pa.array([0] * n, pa.int64()))
    ids = pa.array([10**6 + 7 * place if place % 2 else -place for place in range(n)], pa.int64())
    more = more.set_column(0, items.schema.field("item_id"), ids)
    pq.write_table(pa.concat_tables([items, more]), path)


def settings(
    path: Path, more: int = 0, changed: Mapping[str, Mapping[str, object]] | None = None
) -> Config:
    """Load the simulated config with windows so short that what is just outside exists."""
    tree = load_config(path).model_dump(mode="json", by_alias=True)
    by_scene, asked = "of_items" in str(changed), changed or {}
    tree["logs"]["items"]["carry"] = ["category", *(["scenes"] if by_scene else [])]
    tree["logs"]["users"] = {"path": str(path.parent / "users"), "carry": ["segment"]}
    if "negative_feedback" in str(changed):
        tree["logs"]["negative_feedback"] = {
            "path": str(path.parent / "logs" / "negative_feedback"),
            "partition": {"column": "date"},
        }
    tree["logs"]["clicks"] |= {"columns": {"first_action": "action_type"}}
    tree["logs"]["clicks"]["carry"] = ["first_action"]
    return Config.model_validate_json(
        json.dumps(
            tree
            | {
                # Of requests only where they are asked for: the gates of all else stand alone.
                "tables": [t for t in TABLES if asked_for(t, asked)],
                "requests": asked.get("requests", {}),
                "evaluation": asked.get("evaluation", {}),
                "exclusion": {"exposure_lookback_days": 2 + more, "click_lookback_days": 3 + more},
                "popularity": {"window_days": 4 + more, **asked.get("popularity", {})},
                "positives": {
                    "downsampling": {"threshold_quantile": 0.3},
                    "weights": {"favourite": 2.0, "buy": 5.0},
                    "labels": ["click", "cart", "buy"],
                    "per_user_cap": 15,
                    "upsampling": {"threshold_clicks": 3.0, "power": 0.5, "most": 1.5},
                    "values": {"dwell_ms": "sum"},
                    "weight_by": {"value": "dwell_ms", "rule": "log1p", "unit": 1000.0},
                },
                "ranking": {
                    "stage_scores": ["coarse", "fine"],
                    "examination": {"probabilities": [1.0, 0.75, 0.5, 0.25]},
                },
                "split": {"valid_ratio": 0.2, "test_ratio": 0.2},
                "negatives": {"per_positive": 12, **asked.get("negatives", {})},
            }
        )
    )


def asked_for(table: str, asked: Mapping[str, object]) -> bool:
    """Whether a table is made: one that has a part of the config only where that is asked for."""
    parts = {"request_samples": "requests", "evaluation_samples": "evaluation"}
    return table not in parts or parts[table] in asked
