"""Which group a positive draws from where its user decides: told by a text, on file and off."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from winnow.sampler.catalogue_file import Catalogue, load_catalogue, save_catalogue
from winnow.sampler.kernels.draw_table import draw_table
from winnow.sampler.segment_texts import segment_texts

KEYS = np.arange(3, dtype=np.uint64)
ONES = np.ones(3, np.int64)


def catalogue(folder: Path) -> Catalogue:
    """All; two segments; two cities of items; three segments: groups 0, 1 and 2, 3 and 4, 5 on."""
    whole, cities = [(None, ONES)] * 2, [(np.array([c], np.int32), ONES[:1]) for c in (0, 1)]
    further = (*whole, *cities, *([(None, ONES)] * 3))
    made = Catalogue(
        draw_table(KEYS, ONES, KEYS[:0], np.empty(0), further),
        pa.array(KEYS.view(np.int64)),
        ONES,
        KEYS[:0],
        ONES[:0],
        first_groups=np.array([0, 1, 3, 5], np.int32),
        by_item=np.array([False, False, True, False]),
        groups_by_item=np.array([3, 4, -1], np.int32),
        user_begins=np.array([0, 0, 2, 2, 5]),
        user_values=pa.array(["bern", "oslo", "1", "None", "oslo"]),
    )
    save_catalogue(made, folder / "catalogue.arrow")
    return load_catalogue(str(folder / "catalogue.arrow"))


class DescribeGroupsOfPositives:
    def it_is_told_by_the_text_of_the_user_or_by_the_item(self, tmp_path: Path) -> None:
        codes = np.array([0, 1, 2, -1, 1], np.int32)
        cities = pa.array(["oslo", None, "bern", "oslo", "rome"])
        numbers = pa.array([None, "oslo", "None", "1", "bern"])
        found = catalogue(tmp_path).groups_of(codes, [0, 1, 2, 3], {1: cities, 3: numbers})
        assert found.tolist() == [
            [0] * 5, [2, -1, 1, 2, -1], [3, 4, -1, -1, 4], [-1, 7, 6, 5, -1],
        ]  # fmt: skip

    def it_knows_which_distributions_users_decide(self, tmp_path: Path) -> None:
        made = catalogue(tmp_path)
        assert [made.by_user(place) for place in range(4)] == [False, True, False, True]


class DescribeTheTextOfASegment:
    @pytest.mark.parametrize(
        ("values", "texts"),
        [
            (pa.array(["a", "", None]), ["a", "", None]),
            (pa.array([7, -1, None], pa.int32()), ["7", "-1", None]),
            (pa.array([True, False, None]), ["true", "false", None]),
            (pa.array([20_000, None], pa.date32()), ["2024-10-04", None]),
            (pa.chunked_array([["a"], ["b"]]), ["a", "b"]),
        ],
    )
    def it_is_the_value_as_it_is_written(self, values: pa.Array, texts: list[str | None]) -> None:
        assert segment_texts(values).to_pylist() == texts
