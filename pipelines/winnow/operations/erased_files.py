"""Files of a pinned table without the rows of some users, proven by subtraction.

The content hash is a sum of row hashes, so what a table holds afterwards is known beforehand: what
it held, less the hashes of the rows that go. The files that were written are read back and must
come to just that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from winnow.errors import Problem, ReleaseError
from winnow.operations.arrow_row_hash import row_hashes, total_of
from winnow.operations.erased_users import ErasedUsers, columns_to_look_at
from winnow.release.linked_files import LinkedFile, link_unchanged
from winnow.release.metadata import PinnedFile, dataset_of
from winnow.release.release import ContentHash, TablePin
from winnow.release.sorted_files import SortedFiles
from winnow.spark.limits import DEFAULT_LIMITS


@dataclass(frozen=True, eq=False)
class TouchedTable:
    """A pinned table that holds rows of the users.

    Attributes:
        pin: The pin.
        ds: Its date.
        files: Its files, each with how many rows of it are the users'.
        schema: The columns, ``ds`` among them.
        id_columns: As for ``ErasedUsers.rows_in``.
    """

    pin: TablePin
    ds: date
    files: Mapping[PinnedFile, int]
    schema: pa.Schema
    id_columns: Mapping[str, tuple[str, ...]]

    @property
    def rows(self) -> int:
        """How many rows are the users'."""
        return sum(self.files.values())


@dataclass(frozen=True)
class WrittenTable:
    """What took the place of a touched table.

    Attributes:
        files: Its files, in the folder of the date; no version names them yet.
        content: What they hold.
    """

    files: tuple[LinkedFile, ...]
    content: ContentHash


def rows_of_users(
    table: str,
    file: PinnedFile,
    schema: pa.Schema,
    users: ErasedUsers,
    id_columns: Mapping[str, tuple[str, ...]],
) -> int:
    """Return how many rows of a file are of some users; only the columns that tell are read.

    Raises:
        ReleaseError: The file cannot be read.
    """
    columns = [name for name in columns_to_look_at(table) if name in schema.names]
    if not columns:
        return 0
    rows = _read(table, file, schema, columns)
    return int(users.rows_in(table, rows, id_columns).sum())


def write_without(touched: TouchedTable, users: ErasedUsers, folder: Path) -> WrittenTable:
    """Write the files of a table that hold rows of the users again, without these.

    The other rows keep their order, and their files; files without such a row are linked.

    Args:
        touched: The table. users: Whose rows go.
        folder: Of the date, below the published table.

    Raises:
        ReleaseError: The table does not hold what its release says, or what was written is not
            the rest of it. Nothing was committed; the files that were written are removed.
    """
    table = touched.pin.table
    linked: list[LinkedFile] = []
    written: list[LinkedFile] = []
    held = kept = gone_total = gone_rows = 0
    try:
        for file, rows_to_go in touched.files.items():
            rows = _read(table, file, touched.schema)
            hashes = row_hashes(rows)
            held += total_of(hashes)
            if not rows_to_go:
                linked.append(link_unchanged(file.path, folder, rows.num_rows))
                kept += total_of(hashes)
                continue
            own = users.rows_in(table, rows, touched.id_columns)
            gone_rows, gone_total = gone_rows + int(own.sum()), gone_total + total_of(hashes[own])
            left = rows.filter(pa.array(~own))
            if left.num_rows:
                written.append(_write(left, touched, folder))
        content = touched.pin.content
        if held != int(content.total):
            what = "does not hold what the release says"
            step = "Nothing of it was erased. Build the date again, then forget again."
            raise ReleaseError(
                Problem(_where(touched), what, str(held), content.total, next_step=step)
            )
        wanted = ContentHash(content.rows - gone_rows, str(held - gone_total))
        found = _content(touched, linked, kept, written)
        if found != wanted:
            what = "what was written is not what the table held less the rows that go"
            step = "Nothing of it was erased. Check the storage, then run it again."
            raise ReleaseError(
                Problem(_where(touched), what, str(found), str(wanted), next_step=step)
            )
    except BaseException:
        for one in (*linked, *written):
            one.path.unlink(missing_ok=True)
        raise
    return WrittenTable((*linked, *written), wanted)


def _write(rows: pa.Table, touched: TouchedTable, folder: Path) -> LinkedFile:
    """Write rows as the table's files are written."""
    stored = pa.schema([one.with_nullable(True) for one in touched.schema if one.name != "ds"])
    sort_by = "shuffle_key" if "shuffle_key" in stored.names else None
    files = SortedFiles(str(folder), stored, None, sort_by, DEFAULT_LIMITS)
    (name,) = files.write_files([rows.drop_columns(["ds"])])
    # As files are named that a run has linked.
    path = (folder / name).rename(folder / f"part-00000-{uuid4()}.parquet")
    return LinkedFile(path, rows.num_rows)


def _content(
    touched: TouchedTable, linked: Sequence[LinkedFile], kept: int, written: Sequence[LinkedFile]
) -> ContentHash:
    """Return what the files hold: those that were linked are known, the others are read back."""
    total, rows = kept, sum(one.rows for one in linked)
    for one in written:
        file = PinnedFile(one.path, 0, touched.ds)
        hashes = row_hashes(_read(touched.pin.table, file, touched.schema))
        rows, total = rows + len(hashes), total + total_of(hashes)
    return ContentHash(rows, str(total))


def _read(
    table: str, file: PinnedFile, schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    try:
        return dataset_of(schema, [file]).to_table(columns=columns)
    except (OSError, pa.ArrowException) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        step = "Nobody knows whether it holds rows of the users. Build the date again."
        raise ReleaseError(
            Problem(f"{table}: {file.path}", "cannot be read", why, next_step=step)
        ) from error


def _where(touched: TouchedTable) -> str:
    return f"{touched.pin.table} of {touched.ds}, version {touched.pin.version}"
