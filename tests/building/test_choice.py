"""Choices of positives that choose nothing are told."""

from typing import Any

import pytest
from winnow.building.choice import choice_without_effect
from winnow.config.positives import Positives
from winnow.contracts.counts import RowCounts


def told(not_chosen: int, valid: int = 1200, **choice: Any) -> tuple[str, ...]:
    counts = RowCounts(valid, valid, 0, 0, 0, 0, not_chosen=not_chosen)
    return choice_without_effect(Positives.model_validate(choice), counts)


class DescribeIdleChoice:
    def it_names_the_values_that_no_impression_has(self) -> None:
        assert told(0, where_not={"holdout": (True, "y"), "arm": ("c",)}) == (
            "positives.where_not leaves none of the 1,200 impressions of the date out: "
            "holdout is never True or 'y'; arm is never 'c'",
        )

    @pytest.mark.parametrize(
        ("not_chosen", "valid", "choice"),
        [
            (1, 5, {"where_not": {"arm": ("c",)}}),
            (0, 0, {"where_not": {"arm": ("c",)}}),
            (0, 5, {"where": {"arm": ("a",)}}),
            (0, 5, {"where": {"arm": ("a",)}, "where_not": {"arm": ("c",)}}),
            (0, 5, {}),
        ],
    )
    def it_says_nothing_of_others(
        self, not_chosen: int, valid: int, choice: dict[str, Any]
    ) -> None:
        assert told(not_chosen, valid, **choice) == ()
