"""Draws from what anybody was shown: on which dates, how often, and never the user's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord
from winnow.config.tree import Config
from winnow.contracts.needed_dates import dates_needed

from tests.events.handmade import DAY, Built, Logs, at, build_day, config

OF_TWO_DATES, OF_THREE = {1, 2, 3, 4}, {1, 2, 3, 4, 5}


def shown_before() -> Logs:
    """Twelve items; five were shown on the dates before, one on the date, six never.

    4: with a broken row beside its good one. 5: three dates before, and twice under one key on the
    two dates before. 6: on the date. 7: in the evening of the fourth date before.
    """
    day = Logs()
    for item in range(1, 13):
        day.item(item)
    for n, item in enumerate((1, 2, 3, 3, 4)):
        day.show(90 + n, 900 + n, item, at("12:00", -1 - n % 2))
    day.show(99, 990, 5, at("12:00", -3))
    day.show(99, 991, 7, at("23:59", -4))
    for n in range(1, 21):
        day.show(n, n, 6, at("10:00"))
        day.click(n, n, 6, at("10:01"))
        # Clicked, and never shown: popular all the same.
        day.click(n, None, 8, at("12:00", -1))
    return day


def settings(base: Path, *easy: dict[str, Any]) -> Config:
    made = config(
        base,
        logs=("impressions", "clicks", "items"),
        exclusion={"exposure_lookback_days": 0, "click_lookback_days": 0},
        positives={"downsampling": {"rule": "none"}},
        popularity={"window_days": 3},
        negatives={"hard": []},
    )
    tree = made.model_dump(mode="json", by_alias=True)
    tree["negatives"] = {"per_positive": 30, "easy": easy, "hard": []}
    return Config.model_validate_json(json.dumps(tree))


EXPOSED = {"source": "exposed"}


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Built:
    base = tmp_path_factory.mktemp("exposed")
    shown_before().write(base)
    easy = (EXPOSED | {"count": 14}, EXPOSED | {"days": 2, "alpha": 1.0, "count": 16})
    return build_day(settings(base, *easy), spark, immature=True)


class DescribeDrawsFromWhatAnybodyWasShown:
    def it_passes_every_gate(self, built: Built) -> None:
        record = AuditRecord.model_validate_json(built.release.quality_json)
        assert [gate.name for gate in record.gates if gate.status in ("fail", "error")] == []
        names = {gate.name for gate in record.gates}
        assert {"easy_draws_p.exposed", "easy_draws_p.exposed_2"} <= names

    def it_has_the_impressions_of_the_whole_window(self, built: Built) -> None:
        assert [one for one in built.summary.warnings if one.startswith("exposed_history")] == []

    def it_draws_what_was_shown_on_the_dates_before_and_nothing_of_the_date(
        self, built: Built
    ) -> None:
        rows = built.tables["easy_negatives"]
        drawn = {
            source: {r["neg_item_id"] for r in rows if r["source"] == source}
            for source in ("exposed", "exposed_2")
        }
        assert drawn == {"exposed": OF_THREE, "exposed_2": OF_TWO_DATES}

    def it_draws_evenly_or_as_often_as_shown(self, built: Built) -> None:
        q = {(r["source"], r["neg_item_id"]): r["q"] for r in built.tables["easy_negatives"]}
        assert {q["exposed", item] for item in OF_THREE} == {0.2}
        shares = {item: q["exposed_2", item] for item in OF_TWO_DATES}
        assert shares == {1: 0.2, 2: 0.2, 3: 0.4, 4: 0.2}

    def it_draws_nothing_that_the_user_was_shown(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = shown_before()
        for item in OF_TWO_DATES:
            logs.show(1, 1, item, at("10:00"))
        logs.write(tmp_path)
        found = build_day(settings(tmp_path, EXPOSED, {"source": "uniform"}), spark, immature=True)
        rows = found.rows("easy_negatives", source="exposed")
        assert {r["neg_item_id"] for r in rows if r["user_id"] == 1} == {5}
        assert {r["log_q"] for r in rows if r["user_id"] == 1} == {0.0}
        assert {r["neg_item_id"] for r in rows if r["user_id"] == 2} == OF_THREE

    def it_says_where_nothing_was_shown_before(self, spark: SparkSession, tmp_path: Path) -> None:
        logs = shown_before()
        logs.rows["impressions"] = [
            r for r in logs.rows["impressions"] if r["impression_ts"] >= at("00:00")
        ]
        logs.write(tmp_path)
        found = build_day(settings(tmp_path, EXPOSED), spark, immature=True)
        (told,) = [one for one in found.summary.warnings if one.startswith("exposed_history")]
        assert "that the impression log has: 0 share, wanted at least 1 (3 dates)" in told
        for row in found.tables["training_samples"]:
            assert (row["n_easy"], row["n_fill"]) == (0, 30)
            assert (row["shortfall_reasons"], row["shortfall_counts"]) == (["group_unknown"], [30])

    def it_needs_the_impressions_of_its_window(self) -> None:
        first = {
            days: dates_needed(settings(Path("x"), EXPOSED | {"days": days}), DAY)
            .dates["impressions"]
            .first
            for days in (None, 1, 9)
        }
        assert first == {n: at("00:00", -d).date() for n, d in ((None, 3), (1, 1), (9, 9))}
