"""Choices by score, computed again: what the reference chose is right, what it did not is not."""

import numpy as np
import pyarrow as pa
import pytest
from winnow.audit.recompute.hashes import hashes_of
from winnow.audit.recompute.score_races import ScorePool, count_out_of_order

from tests.sampler.reference import Asked, Band, Case, Item, Pair, Ranked, sample

SEED, EPOCH, STREAM = 7, 3, 4
POSITIVES, ITEMS = range(1, 21), range(101, 113)


def rows_of(n: int, *, higher: bool = True, temperature: float = 1.0) -> pa.Table:
    """Twenty positives of one request that choose n of twelve items each."""
    items = [Item(key, 1) for key in ITEMS]
    case = Case(
        items=items, forbidden=[],
        pairs=[Pair(5, 6, item, 0, 1, 0, 0) for item in POSITIVES],
        ranked=[Ranked(5, 6, key, 0, True, (key - 101) / 4, None, None) for key in ITEMS],
        hot={}, takes=[("cut", 0.0, 1.0)] * 3, n_easy=0, n_hard=0, fill=False, max_rejections=0,
        higher_is_better=higher, bands=(Band(0, "percentile", 0.0, 1.0, 0),),
        pools=(Asked(n, "score", STREAM, temperature),),
        draw_seed=_draw_seed(),
    )  # fmt: skip
    rows = [
        {"user": 5, "request": 6, "item": group.item, "negative": one.key, "number": 0}
        | {"place": place, "score": one.score}
        for group in sample(case)
        for place, one in enumerate(group.hard)
    ]
    return pa.Table.from_pylist(rows)


def _draw_seed() -> int:
    """What the hashes of negatives start from."""
    return int(hashes_of(SEED, epoch=EPOCH)[0])


def wrong(rows: pa.Table, n: int, *, higher: bool = True, temperature: float = 1.0) -> int:
    pool = ScorePool(1, 0, STREAM, temperature, n, shared=True)
    return count_out_of_order(rows, pool, SEED, EPOCH, higher=higher)


@pytest.mark.parametrize("n", [1, 3, 12])
class DescribeChoicesByScoreComputedAgain:
    @pytest.mark.parametrize("higher", [True, False])
    @pytest.mark.parametrize("temperature", [0.3, 1.0])
    def it_finds_what_the_reference_chose(self, n: int, higher: bool, temperature: float) -> None:
        rows = rows_of(n, higher=higher, temperature=temperature)
        assert len(rows) == 20 * n
        assert wrong(rows, n, higher=higher, temperature=temperature) == 0

    def it_notices_another_temperature(self, n: int) -> None:
        assert wrong(rows_of(n, temperature=30.0), n) > 3

    def it_notices_that_scores_run_the_other_way(self, n: int) -> None:
        assert wrong(rows_of(n, higher=False), n) > 4

    def it_notices_what_the_next_positive_was_given(self, n: int) -> None:
        rows = rows_of(n)
        turned = pa.array(np.roll(rows["item"].to_numpy(), n))
        assert wrong(rows.set_column(2, "item", turned), n) > 4

    def it_notices_a_score_that_the_log_does_not_have(self, n: int) -> None:
        rows = rows_of(n).to_pylist()
        item = rows[0]["negative"]
        unknown = [row | ({"score": None} if row["negative"] == item else {}) for row in rows]
        positives = {row["item"] for row in rows if row["negative"] == item}
        assert wrong(pa.Table.from_pylist(unknown, rows_of(n).schema), n) >= len(positives)


class DescribePoolsThatDifferBetweenPositives:
    def it_compares_no_candidates_of_another_positive(self) -> None:
        """With a margin what one may have another may not."""
        rows = rows_of(1, temperature=3.0)
        pool = ScorePool(1, 0, STREAM, 1.0, 1, shared=True)
        assert count_out_of_order(rows, pool, SEED, EPOCH, higher=True) > 0
        alone = pool._replace(shared=False)
        assert count_out_of_order(rows, alone, SEED, EPOCH, higher=True) == 0
