"""A loader that knows which batches were taken, whatever the number of its workers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from torch.utils.data import DataLoader, IterableDataset

from winnow.loading.stream import SampleStream
from winnow.torch.sample_dataset import SampleDataset, batches_here


class SampleLoader:
    """Gives the batches of a ``SampleDataset``, epoch after epoch, and can go on anywhere.

        loader = SampleLoader(SampleDataset(release, batch_size=1024), num_workers=4)
        for batch in loader:
            ...
            state = loader.state_dict()  # with the model's: the batches up to here were given

    The next iteration is the next epoch. A state can be loaded with another number of workers: the
    batches that come are those that were not given, each once.

    Attributes:
        unknown: Of features that are joined, how many ids had none as of their row's time, by
            column, in the batches of this iteration.
    """

    def __init__(self, dataset: SampleDataset, num_workers: int = 0, **options: Any) -> None:
        """Take a data set.

        Args:
            dataset: Its state and its epoch are the loader's from now on.
            num_workers: Processes that read.
            options: Of ``torch.utils.data.DataLoader``, as ``prefetch_factor`` or ``pin_memory``.
        """
        if options.get("persistent_workers"):
            raise ValueError("persistent_workers: workers would not know of the next epoch")
        self.dataset, self.num_workers, self._options = dataset, num_workers, options
        self._given, self._placed = [0] * max(1, num_workers), dataset.stream.placed
        self.unknown: Counter[str] = Counter()

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch."""
        return len(self.dataset)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give the batches that are left of the epoch, also where an iteration was left early."""
        stream = self.dataset.stream
        stream.advance(self._taken())
        self._given = [0] * len(self._given)
        self.unknown, joined = Counter(), stream.features
        batches = DataLoader(
            _OfWorkers(stream.copied()),
            batch_size=None,
            num_workers=self.num_workers,
            **self._options,
        )
        for worker, batch in batches:
            self._given[worker] += 1
            if joined is not None:
                self.unknown.update(joined.unknown(batch))
            yield batch
        stream.set_epoch(stream.epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """Return which batches were given, in less than 1 KB with up to 60 workers."""
        stream = self.dataset.stream.copied()
        stream.advance(self._taken())
        return stream.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on behind the batches that were given.

        Raises:
            ReleaseError: The state is of other files or other arguments.
        """
        self.dataset.load_state_dict(state)

    def _taken(self) -> list[int]:
        """Return how many batches were taken of each worker since it was said where to go on."""
        if self._placed != self.dataset.stream.placed:
            self._placed, self._given = self.dataset.stream.placed, [0] * len(self._given)
        return self._given


class _OfWorkers(IterableDataset):  # type: ignore[misc]
    """The batches of a stream, each with the worker that gives it."""

    def __init__(self, stream: SampleStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        return batches_here(self._stream)
