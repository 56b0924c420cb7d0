"""Winnow's config for the benchmark's logs."""

import json
from pathlib import Path
from typing import Any

from winnow.config.tree import Config

from bench.work import ALPHA, HOT_CLICKS, PER_POSITIVE, SMOOTHING


def config_of(logs: Path, warehouse: Path, lookback: int = 0) -> Config:
    """Return the config: 10 easy and 10 hard negatives, and so many dates of exclusion before."""
    partition = {"column": "date"}

    def log(name: str, **columns: object) -> dict[str, object]:
        return {"path": str(logs / name), "partition": partition, "columns": columns}

    tree = {
        "warehouse": str(warehouse),
        "logs": {
            "impressions": log("impressions", impression_ts={"column": "ts", "unit": "s"}),
            "clicks": log("clicks", click_ts={"column": "ts", "unit": "s"}),
            "ranking_log": log("ranking_log", score={"column": "score", "type": "float"}),
            "items": {"path": str(logs / "items")},
        },
        # The peers know no anonymous users; every id is somebody.
        "identity": {"anonymous_values": []},
        "exclusion": {"exposure_lookback_days": lookback, "click_lookback_days": 0},
        "popularity": {"window_days": 1, "smoothing": SMOOTHING},
        "positives": {"downsampling": {"rule": "sqrt", "threshold_clicks": HOT_CLICKS}},
        "funnel": {"stages": [{"name": "coarse"}, {"name": "fine"}], "cut_known_by": "last_stage"},
        "negatives": {
            "per_positive": 2 * PER_POSITIVE,
            "easy": [{"source": "popularity", "alpha": ALPHA}],
            "hard": [{"source": "cut", "stage": "coarse"}, {"source": "cut", "stage": "fine"}],
            "on_shortfall": "leave",
        },
    }
    return Config.model_validate_json(json.dumps(tree))


VARIANTS: dict[str, dict[str, Any]] = {
    "as_is": {},
    "alpha_025": {"negatives": {"easy": [{"source": "popularity", "alpha": 0.25}]}},
    "alpha_1": {"negatives": {"easy": [{"source": "popularity", "alpha": 1.0}]}},
    "half": {"negatives": {"per_positive": PER_POSITIVE}},
    "not_thinned": {"positives": {"downsampling": {"rule": "none", "threshold_clicks": None}}},
    "coarse": {"negatives": {"hard": [{"source": "cut", "stage": "coarse"}]}},
    "seed_1": {"seed": 1},
    "epoch_1": {"epoch": 1},
}
"""Recipes as an ablation has them, for a build of several."""


def with_variants(config: Config, count: int) -> Config:
    """Return a config with the first of ``VARIANTS``."""
    tree = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    tree["variants"] = dict(list(VARIANTS.items())[:count])
    return Config.model_validate_json(json.dumps(tree))
