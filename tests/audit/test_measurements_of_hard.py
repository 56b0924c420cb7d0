"""Hard negatives beside a small ranking log: each mistake is counted, and nothing else is."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from pyspark.sql import SparkSession
from winnow.audit.gate import Figure
from winnow.audit.gates.hard_negatives import recomputed_hard
from winnow.audit.gates.row_rules import HARD_BAND_DIFFERS, broken_rules
from winnow.audit.recompute.kernels.ranking_lists import (
    HardCounts,
    Logged,
    StageRules,
    Stated,
    look_up,
)
from winnow.contracts.stage_rows import StageRows
from winnow.spark.limits import DEFAULT_LIMITS, Limits

from tests.audit.small import THE_DAY, Row, by_name, config, frame, log, wrong

COARSE, FINE = [13, 12, 11, 10, 14, 15, 16, 17], [13, 12, 11, 10, 14]


def ranked(how: str) -> list[Row]:
    """One request: coarse ranking cut 15, 16 and 17; fine ranking put 11, 10 and 14 last."""
    coarse = [item for item in COARSE if how != "last_stage" or item not in FINE]
    rows = [("coarse", item, item in FINE) for item in coarse]
    rows += [("fine", item, item == 13) for item in FINE]
    return [
        {"request_id": 1, "item_id": item, "stage": stage, "score": -float(COARSE.index(item))}
        | {"rank": COARSE.index(item) + 1}
        | ({"passed": passed} if how == "passed" else {})
        for stage, item, passed in rows
    ]


def hard_row(item: int, stage: str, how: str = "passed", **other: Any) -> Row:
    names = {"coarse": COARSE, "fine": FINE}
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
    spark: SparkSession,
    rows: list[Row],
    logged: list[Row],
    how: str = "passed",
    limits: Limits = DEFAULT_LIMITS,
    **hard: Any,
) -> list[Figure]:
    settings = config(funnel={"cut_known_by": how, **hard})
    opened = log(spark, "ranking_log", logged, settings)
    staged = frame(spark, "hard_negatives", rows, settings)
    n = len(rows)
    return recomputed_hard(opened, staged, settings, THE_DAY, n_positives=n, limits=limits)


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
            HARD_BAND_DIFFERS
        ]
        assert rows.where(rule).count() == 1

    @pytest.mark.parametrize("change", [{"stage_rank": 7}, {"stage_size": 9}])
    def it_counts_a_rank_that_the_log_does_not_give(
        self, spark: SparkSession, change: dict[str, int]
    ) -> None:
        row = hard_row(15, "coarse") | change
        row["rank_pct"] = (row["stage_rank"] - 1) / (row["stage_size"] - 1)
        found = wrong(hard_figures(spark, [row], ranked("passed")))
        assert found == {"hard_rank_differs": 1}

    def it_tells_a_band_that_the_other_column_denies(self, spark: SparkSession) -> None:
        logged = [row | {"rank": 99 - row["rank"]} for row in ranked("passed")]
        rows = [hard_row(item, "fine") for item in (11, 10, 14)]
        assert wrong(hard_figures(spark, rows, logged)) == {
            "hard_outside_by_other": pytest.approx(2 / 3, rel=1e-8)
        }
        # 11 is in the middle of five, whichever end is the best.
        stages = [stage.model_dump() for stage in config().funnel.stages]
        said = [stages[0], stages[1] | {"order_by": "score"}]
        assert wrong(hard_figures(spark, rows, logged, stages=said)) == {}
        by_rank = [stages[0], stages[1] | {"order_by": "rank"}]
        found = wrong(hard_figures(spark, rows, logged, stages=by_rank))
        assert found == {"hard_rank_differs": 2}

    @pytest.mark.parametrize("how", ["passed", "membership", "last_stage"])
    def it_looks_a_band_up_by_the_logged_rank_where_a_stage_has_no_scores(
        self, spark: SparkSession, how: str
    ) -> None:
        """As a log has it that orders coarse by score, and fine by rank alone."""
        logged = [
            row | {"score": row["score"] if row["stage"] == "coarse" else None}
            for row in ranked(how)
        ]
        counted = {"coarse": StageRows(8, 8, 8, 0, 0), "fine": StageRows(5, 0, 5, 0, 0)}
        settings = config(funnel={"cut_known_by": how})
        opened = log(spark, "ranking_log", logged, settings)

        def found(rows: list[Row]) -> dict[str, float | int | None]:
            staged = frame(spark, "hard_negatives", rows, settings)
            figures = recomputed_hard(
                opened, staged, settings, THE_DAY, n_positives=len(rows), stages=counted
            )
            return wrong(figures)

        right = [hard_row(item, "fine", stage_score=None) for item in (11, 10, 14)]
        assert found(right) == {}
        by_item = [row | {"stage_rank": r} for row, r in zip(right, (2, 1, 5), strict=True)]
        assert found(by_item) == {"hard_rank_differs": 2}

    def it_judges_rows_that_know_neither_rank_nor_score(self, spark: SparkSession) -> None:
        known = ("request_id", "neg_item_id", "stage")
        rows = [{k: hard_row(i, "coarse")[k] for k in known} for i in (15, 12)]
        found = by_name(hard_figures(spark, rows, ranked("passed")))
        assert found == {"hard_not_logged": 0, "hard_not_cut": 1, "hard_went_on": 1}


class DescribeManyPositives:
    def it_looks_at_all_rows_of_some_requests(self, spark: SparkSession) -> None:
        requests = range(1, 61)
        logged = [{**row, "request_id": r} for r in requests for row in ranked("passed")]
        # One right and one wrong of each request; the wrong one is nowhere in the log.
        rows = [hard_row(15, "coarse", request_id=r) for r in requests]
        rows += [hard_row(16, "coarse", request_id=r, neg_item_id=99) for r in requests]
        found = hard_figures(spark, rows, logged, limits=Limits(compared_positives=20))
        counts = by_name(found)
        assert counts["hard_not_logged"] in range(1, 20), "some requests, not all"
        assert (counts["hard_not_cut"], counts["hard_went_on"]) == (0, 0)
        assert "1 in 8 requests" in next(f.detail for f in found if f.name == "hard_not_logged")


class Best(NamedTuple):
    """What the log says of one item in one list."""

    item: int
    score: float | None
    rank: int | None

    def place(self, others: "list[Best]", rules: StageRules, *, by_score: bool) -> list[int]:
        """The first place that it may have, its own, and the last one; [] without a value."""

        def cost(one: "Best") -> float | None:
            if not by_score or one.score is None:
                return None if by_score else one.rank
            return -one.score if rules.higher else one.score

        costs = {one: cost(one) for one in others}
        if (own := costs[self]) is None:
            return []
        known = [(c, np.inf if o.rank is None else o.rank, o.item % 2**64)
                 for o, c in costs.items() if c is not None]  # fmt: skip
        mine = (own, np.inf if self.rank is None else self.rank, self.item % 2**64)
        before = [row for row in known if row[0] < own]
        return [
            len(before) + 1,
            sorted(known).index(mine) + 1,
            len(before) + len([row for row in known if row[0] == own]),
        ]


def looked_up_slowly(logged: Logged, stated: Stated, rules: StageRules) -> HardCounts:
    """Every rule of ``look_up``, one negative at a time."""
    rows = list(zip(*(column.tolist() for column in logged), strict=True))
    found = dict.fromkeys(HardCounts._fields, 0)
    for request, stage, item, score, rank, size in zip(
        *(column.tolist() for column in stated), strict=True
    ):
        of_request = [row for row in rows if row[0] == request]
        own = [row for row in of_request if row[1:3] == (stage, item)]
        after = {row[1] for row in of_request if row[2] == item}
        unproved = stage >= 0 and rules.needs_next[stage]
        unproved = unproved and stage + 1 not in {row[1] for row in of_request}
        found["not_cut"] += bool(unproved or (own and not all(row[6] for row in own)))
        found["went_on"] += stage >= 0 and any(later > stage for later in after)
        if not own:
            found["absent"] += 1
            continue
        of_stage = [row for row in of_request if row[1] == stage]
        best = []
        for key in sorted({row[2] for row in of_stage}):
            scores = [r[3] for r in of_stage if r[2] == key and not np.isnan(r[3])]
            ranks = [r[4] for r in of_stage if r[2] == key and r[4] >= rules.first_rank[stage]]
            top = max(scores, default=None) if rules.higher else min(scores, default=None)
            best.append(Best(key, top, min(ranks, default=None)))
        (mine,) = [one for one in best if one.item == item]
        found["absent"] += (None if np.isnan(score) else score) != mine.score
        reached = {row[2] for row in of_request if row[1] >= stage}
        told = max(row[5] for row in of_stage)
        whole, n = True, len(best)
        if told:
            whole, n = n >= told, max(n, told)
        elif rules.sampled:
            whole, n = False, 0
        elif rules.by_last_stage:
            whole, n = len(best) == len(reached), len(reached)
        one_up = 1 - int(rules.first_rank[stage])
        worst = max([n, *(one.rank + one_up for one in best if one.rank is not None)])
        by_score = bool(rules.by_score[stage])
        places = mine.place(best, rules, by_score=by_score)
        expected, length = (places[1] if places else 0), n
        if not whole:
            expected = 0 if by_score or mine.rank is None else mine.rank + one_up
            length = worst if not by_score and n else n
        found["rank"] += (expected, length) != (rank, size)
        if not rules.compared[stage] or not length:
            continue
        others = mine.place(best, rules, by_score=not by_score)
        if not whole:
            length = worst
            others = [mine.rank + one_up] * 3 if by_score and mine.rank is not None else []
        if others:
            ends = [(p - 1) / (length - 1) if length > 1 else 0.0 for p in (others[0], others[2])]
            found["compared"] += 1
            found["outside"] += bool(ends[0] > rules.high[stage] or ends[1] < rules.low[stage])
    return HardCounts(**found)


class DescribeLookUp:
    @pytest.mark.parametrize("seed", range(24))
    def it_counts_what_a_slow_look_at_each_negative_does(self, seed: int) -> None:
        dice = np.random.default_rng(seed)

        def rows(n: int) -> list[Any]:
            # Items of both signs; stages of which some never ran; ties, unknown and equal values.
            return [
                dice.integers(0, 6, n),
                dice.integers(0, 1 + seed % 3, n),
                dice.integers(-4, 5, n),
                dice.choice([0.5, 1.0, 1.5, np.nan], n),
            ]

        sizes = np.where(dice.random(90) < (seed % 4 == 3) * 0.1, dice.integers(1, 9, 90), 0)
        logged = Logged._make([*rows(90), dice.integers(-1, 6, 90), sizes, dice.random(90) < 0.8])
        places = [dice.integers(0, 6, 200), dice.integers(0, 9, 200)]
        stated = Stated._make([*rows(200), *places])
        stated.stage[::17] = -1
        rules = StageRules(
            needs_next=np.array([seed % 2 == 0, False, False]),
            by_score=dice.random(3) < 0.5,
            first_rank=dice.integers(0, 2, 3),
            low=np.array([0.5, 0.0, 0.2]),
            high=np.array([1.0, 0.5, 0.8]),
            compared=np.array([True, seed % 3 > 0, True]),
            higher=seed % 5 > 1,
            sampled=seed % 7 == 1,
            by_last_stage=seed % 3 == 1,
        )
        found = look_up(6, logged, stated, rules)
        assert found == looked_up_slowly(logged, stated, rules)
        assert found.absent < 200, "some were found"
        assert found.rank > 0

    def it_looks_at_no_rank_and_no_value_that_is_not_stated(self) -> None:
        one = np.zeros(1, np.int64)
        logged = Logged(one, one, one, np.array([0.5]), one, one, np.array([True]))
        stated = Stated(one, one, one, np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
        no, ends = np.array([False]), np.ones(1)
        rules = StageRules(no, ~no, one, ends, ends, ~no, True, False, False)
        assert look_up(1, logged, stated, rules) == HardCounts(0, 0, 0, 0, 0, 0)
