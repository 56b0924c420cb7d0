"""What is left of an epoch, for each worker."""

import json

import pytest
from winnow.loading.position import Position

SIZES = [4, 3, 5, 4, 1]


class DescribePosition:
    def it_begins_with_every_window(self) -> None:
        assert Position().left(SIZES) == [(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]

    def it_gives_the_next_window_to_the_worker_that_is_free_first(self) -> None:
        assert Position().shares(2, SIZES) == [[(0, 0), (3, 0), (4, 0)], [(1, 0), (2, 0)]]
        assert Position().shares(1, SIZES) == [Position().left(SIZES)]

    def it_gives_nothing_to_workers_that_are_too_many(self) -> None:
        assert Position().shares(7, SIZES)[5:] == [[], []]

    def it_keeps_windows_that_are_open_and_the_first_that_is_untouched(self) -> None:
        after = Position().after([5, 1], SIZES)
        # Worker 0 gave window 0 and a batch of 3, worker 1 a batch of 1; 2 is not begun.
        assert after == Position(4, ((1, 1), (2, 0), (3, 1)))
        assert after.left(SIZES) == [(1, 1), (2, 0), (3, 1), (4, 0)]

    def it_goes_on_with_other_workers(self) -> None:
        after = Position().after([5, 1], SIZES).after([3], SIZES)
        assert after == Position(4, ((2, 1), (3, 1)))
        assert after.after([4, 4], SIZES) == Position(5, ())

    def it_is_the_same_where_nothing_was_given(self) -> None:
        after = Position().after([5, 1], SIZES)
        assert after.after([0, 0, 0], SIZES) == after

    def it_comes_back_from_plain_numbers(self) -> None:
        position = Position().after([5, 1], SIZES)
        assert Position.of_json(json.loads(json.dumps(position.to_json()))) == position

    def it_refuses_more_than_there_is(self) -> None:
        with pytest.raises(ValueError, match="1 batches more"):
            Position().after([18], SIZES)
