"""The batches of a table for one rank of a training: which, in which order, and from where on."""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self

from winnow.errors import Problem, ReleaseError
from winnow.loading.arrays_of_rows import Batch
from winnow.loading.joined_features import JoinedFeatures
from winnow.loading.position import Position

_STATE_VERSION = 1


class Epoch(Protocol):
    """The batches of a rank in one epoch, in windows that are read at a time.

    Attributes:
        sizes: The number of batches in each window.
    """

    sizes: list[int]

    def read(self, windows: Sequence[int]) -> Iterator[Callable[[int], Batch]]:
        """Read windows, one after the other.

        Yields:
            Of each window what gives its batches, by their number within it, as arrays that may be
            written.
        """
        ...


class Epochs(Protocol):
    """Makes the epochs of a rank; small, and travels to the processes of workers."""

    def of(self, epoch: int) -> Epoch:
        """Plan one epoch."""
        ...

    def described(self) -> list[Any]:
        """Return all that decides its batches, as plain values: a state is of these alone."""
        ...


START = Position()


@dataclass(frozen=True)
class _Begin:
    """Where a worker begins: in an epoch, at a position, behind so many batches of its share."""

    epoch: int
    position: Position = START
    worker: int = 0
    workers: int = 1
    given: int = 0


class SampleStream:
    """Gives a rank's batches, epoch by epoch, shared between workers, and can go on anywhere.

    Attributes:
        placed: How often ``set_epoch`` or ``load_state_dict`` said where to go on.
        features: What is joined to the ids of its batches, if anything.
    """

    def __init__(
        self, epochs: Epochs, epoch: int = 0, features: JoinedFeatures | None = None
    ) -> None:
        """Begin with an epoch."""
        self._epochs, self.features = epochs, features
        self._begin = _Begin(epoch)
        self._running: _Running | None = None
        self.placed = 0
        described = json.dumps(epochs.described(), sort_keys=True).encode()
        self._of = hashlib.sha256(described).hexdigest()[:16]

    @property
    def epoch(self) -> int:
        """The epoch that the next ``run`` gives."""
        return self._begin.epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next ``run`` give an epoch from its start."""
        self._begin, self._running = _Begin(epoch), None
        self.placed += 1

    def __len__(self) -> int:
        """Return the number of batches of the whole epoch, for this rank."""
        return sum(self._epochs.of(self._begin.epoch).sizes)

    def run(self, worker: int = 0, workers: int = 1) -> Iterator[Batch]:
        """Give what is left of the epoch, or one worker's share of it.

        Args:
            worker, workers: Of so many workers each gets other batches, all of them together each
                batch once.

        Raises:
            ReleaseError: A state was loaded that is of one of several workers, and not of this one.
        """
        begin = self._begin
        if (begin.worker, begin.workers) != (worker, workers):
            begin = self._of_all()
        begin = replace(begin, worker=worker, workers=workers)
        # What was loaded is for one run; the next begins at the start, as of any data set.
        self._begin = _Begin(begin.epoch)
        self._running = _Running(self._epochs.of(begin.epoch), begin)
        return self._running

    def advance(self, given: Sequence[int]) -> None:
        """Say how far a run came: batches that were taken of each worker, since it began."""
        begin = self._of_all()
        sizes = self._epochs.of(begin.epoch).sizes
        self._begin = replace(begin, position=begin.position.after(given, sizes))

    def _of_all(self) -> _Begin:
        """Return the beginning without batches that one worker has given since."""
        begin = self._begin
        if begin.given and begin.workers > 1:
            raise ReleaseError(
                Problem(
                    "state",
                    "is of one worker and not of all of them, so no other number can go on",
                    f"worker {begin.worker} of {begin.workers}",
                    next_step="Keep what state_dict of a SampleLoader returns.",
                )
            )
        sizes = self._epochs.of(begin.epoch).sizes
        return _Begin(begin.epoch, begin.position.after([begin.given], sizes))

    def state_dict(self) -> dict[str, Any]:
        """Return where this stream is, in less than 1 KB; of a worker, its share alone."""
        begin = self._begin if self._running is None else self._running.begin
        return {
            "version": _STATE_VERSION,
            "of": self._of,
            **asdict(begin),
            "position": begin.position.to_json(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next ``run`` go on where a stream of the same batches was.

        Raises:
            ReleaseError: The state is of other files, or other arguments.
        """
        if (state.get("version"), state.get("of")) != (_STATE_VERSION, self._of):
            raise ReleaseError(
                Problem(
                    "state",
                    "is of other files, or of another split, batch size, rank or order",
                    next_step="Open the same releases with the same arguments, or begin anew.",
                )
            )
        values = {name: state[name] for name in ("epoch", "worker", "workers", "given")}
        self._begin = _Begin(position=Position.of_json(state["position"]), **values)
        self._running = None
        self.placed += 1

    def copied(self) -> Self:
        """Return a stream of the same batches, at the same place."""
        other = type(self)(self._epochs, self._begin.epoch, self.features)
        other._begin = self._begin
        return other


class _Running:
    """The batches of one worker, counted."""

    def __init__(self, epoch: Epoch, begin: _Begin) -> None:
        self.begin = begin
        self._epoch = epoch
        self._batches = self._left()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        batch = next(self._batches)
        self.begin = replace(self.begin, given=self.begin.given + 1)
        return batch

    def _left(self) -> Iterator[Batch]:
        sizes, skipped = self._epoch.sizes, self.begin.given
        windows = []
        for window, first in self.begin.position.shares(self.begin.workers, sizes)[
            self.begin.worker
        ]:
            before = min(skipped, sizes[window] - first)
            skipped -= before
            if first + before < sizes[window]:
                windows.append((window, first + before))
        if not windows:
            return
        with closing(_read_ahead(self._epoch.read([window for window, _ in windows]))) as read:
            for (window, first), batch_at in zip(windows, read, strict=True):
                for number in range(first, sizes[window]):
                    yield batch_at(number)


def _read_ahead(
    windows: Iterator[Callable[[int], Batch]],
) -> Generator[Callable[[int], Batch]]:
    """Give what is read of each window; the next one is read while one is given."""
    pool = ThreadPoolExecutor(1)
    try:
        coming = pool.submit(next, windows, None)
        while (at_hand := coming.result()) is not None:
            coming = pool.submit(next, windows, None)
            yield at_hand
            del at_hand
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
