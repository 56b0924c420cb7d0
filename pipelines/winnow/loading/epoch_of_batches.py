"""An epoch of whole batches, as ``in_batch`` of a config made them.

Which rows a batch has was decided by the build, and every file has some rows of each. So files are
read side by side from their beginning, and batches come in the order of the build, in each epoch:
to take one from the middle would cost the row groups around it, in every file.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa

from winnow.errors import Problem, ReleaseError
from winnow.loading.arrays_of_rows import ArraysOfRows, Batch
from winnow.loading.keyed_order import keyed_units
from winnow.loading.pieces import Piece, pieces_of, read_piece
from winnow.loading.vocabulary import Vocabulary, numbered, numbered_schema
from winnow.release.batch_mask import COLUMNS as OF_MASK
from winnow.release.batch_mask import conflict_mask
from winnow.release.table_files import TableFiles
from winnow.release.whole_batches import whole_batches


@dataclass(frozen=True)
class BatchesByEpoch:
    """The batches of a split, shared between ranks.

    Attributes:
        files: Those of training_samples. split: The split.
        columns: Those that a batch has, besides its mask. padding_id: As for single rows.
        rank, world_size: Of so many ranks each has every batch in turn.
        drop_last: Whether every rank gets as many batches, and what is left is not given.
        batches: How many there are, of all dates.
        share: Of the other slots of a batch so many stay negatives, chosen anew in each epoch.
        seed: Of that choice.
        vocabularies: By column, numbers that stand in place of ids.
    """

    files: TableFiles
    split: str
    columns: tuple[str, ...]
    padding_id: int | str
    rank: int
    world_size: int
    drop_last: bool
    batches: int
    share: float
    seed: int
    vocabularies: Mapping[str, Vocabulary] = field(default_factory=dict)

    def of(self, epoch: int) -> "EpochOfBatches":
        """Plan one epoch."""
        return EpochOfBatches(self, epoch)

    def described(self) -> list[Any]:
        """Return all that decides which rows a batch has."""
        names = [PurePath(path).name for path in self.files.paths]
        part = [self.rank, self.world_size, self.drop_last, self.share, self.seed]
        return [names, self.split, self.batches, part]


class EpochOfBatches:
    """The batches of one rank in one epoch; each is a window of its own.

    Attributes:
        sizes: 1 for each batch of the rank.
    """

    def __init__(self, of: BatchesByEpoch, epoch: int) -> None:
        """Plan the epoch; nothing is read."""
        self._of, self._epoch = of, epoch
        n = of.batches // of.world_size
        more = not of.drop_last and of.rank < of.batches % of.world_size
        self.sizes = [1] * (n + more)

    def read(self, windows: Sequence[int]) -> Iterator[Callable[[int], Batch]]:
        """Read batches, one after the other; give what gives the one of each window."""
        of = self._of
        numbers = [window * of.world_size + of.rank for window in windows]
        columns = list(dict.fromkeys([*of.columns, *OF_MASK]))
        tables = whole_batches(of.files, of.split, columns, numbers=numbers)
        for number, table in zip(numbers, tables, strict=True):
            yield lambda _first, number=number, table=table: self._arrays(number, table)  # type: ignore[misc]

    def _arrays(self, number: int, table: pa.Table) -> Batch:
        of, n = self._of, table.num_rows
        read = numbered(table.select(of.columns), of.vocabularies)
        schema = numbered_schema(of.files.schema, of.vocabularies)
        rows = ArraysOfRows(read, schema, of.padding_id)
        conflicts = conflict_mask(table)
        if of.share < 1.0:
            units = keyed_units(np.arange(n), of.seed, self._epoch, number)
            conflicts[:, units >= of.share] = True
        return rows.at(np.arange(n)) | {"conflicts": conflicts}


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
