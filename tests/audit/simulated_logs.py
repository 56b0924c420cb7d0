"""The simulated logs that the clean build reads, its date and its settings."""

import json
from datetime import date
from pathlib import Path

from winnow.config.loading import load_config
from winnow.config.tree import TABLES, Config
from winnow.dates import CalendarDay
from winnow.simulation import Simulation, simulate
from winnow.simulation.build_config import write_simulated

DAY = CalendarDay(date(2026, 1, 7))


def write_logs(out: Path) -> Path:
    """Simulate six dates of history, the date, and the one after; return the config's path."""
    simulation = Simulation(
        out=out, first_day=DAY.date, days=2, history_days=6, users=60, items=300,
        requests_per_day=150, recall_size=60, coarse_size=40, fine_size=20, exposed_size=8,
        click_logit=-0.5, dirty_share=0.01, turnover_days=10, mean_life_days=8.0,
    )  # fmt: skip
    simulate(simulation)
    return write_simulated(simulation)


def settings(path: Path, more: int = 0) -> Config:
    """Load the simulated config with windows so short that what is just outside exists."""
    tree = load_config(path).model_dump(mode="json", by_alias=True)
    tree["logs"]["items"]["carry"] = ["category"]
    return Config.model_validate_json(
        json.dumps(
            tree
            | {
                "tables": TABLES,
                "exclusion": {"exposure_lookback_days": 2 + more, "click_lookback_days": 3 + more},
                "popularity": {"window_days": 4 + more},
                "positives": {
                    "downsampling": {"threshold_quantile": 0.3},
                    "weights": {"favourite": 2.0, "buy": 5.0},
                    "labels": ["click", "cart", "buy"],
                },
                "ranking": {"examination": {"probabilities": [1.0, 0.75, 0.5, 0.25]}},
                "split": {"valid_ratio": 0.2, "test_ratio": 0.2},
                "mix": {"negatives_per_positive": 12, "hard_ratio": 0.5},
            }
        )
    )
