"""Which dates are train, gap, valid and test, by the config and by the audit's own reading."""

from datetime import date

import pytest
from pydantic import ValidationError
from winnow.config.sampling import Split


def split_of(gap_days: int) -> Split:
    dates = {"valid_from": date(2026, 1, 8), "test_from": date(2026, 1, 12)}
    return Split.model_validate({"by": "date", "gap_days": gap_days, **dates})


class DescribeASplitByDates:
    @pytest.mark.parametrize(
        ("gap_days", "first", "named"),
        [
            (0, 6, "train train valid valid valid valid test test"),
            (1, 6, "train gap valid valid valid gap test test"),
            (2, 5, "train gap gap valid valid gap gap test"),
        ],
    )
    def it_has_a_gap_before_each_part(self, gap_days: int, first: int, named: str) -> None:
        split = split_of(gap_days)
        found = [split.of_date(date(2026, 1, first + n)) for n in range(8)]
        assert found == named.split()

    def it_may_have_test_alone(self) -> None:
        split = Split(by="date", test_from=date(2026, 1, 12), gap_days=3)
        found = [split.of_date(date(2026, 1, day)) for day in (8, 9, 11, 12)]
        assert found == ["train", "gap", "gap", "test"]
        assert split.holds_out

    def it_leaves_a_date_of_each_part(self) -> None:
        with pytest.raises(ValidationError, match="leaves no date of valid"):
            split_of(4)
        assert split_of(3).gap_days == 3

    def it_lies_between_dates_only(self) -> None:
        with pytest.raises(ValidationError, match="by must be date"):
            Split(gap_days=1)

    def it_holds_nothing_out_unless_asked_to(self) -> None:
        assert not Split().holds_out
        assert not Split(by="date").holds_out
        assert Split(valid_ratio=0.1).holds_out
