"""An epoch of whole batches, as ``in_batch`` of a config made them.

Which rows a batch has was decided by the build, and every file has some rows of each. So files are
read side by side from their beginning, and batches come in the order of the build, in each epoch:
to take one from the middle would cost the row groups around it, in every file.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.errors import Problem, ReleaseError
from winnow.loading.arrays_of_rows import Batch, scalars
from winnow.loading.batch_form import BatchForm
from winnow.loading.keyed_order import keyed_units
from winnow.loading.pieces import Piece, pieces_of, read_piece
from winnow.loading.vocabulary import numbered
from winnow.release.batch_draws import BatchDraws
from winnow.release.batch_mask import COLUMNS as OF_MASK
from winnow.release.batch_mask import conflict_mask, pool_conflict_mask
from winnow.release.table_files import TableFiles
from winnow.release.whole_batches import whole_batches

_OF_POOLS = ("ds", "pool_id", "pool_conflict_item_slots")


@dataclass(frozen=True)
class BatchesByEpoch:
    """The batches of a split, shared between ranks.

    Attributes:
        files: Those of training_samples. split: The split.
        form: What a batch is made of, besides its mask.
        rank, world_size: Of so many ranks each has every batch in turn. What is left, fewer batches
            than ranks, is cut into one part for each: they have as many, and each row once.
        drop_last: Whether what is left is not given.
        batches: How many there are, of all dates.
        share: Of the other slots of a batch so many stay negatives, chosen anew in each epoch.
        seed: Of that choice.
        pools: The files of batch_draws, where each batch is given its pool.
    """

    files: TableFiles
    split: str
    form: BatchForm
    rank: int
    world_size: int
    drop_last: bool
    batches: int
    share: float
    seed: int
    pools: TableFiles | None = None

    def of(self, epoch: int) -> "EpochOfBatches":
        """Plan one epoch."""
        return EpochOfBatches(self, epoch)

    def described(self) -> list[Any]:
        """Return all that decides which rows a batch has."""
        names = [PurePath(path).name for path in self.files.paths]
        part = [self.rank, self.world_size, self.drop_last, self.share, self.seed]
        described = [names, self.split, self.batches, part]
        return described if self.pools is None else [*described, "pools"]


class EpochOfBatches:
    """The batches of one rank in one epoch; each is a window of its own.

    Attributes:
        sizes: 1 for each batch of the rank.
    """

    def __init__(self, of: BatchesByEpoch, epoch: int) -> None:
        """Plan the epoch; nothing is read."""
        self._of, self._epoch = of, epoch
        self._whole, self._left = divmod(of.batches, of.world_size)
        self.sizes = [1] * (self._whole + (self._left > 0 and not of.drop_last))

    def read(self, windows: Sequence[int]) -> Iterator[Callable[[int], Batch]]:
        """Read batches, one after the other; give what gives the one of each window."""
        of = self._of
        shares = [self._share(window) for window in windows]
        pools = None if of.pools is None else BatchDraws(of.pools)
        of_pools = () if pools is None else _OF_POOLS
        columns = list(dict.fromkeys([*of.form.read, *OF_MASK, *of_pools]))
        tables = whole_batches(of.files, of.split, columns, numbers=[one.batch for one in shares])
        for share, table in zip(shares, tables, strict=True):
            pool = None
            if pools is not None:
                pool = pools.pool(table["ds"][0].as_py(), table["pool_id"][0].as_py())
            yield partial(self._arrays_at, share, table, pool)

    def _arrays_at(
        self, share: "_Share", table: pa.Table, pool: pa.Table | None, _first: int
    ) -> Batch:
        batch = self._arrays(share, table)
        if pool is None:
            return batch
        named = numbered(pool, self._of.form.vocabularies)
        return batch | {
            "pool_item_ids": scalars(named["item_id"].combine_chunks()).copy(),
            "pool_mixture_log_q": scalars(named["mixture_log_q"].combine_chunks()).copy(),
            "pool_conflicts": pool_conflict_mask(table, pool),
        }

    def _share(self, window: int) -> "_Share":
        """Return what the rank has in a window: a batch, or in the last one a part of one."""
        of, ranks = self._of, self._of.world_size
        if window < self._whole:
            return _Share(window * ranks + of.rank, 0, 1)
        # The ranks stand in as many groups as there are batches left, as even as may be.
        batch = of.rank * self._left // ranks
        first, last = (-(-b * ranks // self._left) for b in (batch, batch + 1))
        return _Share(self._whole * ranks + batch, of.rank - first, last - first)

    def _arrays(self, share: "_Share", table: pa.Table) -> Batch:
        of, n = self._of, table.num_rows
        conflicts = conflict_mask(table)
        if of.share < 1.0:
            units = keyed_units(np.arange(n), of.seed, self._epoch, share.batch)
            conflicts[:, units >= of.share] = True
        begin, end = share.rows_of(n)
        rows_at = of.form.arrays(table, of.files.schema)
        if end - begin < n:
            conflicts = np.ascontiguousarray(conflicts[begin:end, begin:end])
        return rows_at(np.arange(begin, end)) | {"conflicts": conflicts}


@dataclass(frozen=True)
class _Share:
    """One of some parts of a batch, which is counted over all dates."""

    batch: int
    part: int
    parts: int

    def rows_of(self, n: int) -> tuple[int, int]:
        """Return the first row and the one behind the last, of a batch of so many."""
        begin, end = (i * n // self.parts for i in (self.part, self.part + 1))
        # Of fewer rows than parts one comes again: a batch of one row has no negatives, and a rank
        # without a batch would let all others wait.
        begin = min(begin, n - 1)
        return begin, max(end, begin + 1)


def number_of_batches(files: TableFiles, split: str) -> int:
    """Return how many batches a split has, of all dates.

    Raises:
        ReleaseError: The table says nothing of batches.
    """
    if "batch_id" not in files.schema.names:
        what, fix = "this table says nothing of batches", "Set in_batch in the config, and build."
        raise ReleaseError(Problem("batch_id", what, next_step=fix))
    found = 0
    by_date = groupby(pieces_of(files, split), key=lambda piece: files.files[piece.file][1])
    for _, pieces in by_date:
        ids = np.unique(np.concatenate([_batch_ids(files, piece, split) for piece in pieces]))
        found += len(ids)
    return found


def _batch_ids(files: TableFiles, piece: Piece, split: str) -> np.ndarray[Any, Any]:
    ids = read_piece(files, piece, ["batch_id"], split)["batch_id"].drop_null()
    return np.unique(ids.to_numpy())
