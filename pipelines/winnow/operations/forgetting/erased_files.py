"""Files of a pinned table without the rows of some users, proven by subtraction.

The content hash is a sum of row hashes, so what a table holds afterwards is known: what it held,
less the hashes of the rows that go. Only these are hashed, by the engine. That the files which take
the place of the old ones hold all others is seen by reading them again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from winnow.arrays.equal_tables import equal_tables
from winnow.errors import Problem, ReleaseError, StoreError
from winnow.operations.forgetting.erased_users import ErasedUsers, columns_to_look_at
from winnow.release.content_hash import content_hashes_by
from winnow.release.file_frames import frame_of_file
from winnow.release.linked_files import LinkedFile, link_unchanged, put_file
from winnow.release.metadata import PinnedFile, dataset_of
from winnow.release.release import ContentHash, TablePin
from winnow.release.sorted_files import SortedFiles
from winnow.release.store import Store
from winnow.spark.limits import DEFAULT_LIMITS
from winnow.storage.file_systems import store_refused
from winnow.storage.object_path import Place

_NUMBER = "_touched_table"
"""Which of several tables a row is of; no contract has such a column."""


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


@dataclass(frozen=True, eq=False)
class WrittenTable:
    """What takes the place of a touched table.

    Attributes:
        files: Its files, in the folder of the date; no version names them yet.
        gone: The rows that are not in them.
    """

    files: tuple[LinkedFile, ...]
    gone: pa.Table


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


def write_without(
    touched: TouchedTable, users: ErasedUsers, folder: Place, scratch: Path
) -> WrittenTable:
    """Write the files of a table that hold rows of the users again, without these.

    The other rows keep their files, and their order where that is the one of tasks; a file that
    Spark itself has written is not in the order of its splits, and then is. Files without such a
    row are linked. What was written is read again and compared, value by value.

    Args:
        touched: The table. users: Whose rows go.
        folder: Of the date, below the published table.
        scratch: A folder of this machine for files that are not whole yet.

    Raises:
        ReleaseError: A file is not the one that was released, or what was written is not the rest
            of it. Nothing was committed; the files that were written are removed.
    """
    new: list[LinkedFile] = []
    gone: list[pa.Table] = []
    try:
        for file, rows_to_go in touched.files.items():
            if not rows_to_go:
                n_rows = dataset_of(touched.schema, [file]).count_rows()
                new.append(link_unchanged(file.path, folder, n_rows))
                continue
            rows = _released_rows(touched, file)
            own = users.rows_in(touched.pin.table, rows, touched.id_columns)
            gone.append(rows.filter(pa.array(own)))
            left = rows.filter(pa.array(~own))
            if left.num_rows:
                left = _sorted_files(touched, scratch).in_order(left)
                new.append(_write(left, touched, folder, scratch))
                _compare(touched, left, new[-1])
    except BaseException:
        remove_written(new)
        raise
    return WrittenTable(tuple(new), pa.concat_tables(gone))


def remove_written(files: Iterable[LinkedFile]) -> None:
    """Remove files that no version names; what a store does not delete now, vacuum does."""
    for one in files:
        with suppress(StoreError):
            one.path.unlink(missing_ok=True)


def contents_without(
    written: Mapping[TouchedTable, WrittenTable], store: Store, scratch: Path
) -> dict[TouchedTable, ContentHash]:
    """Return what each table holds afterwards: what was released less the rows that go.

    The engine hashes these rows, those of all dates and releases of a table in one pass.

    Args:
        written: What was written of each table.
        store: Of the warehouse. scratch: A folder for the rows, while they are hashed.
    """
    alike: dict[tuple[str, str], list[TouchedTable]] = defaultdict(list)
    for one in written:
        alike[one.pin.table, str(one.schema)].append(one)
    found: dict[TouchedTable, ContentHash] = {}
    for tables in alike.values():
        numbered = [
            written[one].gone.append_column(
                _NUMBER, pa.array(np.full(written[one].gone.num_rows, number))
            )
            for number, one in enumerate(tables)
        ]
        path = scratch / f"{uuid4()}.parquet"
        pq.write_table(pa.concat_tables(numbered), path)
        hashed = content_hashes_by(frame_of_file(store.spark, path), _NUMBER)
        path.unlink()
        for number, one in enumerate(tables):
            less, released = hashed[number], one.pin.content
            total = str(int(released.total) - int(less.total))
            found[one] = ContentHash(released.rows - less.rows, total)
    return found


def _released_rows(touched: TouchedTable, file: PinnedFile) -> pa.Table:
    """Return the rows of a file that is as long as the log says, and has as many rows.

    Raises:
        ReleaseError: It is another one, or cannot be read.
    """
    rows = _read(touched.pin.table, file, touched.schema)
    found = file.path.stat().st_size, rows.num_rows
    expected = file.size, rows.num_rows if file.rows is None else file.rows
    if found == expected:
        return rows
    what = "does not hold what the release says"
    step = "Nothing of it was erased. Build the date again, then forget again."
    held, released = ("{} bytes, {} rows".format(*one) for one in (found, expected))
    where = f"{touched.pin.table} of {touched.ds}, {file.path.name}"
    raise ReleaseError(Problem(where, what, held, released, next_step=step))


def _compare(touched: TouchedTable, left: pa.Table, written: LinkedFile) -> None:
    """Check that a file holds the rows that were to be written.

    Raises:
        ReleaseError: It does not.
    """
    file = PinnedFile(written.path, written.path.stat().st_size, touched.ds)
    if equal_tables(_read(touched.pin.table, file, touched.schema), left):
        return
    what = "what was written is not what the table held less the rows that go"
    step = "Nothing of it was erased. Check the storage, then run it again."
    where = f"{touched.pin.table} of {touched.ds}, version {touched.pin.version}"
    raise ReleaseError(Problem(where, what, next_step=step))


def _sorted_files(touched: TouchedTable, folder: Path) -> SortedFiles:
    stored = pa.schema([one.with_nullable(True) for one in touched.schema if one.name != "ds"])
    sort_by = "shuffle_key" if "shuffle_key" in stored.names else None
    return SortedFiles(str(folder), stored, None, sort_by, DEFAULT_LIMITS)


def _write(rows: pa.Table, touched: TouchedTable, folder: Place, scratch: Path) -> LinkedFile:
    """Write rows as the table's files are written."""
    (name,) = _sorted_files(touched, scratch).write_files([rows.drop_columns(["ds"])])
    # As files are named that a run has linked.
    path = folder / f"part-00000-{uuid4()}.parquet"
    put_file(scratch / name, path)
    (scratch / name).unlink()
    return LinkedFile(path, rows.num_rows)


def _read(
    table: str, file: PinnedFile, schema: pa.Schema, columns: Sequence[str] | None = None
) -> pa.Table:
    try:
        return dataset_of(schema, [file]).to_table(columns=columns)
    except (OSError, pa.ArrowException) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        step = "Nobody knows whether it holds rows of the users. "
        step += "Run it again." if store_refused(error) else "Build the date again."
        raise ReleaseError(
            Problem(f"{table}: {file.path}", "cannot be read", why, next_step=step)
        ) from error
