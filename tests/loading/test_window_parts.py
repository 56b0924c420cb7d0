"""Where rows of a window are, however its columns are cut."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from winnow.loading.arrays_of_rows import ArraysOfRows
from winnow.loading.window_parts import WindowParts


def table(n: int, chunks: list[int]) -> pa.Table:
    """Rows of 0 to 4 negatives, their columns cut unlike each other."""
    numbers = pa.array(range(n), pa.int64())
    lists = pa.array([[*range(x, x + x % 5)] for x in range(n)], pa.list_(pa.int64()))
    texts = pa.array([[f"t{x}"] * (x % 3) for x in range(n)], pa.list_(pa.string()))
    bounds = [0, *np.cumsum(chunks).tolist(), n]
    cut = [pa.chunked_array([c.slice(a, b - a) for a, b in pairwise(bounds)])
           for c in (numbers, lists)]  # fmt: skip
    return pa.table({"a": cut[0], "neg_item_ids": cut[1], "words": pa.chunked_array([texts])})


class DescribeWindowParts:
    def it_leaves_the_larger_part_where_it_was_decoded(self) -> None:
        rows = table(100, [4, 90])
        parts = WindowParts(rows)
        assert [part.num_rows for part in parts.parts] == [90, 10]
        of_piece = rows["neg_item_ids"].chunk(1)
        assert parts.larger["neg_item_ids"].buffers()[3].address == of_piece.buffers()[3].address

    def it_makes_one_part_of_many_small_ones(self) -> None:
        parts = WindowParts(table(100, [30, 30, 30]))
        assert [part.num_rows for part in parts.parts] == [100]

    @pytest.mark.parametrize("chunks", [[], [99], [1], [4, 90], [60], [30, 30], [0, 70, 0]])
    def it_gives_the_rows_that_are_asked_for(self, chunks: list[int]) -> None:
        rows = table(100, chunks)
        schema = pa.schema([field.with_nullable(False) for field in rows.schema])
        window = ArraysOfRows(rows, schema, padding_id=-1)
        asked = np.random.default_rng(len(chunks)).permutation(100)
        for size in (1, 7, 100):
            for first in range(0, 100, size):
                some = asked[first : first + size]
                batch = window.at(some)
                lists = [rows["neg_item_ids"][i].as_py() for i in some]
                width = max(map(len, lists))
                assert batch["a"].tolist() == some.tolist()
                assert batch["neg_item_ids"].tolist() == [
                    own + [-1] * (width - len(own)) for own in lists
                ]
                assert batch["mask"].sum(axis=1).tolist() == [len(own) for own in lists]
                words = [row[mask].tolist() for row, mask in zip(
                    batch["words"], batch["words_mask"], strict=True)]  # fmt: skip
                assert words == [rows["words"][i].as_py() for i in some]
