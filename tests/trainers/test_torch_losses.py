"""The losses in PyTorch: values of those in NumPy, gradients of the full softmax."""

from typing import Any

import numpy as np
import pytest
from winnow import losses

from tests.losses.catalogue import DRAWN, HARD, POSITIVE, SCORES, full_gradient, log_q_of

torch = pytest.importorskip(
    "torch", reason="PyTorch is in an environment of its own: make trainers"
)

from winnow.torch import losses as torch_losses  # noqa: E402

ROWS = np.arange(2)
ITEMS = np.column_stack([DRAWN, HARD])
EASY = np.arange(10) < np.full((2, 1), 8)
LOG_Q = np.column_stack([log_q_of(DRAWN), np.full((2, 2), np.nan)])
MASK = np.ones((2, 10), bool)
CONFLICTS = np.array([[True, False, True], [False, True, False], [True, False, True]])

CASES: dict[str, tuple[Any, ...]] = {
    "sampled_softmax": (SCORES[ROWS, POSITIVE], np.take_along_axis(SCORES, ITEMS, 1), LOG_Q, EASY),
    "recsys_2025": (SCORES[ROWS, POSITIVE], np.take_along_axis(SCORES, ITEMS, 1), LOG_Q, EASY),
    "easy_and_hard": (
        SCORES[ROWS, POSITIVE], np.take_along_axis(SCORES, ITEMS, 1), LOG_Q, EASY, MASK, 0.3,
    ),
    "bpr": (SCORES[ROWS, POSITIVE], np.take_along_axis(SCORES, ITEMS, 1), EASY),
    "in_batch": (
        np.arange(9.0).reshape(3, 3) / 7, np.log([0.5, 0.25, 0.5]), CONFLICTS,
        np.array([0.5, 0.25, 0.5]),
    ),
    "batch_and_pool": (
        np.arange(9.0).reshape(3, 3) / 7, np.arange(6.0).reshape(3, 2) / 5,
        np.log([0.3, 0.2, 0.3]), np.log([0.1, 0.4]), CONFLICTS,
        np.array([[True, False], [False, False], [True, True]]),
    ),
    "pointwise": (SCORES, (SCORES > 0).astype(float)),
}  # fmt: skip


def tensors(values: tuple[Any, ...]) -> list[Any]:
    return [torch.tensor(one) if isinstance(one, np.ndarray) else one for one in values]


class DescribeTheLossesInPyTorch:
    @pytest.mark.parametrize("name", CASES)
    def it_has_the_values_of_numpy(self, name: str) -> None:
        found = getattr(torch_losses, name)(*tensors(CASES[name]))
        expected = getattr(losses, name)(*CASES[name])
        assert found.numpy() == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("name", ["sampled_softmax", "recsys_2025"])
    def it_has_the_gradient_of_the_full_softmax(self, name: str) -> None:
        scores = torch.tensor(SCORES, requires_grad=True)
        positive = scores[ROWS, POSITIVE]
        negatives = torch.gather(scores, 1, torch.tensor(ITEMS))
        loss = getattr(torch_losses, name)(positive, negatives, *tensors((LOG_Q, EASY)))
        loss.sum().backward()
        expected = full_gradient(SCORES, POSITIVE, np.ones(SCORES.shape, bool))
        assert scores.grad.numpy() == pytest.approx(expected, abs=1e-12)

    @pytest.mark.parametrize("name", ["sampled_softmax", "recsys_2025", "bpr"])
    def it_has_no_gradient_where_a_row_has_no_negative(self, name: str) -> None:
        positive = torch.zeros(2, requires_grad=True)
        negatives = torch.zeros(2, 3, requires_grad=True)
        mask = torch.tensor([[False] * 3, [True] * 3])
        log_q = () if name == "bpr" else (torch.full((2, 3), float("nan")).masked_fill(mask, -1.0),)
        getattr(torch_losses, name)(positive, negatives, *log_q, mask).sum().backward()
        assert positive.grad[0].item() == 0
        assert negatives.grad[0].tolist() == [0, 0, 0]
        assert positive.grad[1].item() < 0 < negatives.grad[1].min().item()

    def it_mixes_chances_as_numpy_does(self) -> None:
        log_q = [np.log([0.5, 0.5]), np.array([0.0, -np.inf])]
        found = torch_losses.mixture_log_q([torch.tensor(one) for one in log_q], [3, 1])
        assert found.numpy() == pytest.approx(np.log([0.625, 0.375]), abs=1e-12)
        assert losses.mixture_log_q(log_q, [3, 1]) == pytest.approx(found.numpy(), abs=1e-12)
