"""Draws of what was not recalled: nothing that the ranking log has of the request, by any row."""

import math
from typing import Any

import pytest
from pyspark.sql import SparkSession
from winnow.audit.record import AuditRecord

from tests.events.handmade import Built, Logs, Row, at, build_day, config

ITEMS, LOGGED, UNLOGGED, EVENING = 40, 1, 2, 3
RECALLED = {
    LOGGED: {10, 11, 12, 13, 14, 20, 21, 1},
    UNLOGGED: set[int](),
    # Ranked on the evening before and shown on the date: of the date's log it has nothing.
    EVENING: set[int](),
}
SHOWN = {LOGGED: {1, 2}, UNLOGGED: {3}, EVENING: {4}}
HARD: list[Row] = [
    {"source": "cut", "stage": "coarse"},
    {"source": "low", "stage": "fine", "count": 1},
]


def logs() -> Logs:
    """Three requests of a user each, of which one is in the ranking log of the date."""
    day = Logs()
    for item in range(ITEMS):
        day.item(item)
        for n in range(item % 4):
            day.click(50 + n, None, item, at("10:00", -1))
    for request, items in SHOWN.items():
        day.show(request, request, sorted(items), at("10:00"))
        day.click(request, request, min(items), at("10:05"))
    day.rank(LOGGED, "coarse", [1, 10, 11, 12, 13], at("10:00"))
    day.rank(LOGGED, "fine", [1, 10, 11], at("10:00"))
    # A stage that the funnel does not know, one that is not known, and a time that nobody has.
    day.rank(LOGGED, "recall", [14, 20], at("10:00"))
    day.rows["ranking_log"][-1]["stage"] = None
    day.rank(LOGGED, "fine", [21], at("10:00"), score=math.nan)
    day.rank(EVENING, "coarse", [15, 16], at("23:50", -1))
    # Of a request that nobody has a positive of.
    day.rank(99, "coarse", [17, 18], at("10:00"))
    return day


def built(spark: SparkSession, base: Any, hard: list[Row], **negatives: Any) -> Built:
    logs().write(base)
    easy = [{"source": "popularity", "not_recalled": True}]
    settings = config(
        base,
        popularity={"window_days": 2},
        positives={"downsampling": {"rule": "none"}},
        negatives={"per_positive": 20, "easy": easy, "hard": hard, **negatives},
        gates={name: {"fail": None} for name in ("top_user_share", "logged_request_share")},
    )
    return build_day(settings, spark, immature=True)


@pytest.fixture(scope="module", params=["alone", "with hard ones"])
def filled(
    request: pytest.FixtureRequest,
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
) -> Built:
    hard: list[Row] = HARD if request.param == "with hard ones" else []
    return built(spark, tmp_path_factory.mktemp("recalled"), hard)


class DescribeDrawsOfWhatWasNotRecalled:
    def it_passes_every_gate(self, filled: Built) -> None:
        record = AuditRecord.model_validate_json(filled.release.quality_json)
        assert [gate.name for gate in record.gates if gate.status in ("fail", "error")] == []
        figures = {gate.name: gate.figure for gate in record.gates}
        assert (figures["recalled_negatives"], figures["recall_unknown_differs"]) == (0, 0)

    def it_draws_nothing_that_any_row_of_the_request_has(self, filled: Built) -> None:
        rows = filled.rows("easy_negatives", request_id=LOGGED)
        assert len(rows) >= 10
        drawn = {row["neg_item_id"] for row in rows}
        assert not drawn & (RECALLED[LOGGED] | SHOWN[LOGGED])
        # What other requests have is allowed.
        others = {row["neg_item_id"] for row in filled.rows("easy_negatives", request_id=UNLOGGED)}
        assert others & RECALLED[LOGGED]

    def it_says_how_likely_a_draw_was_given_both(self, filled: Built) -> None:
        weight = {row["item_id"]: row["weight"] for row in filled.tables["item_stats"]}
        for request in (LOGGED, UNLOGGED, EVENING):
            left = sum(w for item, w in weight.items() if item not in _forbidden(request))
            for row in filled.rows("easy_negatives", request_id=request):
                exact = math.log(weight[row["neg_item_id"]] / left)
                assert row["log_q"] == pytest.approx(exact, abs=1e-9)

    @pytest.mark.parametrize("request_id", [UNLOGGED, EVENING])
    def it_fills_where_nothing_is_known_of_the_request_and_says_so(
        self, filled: Built, request_id: int
    ) -> None:
        row = filled.only("training_samples", request_id=request_id)
        assert (row["n_easy"], row["n_hard"], row["n_fill"], row["shortfall"]) == (0, 0, 20, 0)
        assert set(row["neg_source"]) == {1}
        reasons = filled.reasons(request_id=request_id)
        assert reasons["recall_unknown"] + reasons.get("request_not_logged", 0) == 20
        assert filled.reasons(request_id=LOGGED).keys().isdisjoint({"recall_unknown"})


class DescribeAShortfallOfWhatWasNotRecalled:
    def it_leaves_the_gap_where_the_config_says_so(
        self, spark: SparkSession, tmp_path: Any
    ) -> None:
        made = built(spark, tmp_path, [], on_shortfall="leave")
        row = made.only("training_samples", request_id=UNLOGGED)
        assert (row["n_easy"], row["n_fill"], row["shortfall"]) == (0, 0, 20)
        assert made.reasons(request_id=UNLOGGED) == {"recall_unknown": 20}
        assert made.only("training_samples", request_id=LOGGED)["n_easy"] == 20


def _forbidden(request: int) -> set[int]:
    return RECALLED[request] | SHOWN[request]
