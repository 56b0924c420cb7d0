"""Kernels of evaluation_samples against slow code, and how evenly they draw."""

import numpy as np
import pytest
from winnow.sampler.kernels.evaluation import draw_evenly, seen_before
from winnow.sampler.kernels.hashing import EVALUATION_STREAM, U, seed_state

from tests.sampler.reference import fold

SEED = U(seed_state(U(0), U(0)))


def slowly_drawn(
    user: int, request: int, now: int, own: list[int], begins: list[int], ends: list[int], n: int
) -> tuple[list[int], int]:
    """Say it again with sets, and Python's integers."""
    stream, state = int(EVALUATION_STREAM), int(SEED)
    for key in (user, request, stream, stream):
        state = fold(state, key)
    allowed = [c for c in range(len(begins)) if begins[c] <= now < ends[c] and c not in own]
    drawn: list[int] = []
    wanted, number = min(n, len(allowed)), 0
    while len(drawn) < wanted and number < 8 * wanted:
        code = fold(state, number) * len(begins) >> 64
        number += 1
        if code in allowed and code not in drawn:
            drawn.append(code)
    rest = [code for code in allowed if code not in drawn]
    while len(drawn) < wanted:
        place = fold(state, number) * len(rest) >> 64
        drawn.append(rest[place])
        rest[place] = rest[-1]
        rest.pop()
        number += 1
    return drawn, len(allowed)


def drawn_for(
    requests: int, n_items: int, at_most: int, own: list[list[int]] | None = None
) -> tuple[np.ndarray, np.ndarray, list[int], list[int]]:
    random = np.random.default_rng(n_items)
    begins = random.choice([-(2**62), 50], n_items, p=[0.8, 0.2])
    ends = random.choice([2**62, 60], n_items, p=[0.9, 0.1])
    own = own or [[] for _ in range(requests)]
    ends_of = np.cumsum([len(one) for one in own])
    starts = np.stack([ends_of - [len(one) for one in own], ends_of], axis=1)
    found, pools = draw_evenly(
        SEED,
        np.arange(requests, dtype=np.uint64),
        np.full(requests, 7, np.uint64),
        np.full(requests, 55),
        np.array([code for one in own for code in one], np.int32),
        np.ascontiguousarray(starts),
        begins,
        ends,
        at_most,
    )
    return found, pools, begins.tolist(), ends.tolist()


class DescribeDraws:
    @pytest.mark.parametrize(("n_items", "at_most"), [(40, 10), (40, 60), (7, 3), (300, 250)])
    def it_draws_what_slow_code_draws(self, n_items: int, at_most: int) -> None:
        random = np.random.default_rng(5)
        own = [
            [-1, *sorted(set(random.integers(0, n_items, 5).tolist()))] if user % 3 else []
            for user in range(30)
        ]
        found, pools, begins, ends = drawn_for(30, n_items, at_most, own)
        for user in range(30):
            drawn, pool = slowly_drawn(user, 7, 55, own[user], begins, ends, at_most)
            assert found[user].tolist() == drawn + [-1] * (at_most - len(drawn))
            assert pools[user] == pool

    def it_draws_nothing_where_nothing_is_left(self) -> None:
        found, pools, *_ = drawn_for(1, 5, 3, [[0, 1, 2, 3, 4]])
        assert (found.tolist(), pools.tolist()) == ([[-1, -1, -1]], [0])

    def it_draws_every_item_of_the_pool_as_often(self) -> None:
        """Also those that come out of the listed rest: nearly all of the pool is asked for."""
        for n_items, at_most in ((60, 5), (60, 35)):
            found, pools, begins, ends = drawn_for(4000, n_items, at_most)
            there = np.array(begins) <= 55
            there &= np.array(ends) > 55
            assert set(pools.tolist()) == {there.sum()}
            counts = np.bincount(found[found >= 0], minlength=n_items)
            assert (counts[~there] == 0).all()
            share = at_most / there.sum()
            deviation = np.sqrt(4000 * share * (1 - share))
            assert np.abs(counts[there] - 4000 * share).max() < 4.5 * deviation


class DescribeWhatWasSeen:
    def it_lists_what_slow_code_lists(self) -> None:
        random = np.random.default_rng(6)
        items = random.integers(0, 12, 80)
        at = np.concatenate([np.sort(random.integers(0, 30, 40))[::-1] for _ in range(2)])
        asked = random.integers(0, 35, 20)
        starts = np.array([[0, 40], [40, 80]] * 10)
        for at_most in (1, 4, 100):
            rows, lengths, cut = seen_before(items, at, starts, asked, 12, at_most)
            begin = 0
            for i in range(20):
                first, last = starts[i]
                wanted: list[int] = []
                for row in range(first, last):
                    if at[row] < asked[i] and items[row] not in [items[r] for r in wanted]:
                        wanted.append(row)
                assert rows[begin : begin + lengths[i]].tolist() == wanted[:at_most]
                assert cut[i] == (len(wanted) > at_most)
                begin += lengths[i]
            assert begin == len(rows)
