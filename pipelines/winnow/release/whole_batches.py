"""Rows batch by batch, as the build decided the batches: a merge of files that are each in order.

A row's file follows from its user, its batch does not, so every file has some rows of every batch.
Each is in the order of batches: that of ``shuffle_key``, which batches are cut out of, or their own
where they are free of conflicts. One look at the next rows of each file is enough, and nothing is
shuffled for it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pds

from winnow.errors import Problem, ReleaseError
from winnow.release.table_files import TableFiles

_PLACE = ("batch_id", "slot", "batch_rows")
_ROWS_AT_A_TIME = 8192


def whole_batches(
    files: TableFiles,
    split: str = "train",
    columns: Sequence[str] | None = None,
    *,
    worker: int = 0,
    workers: int = 1,
    numbers: Collection[int] | None = None,
) -> Iterator[pa.Table]:
    """Give the rows of each batch of a split, date by date, in the order of ``batch_id``.

    Args:
        files: Those of training_samples, see ``ReleaseReader.table_files``.
        split: ``train``, ``valid`` or ``test``.
        columns: The columns to give; by default all.
        worker, workers: Of so many workers each gets whole batches, every one in turn. Each reads
            all files.
        numbers: Those to give, counted over all dates from 0; by default those of the worker.

    Yields:
        The rows of a batch in the order of ``slot``.

    Raises:
        ReleaseError: The table says nothing of batches, or a batch lacks rows.
    """
    if "batch_id" not in files.schema.names:
        what, fix = "this table says nothing of batches", "Set in_batch in the config, and build."
        raise ReleaseError(Problem("batch_id", what, next_step=fix))
    asked = files.schema.names if columns is None else list(columns)
    wanted = None if numbers is None else {*numbers}
    number, last = 0, _END if wanted is None else max(wanted, default=-1)
    for day, of_date in groupby(files.files, key=lambda file: file[1]):
        sources = [_Source(replace(files, files=(file,)), split, asked) for file in of_date]
        while (batch := min((s.next_batch for s in sources), default=_END)) != _END:
            if number > last:
                return
            # All take their rows, whoever gets them: what is read on stands behind them.
            parts = [part for source in sources for part in source.rows_of(batch)]
            if number % workers == worker if wanted is None else number in wanted:
                yield _in_order(pa.Table.from_batches(parts), asked, day)
            number += 1


_END = 2**63 - 1


class _Source:
    """The rows of one file, of which those of the lowest batch can be taken."""

    def __init__(self, file: TableFiles, split: str, asked: Sequence[str]) -> None:
        rows = (pds.field("split") == split) & pds.field("batch_id").is_valid()
        self._read = file.dataset().to_batches(
            columns=list(dict.fromkeys([*asked, *_PLACE])),
            filter=rows,
            batch_size=_ROWS_AT_A_TIME,
        )
        self._rows: pa.RecordBatch | None = None
        self._move()

    def _move(self) -> None:
        """Go on to rows that were not read yet, if there are any."""
        self._rows = next((rows for rows in self._read if rows.num_rows), None)

    @property
    def next_batch(self) -> int:
        if self._rows is None:
            return _END
        first: int = self._rows["batch_id"][0].as_py()
        return first

    def rows_of(self, batch: int) -> Iterator[pa.RecordBatch]:
        """Give the rows of a batch that none before it is left of."""
        while self._rows is not None and self.next_batch == batch:
            end = np.searchsorted(self._rows["batch_id"].to_numpy(), batch, side="right")
            yield self._rows.slice(0, end)
            if end == self._rows.num_rows:
                self._move()
            else:
                self._rows = self._rows.slice(end)


def _in_order(rows: pa.Table, asked: Sequence[str], day: date | None) -> pa.Table:
    wanted = rows["batch_rows"][0].as_py()
    if rows.num_rows != wanted:
        batch = f"batch {rows['batch_id'][0].as_py()} of {day}"
        found, expected = f"{rows.num_rows} rows", f"{wanted} rows"
        # Batches are a matter of the whole date: those that are left cannot be made whole.
        step = (
            f"Where winnow forget erased rows of users, run winnow build --ds {day}: it makes "
            "whole batches of all others. Then open the new release."
        )
        raise ReleaseError(Problem(batch, "rows of it are missing", found, expected, step))
    return rows.take(pa.array(np.argsort(rows["slot"].to_numpy()))).select(list(asked))
