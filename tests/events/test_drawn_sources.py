"""Builds that draw from several sources: what is drawn, how likely it was, and what fell short."""

import json
import math
from collections import Counter
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config

from tests.events import edge_cases
from tests.events.handmade import Built, Logs, at, build_day, config

EASY: list[dict[str, Any]] = [
    {"source": "popularity", "share": 0.25},
    {"source": "uniform", "count": 2},
    {"source": "hot", "top": 0.2, "count": 2},
    {"source": "cold", "count": 1},
    {"source": "popularity", "alpha": 1.0, "count": 1},
]


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("sources")
    edge_cases.logs().write(base)
    config = edge_cases.settings(
        base,
        easy=EASY,
        hard=[{"source": "cut", "stage": "coarse"}, {"source": "low", "stage": "fine"}],
    )
    return build_day(config, spark, immature=True)


class DescribeABuildOfManySources:
    def it_passes_every_gate(self, built: Built) -> None:
        record = AuditRecord.model_validate_json(built.release.quality_json)
        assert [gate.name for gate in record.gates if gate.status in ("fail", "error")] == []
        names = {gate.name for gate in record.gates}
        for source in ("popularity", "uniform", "hot", "cold", "popularity_2"):
            assert f"easy_draws_p.{source}" in names

    def it_gives_a_positive_what_each_source_is_asked_for(self, built: Built) -> None:
        full = [row for row in built.tables["training_samples"] if row["shortfall"] == 0]
        assert len(full) > 5
        for row in full:
            drawn = Counter(row["neg_source"][: row["n_easy"]])
            assert drawn == {0: 2, 4: 2, 5: 2, 6: 1, 32: 1}

    def it_draws_hot_and_cold_ones_where_they_are(self, built: Built) -> None:
        clicks = {row["item_id"]: row["clicks"] for row in built.tables["item_stats"]}
        by_source: dict[str, set[int]] = {}
        for row in built.tables["easy_negatives"]:
            by_source.setdefault(row["source"], set()).add(row["neg_item_id"])
        assert {clicks[item] for item in by_source["cold"]} == {0}
        assert min(clicks[item] for item in by_source["hot"]) > 0
        clicked = sum(n > 0 for n in clicks.values())
        assert len(by_source["hot"]) <= math.ceil(0.2 * clicked)

    def it_says_how_likely_a_draw_was_of_all_sources_together(self, built: Built) -> None:
        """The probabilities of all items add up to 1 where all of them are known."""
        for row in built.tables["easy_negatives"]:
            assert row["mixture_log_q"] <= 0
            assert row["q"] <= math.exp(row["log_q"]) * (1 + 1e-9)
        samples = {r["sample_id"]: r for r in built.tables["training_samples"]}
        for row in samples.values():
            drawn = [m is not None for m in row["neg_mixture_log_q"]]
            assert drawn == [q is not None for q in row["neg_log_q"]]


CITIES = {f"{city[:1]}{n}": city for city in ("bern", "oslo") for n in range(6)} | {"x": None}


def city_logs() -> Logs:
    """Each of 30 users is shown four items and clicks one: of bern, of oslo, or of nowhere."""
    day = Logs(string_ids=True)
    for item, city in CITIES.items():
        day.item(item, None, None, city=city)
    names = sorted(CITIES)
    for n in range(30):
        shown = [names[(n + k * 5) % len(names)] for k in range(4)]
        day.show(f"u{n}", f"r{n}", shown, at("10:00"))
        day.click(f"u{n}", f"r{n}", shown[0], at("10:01"))
        day.click(f"u{n}", None, names[n % 5], at("12:00", -1))
    return day


NEGATIVES = {
    "per_positive": 7,
    "easy": [
        {"source": "same_attribute", "attributes": ["city"], "count": 4},
        {"source": "popularity"},
    ],
    "hard": [],
}


@pytest.fixture(scope="module")
def cities(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("cities")
    city_logs().write(base)
    made = config(
        base,
        logs=("impressions", "clicks", "items"),
        ids={"user": "string", "item": "string", "request": "string"},
        positives={"downsampling": {"rule": "none"}},
        popularity={"window_days": 2},
        negatives={"hard": []},
    )
    tree = made.model_dump(mode="json", by_alias=True) | {"negatives": NEGATIVES}
    tree["logs"]["items"]["carry"] = ["city"]
    return build_day(Config.model_validate_json(json.dumps(tree)), spark, immature=True)


class DescribeDrawsOfTheSameCity:
    def it_passes_every_gate(self, cities: Built) -> None:
        record = AuditRecord.model_validate_json(cities.release.quality_json)
        assert [gate.name for gate in record.gates if gate.status in ("fail", "error")] == []
        assert "easy_draws_p.same_attribute" in {gate.name for gate in record.gates}

    def it_draws_only_items_of_the_positives_city(self, cities: Built) -> None:
        drawn = [r for r in cities.rows("easy_negatives") if r["source"] == "same_attribute"]
        assert len(drawn) > 80
        assert {CITIES[r["item_id"]] for r in drawn} == {"bern", "oslo"}
        assert all(CITIES[r["item_id"]] == CITIES[r["neg_item_id"]] for r in drawn)

    def it_says_that_a_positive_of_nowhere_has_no_group_and_fills(self, cities: Built) -> None:
        nowhere = [r for r in cities.rows("training_samples") if r["item_id"] == "x"]
        assert len(nowhere) > 1
        for row in nowhere:
            assert (row["n_easy"], row["n_fill"], row["shortfall"]) == (3, 4, 0)
            assert (row["shortfall_reasons"], row["shortfall_counts"]) == (["group_unknown"], [4])
