"""Batches of training samples as tensors."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from winnow.errors import MissingExtraError
from winnow.extras import missing
from winnow.loading.feature_table import FeatureTable
from winnow.loading.samples import stream_of
from winnow.loading.stream import SampleStream
from winnow.loading.vocabulary import Vocabulary
from winnow.release.reader import ReleaseReader
from winnow.release.table_files import TableFiles

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ModuleNotFoundError as error:
    raise MissingExtraError(missing("torch")) from error


class SampleDataset(IterableDataset):  # type: ignore[misc]
    """Training samples of a release, batch by batch, for a ``DataLoader`` with ``batch_size=None``.

    Rows are spread over ranks and workers, each row to one of them; every epoch has another order.
    Where training stopped in an epoch, it goes on there: with ``SampleLoader`` with any number of
    workers, with torchdata's ``StatefulDataLoader`` with as many as before.

    A batch is a dict of tensors, which may be written; text stays a list. Lists of a row are padded
    to the longest one of the batch: ``neg_item_ids`` with ``padding_id``, other whole numbers with
    0, fractions with NaN. ``mask`` (rows, negatives) is true where there is a negative; ``easy`` is
    true where it was drawn and ``neg_log_q`` is a number; every other list has its own mask,
    ``NAME_mask``. A whole number that may be NULL is a float64, NaN for NULL. Times are
    microseconds.
    """

    def __init__(
        self,
        release: ReleaseReader | TableFiles,
        batch_size: int | None,
        rank: int = 0,
        world_size: int = 1,
        shuffle_seed: int | None = 0,
        epoch: int = 0,
        columns: Sequence[str] | None = None,
        drop_last: bool = False,
        *,
        split: str | None = "train",
        padding_id: int | str = 0,
        in_batch: bool = False,
        share: float = 1.0,
        pool: bool = False,
        vocabularies: Mapping[str, Vocabulary] | None = None,
        features: Mapping[str, FeatureTable] | None = None,
    ) -> None:
        """Look at the ends of the files; rows are read when batches are asked for.

        Args:
            release: What ``open_release`` or ``open_dates`` returned, or ``table_files`` of it.
            batch_size: Rows of a batch; None with ``in_batch``.
            rank, world_size: Of so many ranks each gets other rows, and as many batches as each
                other one, as long as there is a row for each.
            shuffle_seed: Of the order of each epoch; None: always the order of the files.
            epoch: The first one.
            columns: What a batch has; by default ``winnow.loading.samples.COLUMNS``, or
                ``COLUMNS_IN_BATCH`` or ``COLUMNS_WITH_POOL`` of the same module.
            drop_last: Leave out rows that fill no batch of their rank: fewer than ``batch_size``,
                and one. Otherwise the last batch of a rank has fewer rows.
            split: ``train``, ``valid`` or ``test``; None: all rows.
            padding_id: What stands in ``neg_item_ids`` behind the negatives of a row.
            in_batch: Give the batches that the build made, in its order, each rank and worker in
                turn, with ``conflicts``: true at (i, j) where the item of row j is no negative of
                row i. Of batches that are left, fewer than ranks, each rank has a part, or with
                ``drop_last`` nothing.
            share: Of the other slots of such a batch so many stay negatives, others each epoch.
            pool: Give each such batch the pool that its rows share (``in_batch.pool`` of a config):
                ``pool_item_ids`` and ``pool_mixture_log_q``, shape (slots,), ``pool_conflicts``,
                shape (rows, slots). Not with ``share``; with several ranks ``drop_last`` is needed.
            vocabularies: By column, as ``item_id`` and ``neg_item_ids``: numbers for an embedding
                table that stand in place of ids, which may be text. Leave ``padding_id`` 0 then.

        Raises:
            ReleaseError: The release has expired, or a column is not there.
            ValueError: A number is out of range.
        """
        self.stream = stream_of(
            release,
            batch_size,
            rank=rank,
            world_size=world_size,
            shuffle_seed=shuffle_seed,
            epoch=epoch,
            columns=columns,
            drop_last=drop_last,
            split=split,
            padding_id=padding_id,
            in_batch=in_batch,
            share=share,
            pool=pool,
            vocabularies=vocabularies,
            features=features,
        )

    def __len__(self) -> int:
        """Return the number of batches of a whole epoch, for this rank."""
        return len(self.stream)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Give the batches that are left of the epoch, in a worker those of its share."""
        return (batch for _, batch in batches_here(self.stream))

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration give an epoch from its start."""
        self.stream.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration is, in less than 1 KB; in a worker, that of its share."""
        return self.stream.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on where another one was.

        Raises:
            ReleaseError: The state is of other files or other arguments.
        """
        self.stream.load_state_dict(state)


def batches_here(stream: SampleStream) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the batches of the worker in which this is called, as tensors, each with its number."""
    info = get_worker_info()
    worker, workers = (info.id, info.num_workers) if info else (0, 1)
    for batch in stream.run(worker, workers):
        yield worker, {name: _tensor(values) for name, values in batch.items()}


def _tensor(values: np.ndarray[Any, Any]) -> Any:
    return values.tolist() if values.dtype == object else torch.from_numpy(values)
