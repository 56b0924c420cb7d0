"""What orders the stages of a log: counted with its rows, and decided once for the date."""

from dataclasses import replace
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from winnow.config.tree import Config
from winnow.contracts import stage_rows
from winnow.contracts.counts import count_rows
from winnow.contracts.stage_rows import StageRows, stages_of
from winnow.events.stage_orders import StageOrders, stage_orders

from tests.audit.small import THE_DAY, Row, config, log, us
from tests.recipes import funnel, taken

STAGES: list[dict[str, Any]] = [
    {"name": "coarse", "take": "cut"},
    {"name": "fine", "take": "low"},
    {"name": "shown"},
]


def rows_of(stage: str, *values: tuple[float | None, int | None]) -> list[Row]:
    return [
        {"request_id": 1, "item_id": item, "stage": stage, "score": score, "rank": rank}
        for item, (score, rank) in enumerate(values)
    ]


def ladder(how: str = "passed", *, sampled: bool = False, **of_fine: Any) -> Config:
    stages = [STAGES[0], STAGES[1] | of_fine, STAGES[2]]
    made = config(funnel=funnel(stages, cut_known_by=how), negatives={"hard": taken(stages)})
    ranking = made.logs.ranking_log
    assert ranking is not None
    logs = made.logs.model_copy(
        update={"ranking_log": ranking.model_copy(update={"sampled": sampled})}
    )
    return made.model_copy(update={"logs": logs})


def orders(spark: SparkSession, rows: list[Row], settings: Config, *mapped: str) -> StageOrders:
    opened = log(spark, "ranking_log", rows, settings, *mapped)
    counts = count_rows(opened, THE_DAY, stages=stages_of("ranking_log", settings))
    return stage_orders({"ranking_log": opened}, {"ranking_log": counts}, settings)


class DescribeRowsOfStages:
    @pytest.mark.parametrize("user", [7, -1])
    @pytest.mark.parametrize("most", [16, 1])
    def it_counts_scores_and_ranks_of_valid_rows_of_the_date(
        self, spark: SparkSession, most: int, user: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where stages are too many to be counted with the keys, or a row is odd otherwise."""
        monkeypatch.setattr("winnow.contracts.counts.MOST_NOTED", most)
        rows = rows_of("coarse", (0.5, None), (0.5, 0), (None, 3), (None, None))
        rows += rows_of("fine", (None, 1), (None, 2), (1.0, 0))
        rows[0] |= {"user_id": user}
        rows += [row | {"valid": False} for row in rows]
        # One key in three rows, which differ in what they have.
        rows += [rows[0] | {"score": None}, rows[0] | {"rank": 5}]
        rows += [row | {"event_us": us(days=1)} for row in rows_of("shown", (1.0, 1))]
        opened = log(spark, "ranking_log", rows, ladder())
        told = opened.frame.withColumn("reject_reasons", F.array().cast("array<string>"))
        opened = replace(opened, frame=told)
        counts = count_rows(opened, THE_DAY, stages=("coarse", "fine", "shown"))
        assert counts.stages == {
            "coarse": StageRows(rows=6, scored=3, ranked=3, from_zero=1, unordered=2),
            "fine": StageRows(rows=3, scored=1, ranked=3, from_zero=1, unordered=0),
            "shown": StageRows(),
        }
        assert (counts.valid, counts.duplicate) == (7, 2)
        assert (counts.rejected, counts.other_date) == (7, 1)
        assert counts.adds_up

    def it_has_room_for_all_stages_that_it_notes(self) -> None:
        assert stage_rows.MOST_NOTED == 16


class DescribeWhatOrdersAStage:
    def it_is_the_score_where_the_stage_has_scores_and_else_the_rank(
        self, spark: SparkSession
    ) -> None:
        rows = rows_of("coarse", (0.5, 1), (0.4, 2)) + rows_of("fine", (None, 1), (None, 2))
        assert orders(spark, rows, ladder())[0] == (True, False, True)

    def it_is_the_column_that_more_rows_have_for_all_requests(self, spark: SparkSession) -> None:
        rows = rows_of("coarse", (0.5, 1), (None, 2)) + rows_of("fine", (0.5, 1), (0.4, None))
        assert orders(spark, rows, ladder())[0] == (False, True, True)

    @pytest.mark.parametrize("column", ["score", "rank"])
    def it_is_what_the_config_says(self, spark: SparkSession, column: str) -> None:
        rows = rows_of("fine", (0.5, 1), (0.4, 2))
        found = orders(spark, rows, ladder(order_by=column))
        assert found[0][1] == (column == "score")

    @pytest.mark.parametrize("column", ["score", "rank"])
    def it_is_the_only_one_that_the_log_has(self, spark: SparkSession, column: str) -> None:
        rows = rows_of("fine", (None, None))
        mapped = ("request_id", "item_id", "stage", column)
        assert orders(spark, rows, ladder(), *mapped)[0] == (column == "score",) * 3

    def it_is_the_rank_where_the_log_has_a_part_of_the_list(self, spark: SparkSession) -> None:
        rows = [row for stage in STAGES for row in rows_of(stage["name"], (0.5, 1), (0.4, 2))]
        assert orders(spark, rows, ladder())[0] == (True, True, True)
        assert orders(spark, rows, ladder("last_stage"))[0] == (False, False, True)
        assert orders(spark, rows, ladder(sampled=True))[0] == (False, False, False)


class DescribeRanksFromZero:
    def it_is_of_the_stage_that_has_a_zero(self, spark: SparkSession) -> None:
        rows = rows_of("coarse", (None, 0), (None, 1)) + rows_of("fine", (None, 1), (None, 2))
        assert orders(spark, rows, ladder())[1] == (0, 1, 1)

    def it_is_of_all_stages_where_the_best_have_their_row_elsewhere(
        self, spark: SparkSession
    ) -> None:
        rows = rows_of("coarse", (None, 3)) + rows_of("shown", (None, 0))
        assert orders(spark, rows, ladder("last_stage"))[1] == (0, 0, 0)
