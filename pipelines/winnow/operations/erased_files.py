"""Files of a pinned table without the rows of some users, proven by subtraction.

The content hash is a sum of row hashes, so what a table holds afterwards is known beforehand: what
it held, less the hashes of the rows that go. The files that take their place, and the rows that go,
are hashed by the engine, and must come to just that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.errors import Problem, ReleaseError
from winnow.operations.erased_users import ErasedUsers, columns_to_look_at
from winnow.release.content_hash import content_hash_of_columns
from winnow.release.file_frames import frame_of_files, read_schema
from winnow.release.linked_files import LinkedFile, link_unchanged
from winnow.release.metadata import PinnedFile, dataset_of
from winnow.release.paths import table_path
from winnow.release.release import ContentHash, TablePin
from winnow.release.sorted_files import SortedFiles
from winnow.release.store import Store
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


def write_without(
    touched: TouchedTable, users: ErasedUsers, folder: Path, store: Store, scratch: Path
) -> WrittenTable:
    """Write the files of a table that hold rows of the users again, without these.

    The other rows keep their order, and their files; files without such a row are linked.

    Args:
        touched: The table. users: Whose rows go.
        folder: Of the date, below the published table.
        store: Of the warehouse. scratch: A folder for the rows that go, while they are hashed.

    Raises:
        ReleaseError: The table does not hold what its release says, or what was written is not
            the rest of it. Nothing was committed; the files that were written are removed.
    """
    new: list[LinkedFile] = []
    gone: list[pa.Table] = []
    try:
        for file, rows_to_go in touched.files.items():
            if not rows_to_go:
                n_rows = dataset_of(touched.schema, [file]).count_rows()
                new.append(link_unchanged(file.path, folder, n_rows))
                continue
            rows = _read(touched.pin.table, file, touched.schema)
            own = users.rows_in(touched.pin.table, rows, touched.id_columns)
            gone.append(rows.filter(pa.array(own)))
            left = rows.filter(pa.array(~own))
            if left.num_rows:
                new.append(_write(left, touched, folder))
        content = _content(touched, [one.path for one in new], store)
        _prove(touched, content, pa.concat_tables(gone), store, scratch)
    except BaseException:
        for one in new:
            one.path.unlink(missing_ok=True)
        raise
    return WrittenTable(tuple(new), content)


def _prove(
    touched: TouchedTable, content: ContentHash, gone: pa.Table, store: Store, scratch: Path
) -> None:
    """Check that a table's new files and the rows that go are together what was released.

    Raises:
        ReleaseError: They are not.
    """
    path = scratch / f"{uuid4()}.parquet"
    pq.write_table(gone.drop_columns(["ds"]), path)
    less = _content(touched, [path], store)
    path.unlink()
    released = touched.pin.content
    wanted = ContentHash(released.rows - less.rows, str(int(released.total) - int(less.total)))
    if content == wanted:
        return
    if (held := _content(touched, [file.path for file in touched.files], store)) != released:
        what = "does not hold what the release says"
        step = "Nothing of it was erased. Build the date again, then forget again."
        found, expected = held, released
    else:
        what = "what was written is not what the table held less the rows that go"
        step = "Nothing of it was erased. Check the storage, then run it again."
        found, expected = content, wanted
    where = f"{touched.pin.table} of {touched.ds}, version {touched.pin.version}"
    raise ReleaseError(Problem(where, what, str(found), str(expected), next_step=step))


def _content(touched: TouchedTable, files: Sequence[Path], store: Store) -> ContentHash:
    """Return what some files hold of the table."""
    schema = read_schema(table_path(store.warehouse, touched.pin.table), touched.pin.version)
    return content_hash_of_columns(frame_of_files(store.spark, files, schema, touched.ds))


def _write(rows: pa.Table, touched: TouchedTable, folder: Path) -> LinkedFile:
    """Write rows as the table's files are written."""
    stored = pa.schema([one.with_nullable(True) for one in touched.schema if one.name != "ds"])
    sort_by = "shuffle_key" if "shuffle_key" in stored.names else None
    files = SortedFiles(str(folder), stored, None, sort_by, DEFAULT_LIMITS)
    (name,) = files.write_files([rows.drop_columns(["ds"])])
    # As files are named that a run has linked.
    path = (folder / name).rename(folder / f"part-00000-{uuid4()}.parquet")
    return LinkedFile(path, rows.num_rows)


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
