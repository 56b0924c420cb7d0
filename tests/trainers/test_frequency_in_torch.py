"""The streaming estimate takes PyTorch's tensors, and gives what becomes one again."""

import pytest
from winnow.frequency.estimator import FrequencySettings, StreamingFrequency

from tests.frequency.by_the_book import random_batches

torch = pytest.importorskip(
    "torch", reason="PyTorch is in an environment of its own: make trainers"
)

SETTINGS = FrequencySettings(batch_size=12, rate=0.1, arrays=2, buckets=40, start_gap=20.0)


class DescribeTheEstimateInPyTorch:
    def it_gives_for_tensors_what_it_gives_for_arrays(self) -> None:
        of_lists, of_tensors = StreamingFrequency(SETTINGS), StreamingFrequency(SETTINGS)
        for number, batch in enumerate(random_batches(100)):
            of_lists.update(batch)
            of_tensors.update(torch.tensor(batch, dtype=[torch.int32, torch.int64][number % 2]))
        assert (of_lists.gap == of_tensors.gap).all()
        assert (of_lists.last_step == of_tensors.last_step).all()

    def it_corrects_logits(self) -> None:
        estimate, items = StreamingFrequency(SETTINGS), torch.tensor([1, 2, 3])
        for _ in range(30):
            estimate.update(items)
        log_q = torch.from_numpy(estimate.log_q(items))
        scores = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        (scores - log_q).sum().backward()
        assert log_q.shape == (3,)
        assert (log_q < 0).all()
        assert scores.grad.tolist() == [1.0, 1.0, 1.0]
