"""The rows of a table in batches, one file after the other: memory does not grow with them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.dataset as pds

from winnow.errors import ConfigError, Problem
from winnow.release.reader import ReleaseReader
from winnow.release.table_files import TableFiles

ROWS = 16_384
"""Rows of a batch; with some hundred negatives each they are some ten megabytes."""


def table_of(release: ReleaseReader, table: str, columns: Sequence[str] = ()) -> TableFiles:
    """Return the files of a table, in an order that does not change.

    Raises:
        ReleaseError: As for ``ReleaseReader.files``.
        ConfigError: A column is not there.
    """
    found = release.table_files(table)
    missing = [name for name in columns if name not in found.schema.names]
    if missing:
        known = ", ".join(found.schema.names)
        what = f"is no column of {table}"
        raise ConfigError(Problem(", ".join(missing), what, expected=known))
    return replace(found, files=tuple(sorted(found.files, key=lambda one: (str(one[1]), one[0]))))


def rows_of(
    files: TableFiles, columns: Sequence[str], split: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Give some columns of all rows, date by date, in the order of the files.

    Args:
        files: What ``table_of`` returned. columns: Those to read.
        split: ``train``, ``valid`` or ``test``; None: all.
    """
    wanted = None if split is None else pds.field("split") == split
    for file in files.files:
        batches = (
            replace(files, files=(file,))
            .dataset()
            .to_batches(columns=list(columns), filter=wanted, batch_size=ROWS, batch_readahead=2)
        )
        yield from (batch for batch in batches if batch.num_rows)
