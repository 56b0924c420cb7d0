"""Each loss against what it stands for: values, and gradients by finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
from winnow import losses

from tests.losses.catalogue import (
    DRAWN,
    HARD,
    POSITIVE,
    SCORES,
    Floats,
    full_gradient,
    full_softmax,
    log_q_of,
)

ROWS = np.arange(len(SCORES))
ALL = np.ones(SCORES.shape, bool)


def gradient(loss: Callable[[Floats], Floats], scores: Floats = SCORES) -> Floats:
    """Of the sum over rows, by each score, from both sides."""
    found, step = np.zeros_like(scores), 1e-5
    for at in np.ndindex(*scores.shape):
        moved = np.zeros_like(scores)
        moved[at] = step
        found[at] = (loss(scores + moved).sum() - loss(scores - moved).sum()) / (2 * step)
    return found


def drawn(scores: Floats, items: np.ndarray = DRAWN) -> tuple[Floats, Floats]:
    """Scores of the positives and of the draws."""
    return scores[ROWS, POSITIVE], np.take_along_axis(scores, items, axis=1)


def padded(values: Floats, with_: float) -> Floats:
    return np.column_stack([values, np.full((len(values), 2), with_)])


class DescribeSampledSoftmax:
    def it_is_the_full_softmax(self) -> None:
        def loss(scores: Floats) -> Floats:
            return losses.sampled_softmax(
                *drawn(scores), log_q_of(DRAWN), np.ones(DRAWN.shape, bool)
            )

        assert loss(SCORES) == pytest.approx(full_softmax(SCORES, POSITIVE, ALL), abs=1e-12)
        assert gradient(loss) == pytest.approx(full_gradient(SCORES, POSITIVE, ALL), abs=1e-8)

    def it_is_not_without_the_correction(self) -> None:
        n, mask = DRAWN.shape[1], np.ones(DRAWN.shape, bool)
        even = np.full(DRAWN.shape, -np.log(n))
        loss = losses.sampled_softmax(*drawn(SCORES), even, mask)
        assert np.all(np.abs(loss - full_softmax(SCORES, POSITIVE, ALL)) > 0.05)

    def it_does_not_look_at_padding(self) -> None:
        positive, negatives = drawn(SCORES)
        mask = padded(np.ones(DRAWN.shape), 0.0).astype(bool)
        loss = losses.sampled_softmax(
            positive, padded(negatives, 99.0), padded(log_q_of(DRAWN), np.nan), mask
        )
        assert loss == pytest.approx(full_softmax(SCORES, POSITIVE, ALL), abs=1e-12)

    def it_is_nothing_without_negatives(self) -> None:
        positive, negatives = drawn(SCORES)
        none = np.zeros(DRAWN.shape, bool)
        assert losses.sampled_softmax(positive, negatives, log_q_of(DRAWN), none).tolist() == [0, 0]

    def it_bears_large_scores(self) -> None:
        positive, negatives = drawn(SCORES + 5_000.0)
        mask = np.ones(DRAWN.shape, bool)
        loss = losses.sampled_softmax(positive, negatives, log_q_of(DRAWN), mask)
        assert loss == pytest.approx(full_softmax(SCORES, POSITIVE, ALL), abs=1e-9)


class DescribeRecsys2025:
    def it_has_the_gradient_of_the_full_softmax_where_its_weight_is_held(self) -> None:
        mask = np.ones(DRAWN.shape, bool)
        log_q = log_q_of(DRAWN)
        p = 1 + full_gradient(SCORES, POSITIVE, ALL)[ROWS, POSITIVE]  # of the positives

        def held(scores: Floats) -> Floats:
            of_rows = losses.recsys_2025(*drawn(scores), log_q, mask)
            return np.asarray(of_rows / (1 - free(scores)) * (1 - p))

        def free(scores: Floats) -> Floats:
            return np.asarray(1 + full_gradient(scores, POSITIVE, ALL)[ROWS, POSITIVE])

        assert gradient(held) == pytest.approx(full_gradient(SCORES, POSITIVE, ALL), abs=1e-8)

    def it_is_nothing_without_negatives(self) -> None:
        none = np.zeros(DRAWN.shape, bool)
        assert losses.recsys_2025(*drawn(SCORES), log_q_of(DRAWN), none).tolist() == [0, 0]


class DescribeInBatch:
    ITEMS = np.array([0, 1, 1, 2, 3, 3, 3, 4])
    """Of a batch of eight rows, drawn as often as the stream has them."""

    def it_is_the_full_softmax_over_what_is_not_forbidden(self) -> None:
        chance = np.random.default_rng(0)
        scores = chance.normal(size=(8, 5))
        forbidden = np.zeros((8, 5), bool)
        forbidden[np.arange(8), self.ITEMS] = True
        forbidden[2, 3] = forbidden[6, 0] = forbidden[6, 1] = True
        q = np.bincount(self.ITEMS) / 8

        def loss(scores: Floats) -> Floats:
            return losses.in_batch(
                scores[:, self.ITEMS],
                np.log(q)[self.ITEMS],
                forbidden[:, self.ITEMS],
                (forbidden * q).sum(axis=1),
            )

        full = full_softmax(scores, self.ITEMS, ~forbidden)
        assert loss(scores) == pytest.approx(full, abs=1e-12)
        expected = full_gradient(scores, self.ITEMS, ~forbidden)
        assert gradient(loss, scores) == pytest.approx(expected, abs=1e-8)

    def it_is_another_one_without_what_is_forbidden(self) -> None:
        conflicts = np.eye(8, dtype=bool) | (self.ITEMS[:, None] == self.ITEMS)
        log_q = np.log(np.bincount(self.ITEMS) / 8)[self.ITEMS]
        scores = np.zeros((8, 8))
        forbidden = np.exp(log_q)
        with_it = losses.in_batch(scores, log_q, conflicts, forbidden)
        assert with_it == pytest.approx([np.log(5)] * 8)
        assert np.all(losses.in_batch(scores, log_q, conflicts) > with_it)

    def it_is_nothing_where_all_is_forbidden(self) -> None:
        found = losses.in_batch(
            np.zeros((2, 2)), np.log([0.5, 0.5]), np.ones((2, 2), bool), np.ones(2)
        )
        assert found.tolist() == [0, 0]


class DescribeBatchAndPool:
    ITEMS = np.array([0, 1, 1, 3, 3, 3])
    """Of a batch of six rows: no row has item 2 or 4, and only a pool makes them negatives."""
    POOL = np.array([4, 0, 1, 2, 3, 2])
    """One draw of each item, and one more of item 2, as often as their chances say."""

    def of_catalogue(self, scores: Floats, forbidden: np.ndarray) -> Floats:
        counts = np.bincount(self.ITEMS, minlength=5) + np.bincount(self.POOL)
        log_q = np.log(counts / counts.sum())
        return losses.batch_and_pool(
            scores[:, self.ITEMS],
            scores[:, self.POOL],
            log_q[self.ITEMS],
            log_q[self.POOL],
            forbidden[:, self.ITEMS],
            forbidden[:, self.POOL],
        )

    def forbidden(self) -> np.ndarray:
        found = np.zeros((6, 5), bool)
        found[np.arange(6), self.ITEMS] = True
        found[2, 4] = found[5, 0] = found[5, 2] = True
        return found

    def it_is_the_full_softmax_over_what_is_not_forbidden(self) -> None:
        scores, forbidden = np.random.default_rng(0).normal(size=(6, 5)), self.forbidden()

        def loss(scores: Floats) -> Floats:
            return self.of_catalogue(scores, forbidden)

        full = full_softmax(scores, self.ITEMS, ~forbidden)
        assert loss(scores) == pytest.approx(full, abs=1e-12)
        expected = full_gradient(scores, self.ITEMS, ~forbidden)
        assert gradient(loss, scores) == pytest.approx(expected, abs=1e-8)

    def it_is_not_that_of_the_batch_alone(self) -> None:
        scores, forbidden = np.zeros((6, 5)), self.forbidden()
        q = np.bincount(self.ITEMS, minlength=5) / 6
        given = np.log(q[self.ITEMS]), forbidden[:, self.ITEMS], (forbidden * q).sum(axis=1)
        alone = losses.in_batch(scores[:, self.ITEMS], *given)
        assert np.all(self.of_catalogue(scores, forbidden) > alone + 0.1)

    def it_is_nothing_where_all_is_forbidden(self) -> None:
        every = np.ones((6, 5), bool)
        assert self.of_catalogue(np.zeros((6, 5)), every).tolist() == [0] * 6


class DescribeMixture:
    def it_is_the_full_softmax_with_one_chance_for_both_sources(self) -> None:
        of_first = log_q_by_item(DRAWN[:, :6])
        of_second = log_q_by_item(DRAWN[:, 6:])
        by_item = losses.mixture_log_q([of_first, of_second], [6, 2])
        log_q = np.take_along_axis(by_item, DRAWN, axis=1)
        assert log_q == pytest.approx(log_q_of(DRAWN), abs=1e-12)
        loss = losses.sampled_softmax(*drawn(SCORES), log_q, np.ones(DRAWN.shape, bool))
        assert loss == pytest.approx(full_softmax(SCORES, POSITIVE, ALL), abs=1e-12)


def log_q_by_item(items: np.ndarray) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log([np.bincount(row, minlength=5) / len(row) for row in items])


class DescribeEasyAndHard:
    def it_is_two_losses(self) -> None:
        items = np.column_stack([DRAWN, HARD])
        easy = np.arange(10) < np.full((2, 1), 8)
        log_q = np.column_stack([log_q_of(DRAWN), np.full((2, 2), np.nan)])

        def loss(scores: Floats) -> Floats:
            return losses.easy_and_hard(
                *drawn(scores, items), log_q, easy, np.ones((2, 10), bool), 0.5
            )

        of_hard = np.log(
            np.exp(SCORES[ROWS, POSITIVE])
            + np.exp(np.take_along_axis(SCORES, HARD, axis=1)).sum(axis=1)
        )
        expected = full_softmax(SCORES, POSITIVE, ALL) + 0.5 * (of_hard - SCORES[ROWS, POSITIVE])
        assert loss(SCORES) == pytest.approx(expected, abs=1e-12)

    def it_is_the_first_one_without_hard_negatives(self) -> None:
        mask = np.ones(DRAWN.shape, bool)
        both = losses.easy_and_hard(*drawn(SCORES), log_q_of(DRAWN), mask, mask)
        assert both == pytest.approx(full_softmax(SCORES, POSITIVE, ALL), abs=1e-12)


class DescribeBpr:
    def it_is_the_mean_over_pairs(self) -> None:
        positive, negatives = drawn(SCORES, HARD)
        mask = np.array([[True, True], [True, False]])
        sigmoid = 1 / (1 + np.exp(negatives - positive[:, None]))
        expected = [-np.log(sigmoid[0]).mean(), -np.log(sigmoid[1, 0])]
        assert losses.bpr(positive, negatives, mask) == pytest.approx(expected, abs=1e-12)
        none = losses.bpr(positive, negatives, np.zeros((2, 2), bool))
        assert none.tolist() == [0, 0]


class DescribePointwise:
    def it_is_the_cross_entropy_of_a_click(self) -> None:
        scores, labels = np.array([0.3, -2.0, 800.0]), np.array([1.0, 0.0, 1.0])
        p = 1 / (1 + np.exp(-scores[:2]))
        expected = [-np.log(p[0]), -np.log(1 - p[1]), 0.0]
        assert losses.pointwise(scores, labels) == pytest.approx(expected, abs=1e-12)
