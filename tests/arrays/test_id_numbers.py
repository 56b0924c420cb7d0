"""Ids as numbers: in the order of the ids, and NULL as none."""

import pyarrow as pa
import pytest
from winnow.arrays.id_numbers import numbered


class DescribeNumbers:
    @pytest.mark.parametrize(
        "ids",
        [
            [7, None, -3, 7, 2**62 + 1, None],
            ["b", None, "a", "b", "ä", None],
        ],
    )
    def it_has_the_order_of_the_ids_and_none_for_null(self, ids: list[int | str | None]) -> None:
        wanted = [1, -1, 0, 1, 2, -1]
        assert numbered(pa.array(ids)).tolist() == wanted
        assert numbered(pa.chunked_array([ids[:2], ids[2:]])).tolist() == wanted
        assert numbered(pa.array([None], pa.array(ids).type)).tolist() == [-1]
