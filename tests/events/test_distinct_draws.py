"""Draws of which no item comes twice for a positive, and what falls short where there are few."""

import math
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord

from tests.events.handmade import Built, Logs, at, build_day, config

ITEMS = 12
EASY: list[dict[str, Any]] = [
    {"source": "uniform", "distinct": True, "count": 4},
    {"source": "cold", "distinct": True, "count": 3},
    {"source": "popularity"},
]


def logs() -> Logs:
    """Users are shown two items of twelve; of two items nobody knows a click."""
    day = Logs()
    for item in range(ITEMS):
        day.item(item)
        if item > 1:
            day.click(50, None, item, at("10:00", -1))
    for user in range(1, 9):
        day.show(user, user, [2 + user, 3 + user], at("10:00"))
        day.click(user, user, 2 + user, at("10:05"))
    return day


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("distinct")
    logs().write(base)
    settings = config(
        base,
        logs=("impressions", "clicks", "items"),
        popularity={"window_days": 2},
        positives={"downsampling": {"rule": "none"}},
        negatives={
            "per_positive": 10,
            "easy": EASY,
            "hard": [],
            "on_shortfall": {"fill": "uniform"},
        },
        tables=[
            "positives",
            "easy_negatives",
            "training_samples",
            "training_samples_pointwise",
            "item_stats",
        ],
        gates={"top_user_share": {"fail": None}},
    )
    return build_day(settings, spark, immature=True)


class DescribeDistinctDraws:
    def it_passes_every_gate(self, built: Built) -> None:
        record = AuditRecord.model_validate_json(built.release.quality_json)
        assert [gate.name for gate in record.gates if gate.status in ("fail", "error")] == []
        assert {gate.name: gate.figure for gate in record.gates}["repeated_draws"] == 0

    def it_gives_no_item_twice_and_says_what_falls_short(self, built: Built) -> None:
        samples = built.tables["training_samples"]
        assert len(samples) == 8
        for row in samples:
            drawn = list(zip(row["neg_source"], row["neg_item_ids"], strict=True))
            uniform_and_fills = [item for code, item in drawn if code in (4, 1)]
            cold = [item for code, item in drawn if code == 6]
            assert len(uniform_and_fills) == len(set(uniform_and_fills)) == 5
            # Two cold items are all there are, so the third is filled.
            assert sorted(cold) == [0, 1]
            assert (row["shortfall_reasons"], row["n_fill"]) == (["group_exhausted"], 1)

    def it_tells_the_chance_of_each_draw_given_the_ones_before_it(self, built: Built) -> None:
        for row in built.tables["training_samples"]:
            left = ITEMS - 2
            negatives = zip(
                row["neg_source"], row["neg_log_q"], row["neg_log_q_conditional"], strict=True
            )
            for code, log_q, conditional in negatives:
                assert conditional == (code != 0)
                if code in (4, 1):
                    assert log_q == pytest.approx(-math.log(left), abs=1e-9)
                    left -= 1

    def it_says_so_in_long_tables_and_has_no_mixture(self, built: Built) -> None:
        for row in built.tables["easy_negatives"]:
            assert row["log_q_conditional"] == (row["source"] != "popularity")
            assert "mixture_log_q" not in row
        for row in built.tables["training_samples_pointwise"]:
            told = None if row["label"] == 1 else row["source"] != "popularity"
            assert row["log_q_conditional"] == told
