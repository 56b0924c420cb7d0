"""Rows of the tables that are made of sample groups, against loops over dicts. No Spark."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
from winnow.config.tree import Config
from winnow.tables.of_groups import GroupTables
from winnow.tables.sources import StageSources

from tests.recipes import funnel, taken
from tests.tables.groups_by_hand import (
    NAMES,
    STAGES,
    Row,
    arrow_of,
    chosen,
    draws,
    listwise,
    long_rows,
    random_groups,
    shared,
)

SHARED = ("ds", "sample_id", "user_id", "request_id", "item_id")
LAST = ("keep_prob", "shuffle_key")
OF_DRAW = ("neg_item_id", "source", "draw_no", "q", "log_q", "attempts")
OF_HARD = (
    "neg_item_id",
    "source",
    "stage",
    "stage_rank",
    "stage_size",
    "stage_score",
    "rank_pct",
    "hardness",
    "incl_prob",
)
LISTWISE = (
    "neg_item_ids",
    "neg_source",
    "neg_hardness",
    "neg_log_q",
    "neg_incl_prob",
    "n_requested",
    "n_hard",
    "shortfall_reasons",
    "shortfall_counts",
)
LONG = ("pos_item_id", "item_id", "label", "source", "draw_no", "hardness", "log_q", "incl_prob")
COLUMNS = {
    "positives": (*SHARED, "scene", *LAST),
    "easy_negatives": (*SHARED, *OF_DRAW, *LAST),
    "hard_negatives": (*SHARED, *OF_HARD, *LAST),
    "training_samples": (*SHARED, "scene", *LISTWISE, *LAST),
    "training_samples_pointwise": (*SHARED[:4], *LONG, *LAST),
}
TAKEN = StageSources(
    names=tuple(name for name, _, _ in STAGES),
    hardness=tuple(hardness for _, _, hardness in STAGES),
)


NUMBERS, TEXT = pa.int64(), pa.string()


def tables_of(
    groups: Sequence[Row],
    item: pa.DataType = NUMBERS,
    *,
    columns: dict[str, tuple[str, ...]] = COLUMNS,
) -> dict[str, pa.Table]:
    names = tuple(NAMES.get(code, "") for code in range(max(NAMES) + 1))
    maker = GroupTables(columns, TAKEN, names, n_requested=6)
    return dict(maker.rows(arrow_of(groups, item)))


def in_order(groups: Sequence[Row]) -> list[Row]:
    return sorted(groups, key=lambda group: int(group["shuffle_key"]))


@pytest.fixture(params=[(int, NUMBERS), (str, TEXT)], ids=["numbers", "text"])
def ids(request: pytest.FixtureRequest) -> tuple[Callable[[int], Any], pa.DataType]:
    """How ids are made, and their type."""
    kind: tuple[Callable[[int], Any], pa.DataType] = request.param
    return kind


class DescribeRows:
    def it_makes_those_of_a_loop_over_groups(
        self, ids: tuple[Callable[[int], Any], pa.DataType]
    ) -> None:
        groups = random_groups(60, 7, ids[0])
        made = tables_of(groups, ids[1])
        ends = [(g, shared(g, SHARED), shared(g, LAST)) for g in in_order(groups)]
        assert made["positives"].to_pylist() == [
            {**first, "scene": g["scene"], **last} for g, first, last in ends
        ]
        assert made["easy_negatives"].to_pylist() == [
            {**first, **draw, **last} for g, first, last in ends for draw in draws(g)
        ]
        assert made["hard_negatives"].to_pylist() == [
            {**first, **row, **last} for g, first, last in ends for row in chosen(g)
        ]
        assert made["training_samples"].to_pylist() == [
            {
                **first,
                "scene": g["scene"],
                **listwise(g, 6),
                "n_hard": g["n_hard"],
                **last,
            }
            for g, first, last in ends
        ]
        assert made["training_samples_pointwise"].to_pylist() == [
            {**first, **row, **last} for g, first, last in ends for row in long_rows(g)
        ]
        assert {name: tuple(table.column_names) for name, table in made.items()} == COLUMNS

    def it_makes_none_of_no_groups(self) -> None:
        made = tables_of([])
        assert {name: table.num_rows for name, table in made.items()} == dict.fromkeys(COLUMNS, 0)

    def it_makes_those_of_the_tables_that_are_written(self) -> None:
        columns = {"hard_negatives": COLUMNS["hard_negatives"]}
        made = tables_of(random_groups(9, 1), columns=columns)
        assert list(made) == ["hard_negatives"]

    def it_refuses_lists_that_do_not_belong_together(self) -> None:
        groups = random_groups(9, 3)
        groups[0]["easy_q"] = [0.5] * (len(groups[0]["easy_item_ids"]) + 1)
        with pytest.raises(ValueError, match="easy_q is not as long as easy_item_ids"):
            tables_of(groups)


class DescribeStageSources:
    def it_counts_hardness_over_the_stages_that_give_negatives(self) -> None:
        stages = [
            {"name": "coarse", "take": "cut"},
            {"name": "middle", "take": "none"},
            {"name": "fine", "take": "low"},
        ]
        config = Config.model_validate_json(
            json.dumps(
                {
                    "ids": {"impression": "string"},
                    "logs": {
                        "impressions": {"path": "shown"},
                        "clicks": {"from": "impressions"},
                        "ranking_log": {"path": "ranked"},
                    },
                    "funnel": funnel(stages),
                    "negatives": {"hard": taken(stages)},
                }
            )
        )
        assert StageSources.of(config) == TAKEN
