"""Hard negatives beside a small ranking log: each mistake is counted, and nothing else is."""

from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from pipelines.audit.figures import Figure
from pipelines.audit.negatives.hard import hard_again
from pipelines.audit.negatives.hard_lists import HardCounts, Logged, Stated, look_up
from pipelines.audit.staged.row_rules import broken_rules
from tests.audit.small import THE_DAY, Row, by_name, config, frame, log, wrong

COARSE, FINE = [13, 12, 11, 10, 14, 15, 16, 17], [13, 12, 11, 10, 14]


def ranked(how: str) -> list[Row]:
    """One request: coarse ranking cut 15, 16 and 17; fine ranking put 11, 10 and 14 last."""
    coarse = [item for item in COARSE if how != "last_stage" or item not in FINE]
    rows = [("coarse", item, item in FINE) for item in coarse]
    rows += [("fine", item, item == 13) for item in FINE]
    return [
        {"request_id": 1, "item_id": item, "stage": stage, "score": -float(COARSE.index(item))}
        | ({"passed": passed} if how == "passed" else {})
        for stage, item, passed in rows
    ]


def hard_row(item: int, stage: str, how: str = "passed", **other: Any) -> Row:
    names = {"coarse": [i for i in COARSE if how != "last_stage" or i not in FINE], "fine": FINE}
    rank, size = names[stage].index(item) + 1, len(names[stage])
    return {
        "request_id": 1,
        "neg_item_id": item,
        "source": {"coarse": "cut", "fine": "low"}[stage],
        "stage": stage,
        "stage_rank": rank,
        "stage_size": size,
        "stage_score": -float(COARSE.index(item)),
        "rank_pct": (rank - 1) / (size - 1),
    } | other


def hard_figures(
    spark: SparkSession, rows: list[Row], logged: list[Row], how: str = "passed", **hard: Any
) -> list[Figure]:
    settings = config(hard={"cut_known_by": how, **hard})
    opened = log(spark, "ranking_log", logged, settings)
    staged = frame(spark, "hard_negatives", rows, settings)
    return hard_again(opened, staged, settings, THE_DAY, n_positives=len(rows))


class DescribeHardNegatives:
    @pytest.mark.parametrize("how", ["passed", "membership", "last_stage"])
    def it_passes_what_was_cut_or_low(self, spark: SparkSession, how: str) -> None:
        rows = [hard_row(i, "coarse", how) for i in (15, 16, 17)]
        rows += [hard_row(i, "fine", how) for i in (11, 10, 14)]
        assert wrong(hard_figures(spark, rows, ranked(how), how)) == {}

    @pytest.mark.parametrize("how", ["passed", "membership"])
    def it_counts_what_reached_the_next_stage(self, spark: SparkSession, how: str) -> None:
        rows = [hard_row(12, "coarse", how), hard_row(15, "coarse", how)]
        found = wrong(hard_figures(spark, rows, ranked(how), how))
        assert found == {"hard_went_on": 1} | ({"hard_not_cut": 1} if how == "passed" else {})

    def it_counts_what_another_row_of_the_stage_says_went_on(self, spark: SparkSession) -> None:
        again = {**ranked("passed")[5], "passed": True, "score": -5.5}
        found = wrong(hard_figures(spark, [hard_row(15, "coarse")], [*ranked("passed"), again]))
        assert found == {"hard_not_cut": 1}

    def it_counts_a_cut_by_a_stage_after_which_none_ran(self, spark: SparkSession) -> None:
        only_coarse = [row for row in ranked("membership") if row["stage"] == "coarse"]
        found = hard_figures(spark, [hard_row(15, "coarse")], only_coarse, "membership")
        assert wrong(found) == {"hard_not_cut": 1}

    def it_counts_a_cut_for_a_reason_that_is_not_allowed(self, spark: SparkSession) -> None:
        logged = [{**row, "cut_reason": "business"} for row in ranked("passed")]
        found = hard_figures(spark, [hard_row(15, "coarse")], logged, cut_reasons=["score"])
        assert wrong(found) == {"hard_not_cut": 1}

    @pytest.mark.parametrize(
        "change", [{"request_id": 2}, {"stage_score": 0.5}, {"neg_item_id": 99}]
    )
    def it_counts_what_the_log_does_not_hold(
        self, spark: SparkSession, change: dict[str, Any]
    ) -> None:
        found = wrong(hard_figures(spark, [hard_row(15, "coarse", **change)], ranked("passed")))
        assert found["hard_not_logged"] == 1

    @pytest.mark.parametrize(
        ("item", "change"),
        [(12, {}), (14, {"rank_pct": 0.6}), (14, {"stage_rank": 6}), (14, {"source": "cut"})],
    )
    def it_counts_what_is_not_in_the_band(
        self, spark: SparkSession, item: int, change: dict[str, Any]
    ) -> None:
        settings = config()
        rows = frame(spark, "hard_negatives", [hard_row(item, "fine", **change)], settings)
        rule = broken_rules("hard_negatives", rows.columns, settings, THE_DAY, mature=True)[
            "hard_band_differs"
        ]
        assert rows.where(rule).count() == 1

    @pytest.mark.parametrize("change", [{"stage_rank": 7}, {"stage_size": 9}])
    def it_counts_a_rank_that_the_scores_do_not_give(
        self, spark: SparkSession, change: dict[str, int]
    ) -> None:
        row = hard_row(15, "coarse") | change
        row["rank_pct"] = (row["stage_rank"] - 1) / (row["stage_size"] - 1)
        found = wrong(hard_figures(spark, [row], ranked("passed")))
        assert found == {"hard_rank_differs": 1}

    def it_judges_rows_that_know_neither_rank_nor_score(self, spark: SparkSession) -> None:
        known = ("request_id", "neg_item_id", "stage")
        rows = [{k: hard_row(i, "coarse")[k] for k in known} for i in (15, 12)]
        found = by_name(hard_figures(spark, rows, ranked("passed")))
        assert found == {"hard_not_logged": 0, "hard_not_cut": 1, "hard_went_on": 1}


class DescribeManyPositives:
    def it_looks_at_all_rows_of_some_requests(
        self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pipelines.audit.staged.some_requests.MOST_POSITIVES", 20)
        requests = range(1, 61)
        logged = [{**row, "request_id": r} for r in requests for row in ranked("passed")]
        # One right and one wrong of each request; the wrong one is nowhere in the log.
        rows = [hard_row(15, "coarse", request_id=r) for r in requests]
        rows += [hard_row(16, "coarse", request_id=r, neg_item_id=99) for r in requests]
        found = hard_figures(spark, rows, logged)
        counts = by_name(found)
        assert counts["hard_not_logged"] in range(1, 20), "some requests, not all"
        assert (counts["hard_not_cut"], counts["hard_went_on"]) == (0, 0)
        assert "1 in 8 requests" in next(f.detail for f in found if f.rule == "hard_not_logged")


def looked_up_slowly(logged: Logged, stated: Stated, needs_next: list[bool]) -> HardCounts:
    """Every rule of ``look_up``, one negative at a time."""
    rows = list(zip(*(column.tolist() for column in logged), strict=True))
    absent = not_cut = went_on = wrong_rank = 0
    for request, stage, item, cost, rank, size in zip(
        *(column.tolist() for column in stated), strict=True
    ):
        own = [row for row in rows if row[:3] == (request, stage, item)]
        ran = {row[1] for row in rows if row[0] == request}
        after = {row[1] for row in rows if row[0] == request and row[2] == item}
        absent += not own or min(row[3] for row in own) != cost
        unproved = stage >= 0 and needs_next[stage] and stage + 1 not in ran
        not_cut += unproved or (bool(own) and not all(row[4] for row in own))
        went_on += stage >= 0 and any(later > stage for later in after)
        if own:
            best: dict[int, float] = {}
            for row in rows:
                if row[:2] == (request, stage):
                    best[row[2]] = min(row[3], best.get(row[2], np.inf))
            order = sorted(best, key=lambda key: (best[key], key % 2**64))
            wrong_rank += (order.index(item) + 1, len(order)) != (rank, size)
    return HardCounts(absent, not_cut, went_on, wrong_rank)


class DescribeLookUp:
    @pytest.mark.parametrize("seed", range(8))
    def it_counts_what_a_slow_look_at_each_negative_does(self, seed: int) -> None:
        dice = np.random.default_rng(seed)

        def rows(n: int) -> list[Any]:
            # Items of both signs; stages of which some never ran; ties, unknown and equal values.
            return [
                dice.integers(0, 6, n),
                dice.integers(0, 1 + seed % 3, n),
                dice.integers(-4, 5, n),
                dice.choice([0.5, 1.0, 1.5, np.inf], n),
            ]

        logged = Logged._make([*rows(90), dice.random(90) < 0.8])
        places = [dice.integers(1, 6, 200), dice.integers(3, 9, 200)]
        stated = Stated._make([*rows(200), *places])
        stated.stage[::17] = -1
        needs_next = [seed % 2 == 0, False, False]
        found = look_up(6, logged, stated, np.array(needs_next))
        assert found == looked_up_slowly(logged, stated, needs_next)
        assert found.absent < 200, "some were found"

    def it_looks_at_no_rank_and_no_value_that_is_not_stated(self) -> None:
        one = np.zeros(1, np.int64)
        logged = Logged(one, one, one, np.array([0.5]), np.array([True]))
        stated = Stated(one, one, one, np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
        assert look_up(1, logged, stated, np.array([False])) == HardCounts(0, 0, 0, 0)
