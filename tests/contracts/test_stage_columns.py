"""What stages need of the ranking log's columns: told before a row is read."""

from typing import Any

import pytest
from winnow.config.tree import Config
from winnow.contracts.mapping.stage_columns import stage_problems

from tests.audit.small import config
from tests.recipes import funnel, taken

KEYS = {"request_id", "item_id", "stage"}


def told(settings: Config, *columns: str, sampled: bool = False) -> list[str]:
    log = settings.logs.ranking_log
    assert log is not None
    logs = settings.logs.model_copy(
        update={"ranking_log": log.model_copy(update={"sampled": sampled})}
    )
    changed = settings.model_copy(update={"logs": logs})
    return [problem.where for problem in stage_problems(KEYS | set(columns), changed)]


def ladder(band: tuple[float, float] = (0.5, 1.0), **hard: Any) -> Config:
    stages: list[dict[str, Any]] = [
        {"name": "coarse", "take": "cut"},
        {"name": "fine", "take": "low", "band": band, "order_by": hard.pop("order_by", None)},
        {"name": "shown"},
    ]
    chosen = {name: hard.pop(name) for name in ("selection",) if name in hard}
    return config(funnel=funnel(stages, **hard), negatives={"hard": taken(stages, **chosen)})


class DescribeColumnsOfStages:
    @pytest.mark.parametrize("column", ["score", "rank"])
    def it_needs_one_that_orders_a_low_stage(self, column: str) -> None:
        assert told(ladder()) == ["negatives.hard[1]"]
        assert told(ladder(), column) == []
        assert told(ladder((0.0, 1.0))) == []

    @pytest.mark.parametrize("selection", ["top", "tail"])
    def it_needs_one_that_selects(self, selection: str) -> None:
        found = told(ladder((0.0, 1.0), selection=selection))
        assert found == ["negatives.hard[0]", "negatives.hard[1]"]
        assert told(ladder(selection=selection), "rank") == []

    @pytest.mark.parametrize("margin", ["absolute_margin", "relative_margin"])
    def it_needs_scores_for_a_margin(self, margin: str) -> None:
        entry = {"source": "cut", "stage": "coarse", margin: 0.1}
        asked = config(negatives={"hard": [entry]})
        assert told(asked, "rank") == [f"negatives.hard[0].{margin}"]
        assert told(asked, "score") == []

    def it_needs_scores_for_a_choice_by_score(self) -> None:
        entry = {"source": "cut", "stage": "coarse", "selection": "score"}
        asked = config(negatives={"hard": [entry]})
        assert told(asked, "rank") == ["negatives.hard[0].selection"]
        assert told(asked, "score") == []

    @pytest.mark.parametrize("column", ["score", "rank"])
    def it_needs_the_one_that_the_config_names(self, column: str) -> None:
        other = {"score": "rank", "rank": "score"}[column]
        assert told(ladder(order_by=column), other) == ["funnel.stages[1].order_by"]
        assert told(ladder(order_by=column), column) == []

    def it_needs_ranks_of_a_stage_of_which_only_the_stop_is_known(self) -> None:
        assert told(ladder(cut_known_by="last_stage"), "score") == ["negatives.hard[1].band"]
        assert told(ladder(cut_known_by="last_stage"), "score", "rank") == []
        assert told(ladder((0.0, 1.0), cut_known_by="last_stage"), "score") == []
        by_score = ladder(cut_known_by="last_stage", order_by="score")
        assert told(by_score, "score", "rank") == ["negatives.hard[1].band"]

    def it_needs_no_ranks_of_the_last_stage_whose_list_is_whole(self) -> None:
        assert told(config(funnel={"cut_known_by": "last_stage"}), "score") == []

    def it_needs_ranks_and_sizes_of_a_sampled_log(self) -> None:
        settings = ladder(cut_known_by="passed")
        for columns in ({"score"}, {"rank"}, {"score", "stage_size"}):
            found = told(settings, "passed", *columns, sampled=True)
            assert found == ["negatives.hard[1].band"]
        assert told(settings, "passed", "rank", "stage_size", sampled=True) == []

    def it_needs_what_tells_of_cuts(self) -> None:
        assert told(ladder(cut_known_by="passed"), "rank") == ["funnel.cut_known_by"]
        assert told(ladder(cut_reasons=["score"]), "rank") == ["funnel.cut_reasons"]

    def it_needs_what_tells_of_cuts_for_the_cascade_without_hard_negatives(self) -> None:
        none = {"negatives": {"hard": []}, "funnel": {"cut_known_by": "passed"}}
        assert told(config(tables=["cascade_samples"], **none)) == ["funnel.cut_known_by"]
        assert told(config(tables=["cascade_samples"], **none), "passed") == []

    def it_needs_a_score_or_a_rank_for_scores_of_stages(self) -> None:
        settings = config(negatives={"hard": []}, ranking={"stage_scores": ["fine"]})
        assert told(settings) == ["ranking.stage_scores"]
        assert told(settings, "rank") == []

    def it_needs_nothing_without_hard_negatives(self) -> None:
        assert told(config(negatives={"hard": []})) == []
