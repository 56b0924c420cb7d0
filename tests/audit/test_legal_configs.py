"""What a config may ask for passes the gates: a clean build never fails."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config

from tests.events import edge_cases
from tests.events.handmade import DAY, Logs, at, build_day, config

RESAMPLED: dict[str, Any] = {
    "per_user_cap": 2,
    "upsampling": {"threshold_clicks": 5.0, "most": 2.5},
}
LEGAL: dict[str, dict[str, Any]] = {
    "one table of draws": {"tables": ["easy_negatives"]},
    "one table of hard negatives": {"tables": ["hard_negatives"]},
    "pointwise alone": {"tables": ["training_samples_pointwise"]},
    "listwise alone": {"tables": ["training_samples"]},
    "no samples at all": {"tables": ["item_stats"]},
    "easy only": {"negatives": {"per_positive": 5, "hard": []}},
    "hard only, filled": {"negatives": {"per_positive": 5, "easy": []}},
    "hard only, left": {"negatives": {"per_positive": 5, "easy": [], "on_shortfall": "leave"}},
    "wide windows": {
        "attribution": {"join": "last_impression", "window_hours": 72},
        "exclusion": {"exposure_lookback_days": 2, "click_lookback_days": 3, "lookahead_days": 1},
    },
    "thinned by a cap": {"positives": {"downsampling": {"rule": "cap", "threshold_clicks": 1.0}}},
    "thinned by a power": {
        "positives": {"downsampling": {"rule": "power", "power": 2.0, "threshold_quantile": 0.1}},
        "negatives": {"easy": [{"source": "popularity", "alpha": 4.0}]},
        "popularity": {"window_days": 3, "smoothing": 1e-6},
    },
    "labelled, thinned by shares, capped and repeated": {
        "positives": {
            "labels": ["click", "buy"],
            "downsampling": {"rule": "word2vec_code", "threshold_share": 0.1},
            **RESAMPLED,
        }
    },
    "labelled and capped, the latest impression": {
        "attribution": {"join": "last_impression", "window_hours": 72},
        "positives": {"labels": ["click", "cart"], **RESAMPLED},
    },
    "repeated, draws alone": {"tables": ["easy_negatives"], "positives": RESAMPLED},
    "repeated, pointwise alone": {
        "tables": ["training_samples_pointwise"],
        "positives": RESAMPLED,
    },
    "uniform, best first": {
        "funnel": {"cut_known_by": "last_stage"},
        "negatives": {
            "easy": [{"source": "popularity", "alpha": 0.0}],
            "hard": [
                {"source": "cut", "stage": "coarse", "selection": "top"},
                {"source": "low", "stage": "fine", "selection": "top"},
            ],
        },
    },
}


ALWAYS = ("no samples at all", "wide windows")
"""The others are proofs: each asks for a whole build."""


def settings(base: Path, changed: dict[str, Any]) -> Config:
    tree = edge_cases.settings(base).model_dump(mode="json", by_alias=True)
    tree["warehouse"] = str(base / "others")
    return Config.model_validate_json(json.dumps(tree | changed))


def recorded(built: Any) -> AuditRecord:
    return AuditRecord.model_validate_json(built.release.quality_json)


class DescribeALegalConfig:
    @pytest.mark.parametrize(
        "name",
        [pytest.param(n, marks=() if n in ALWAYS else pytest.mark.proof) for n in LEGAL],
    )
    def it_passes_the_gates(self, spark: SparkSession, tmp_path: Path, name: str) -> None:
        edge_cases.logs().write(tmp_path)
        built = build_day(settings(tmp_path, LEGAL[name]), spark, immature=True)
        record = recorded(built)
        assert record.verdict in ("pass", "warn")
        names = {gate.name for gate in record.gates}
        if set(built.tables) & {"easy_negatives", "training_samples", "training_samples_pointwise"}:
            assert {"shown_negatives", "log_q_differs", "positives_not_clicked"} <= names
        has_hard = LEGAL[name].get("negatives", {}).get("hard") != []
        if has_hard and set(built.tables) - {"item_stats", "rejected", "easy_negatives"}:
            assert {"hard_not_logged", "hard_not_cut"} <= names


class DescribeADateWithoutEvents:
    def it_passes_where_that_is_accepted(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = Logs()
        logs.show(1, 1, [1, 2], at("12:00", -1))
        logs.click(1, 1, 1, at("12:01", -1))
        logs.rank(1, "coarse", [3], at("12:00", -1))
        for item in (1, 2, 3):
            logs.item(item)
        for log in ("impressions", "clicks", "ranking_log"):
            logs.folder(log, DAY)
        logs.write(tmp_path)
        built = build_day(config(tmp_path), spark, allow_empty=True)
        assert recorded(built).verdict in ("pass", "warn")
        assert built.tables["positives"] == []
