"""The rows of ``releases``: found by what the Delta log says of their files, read column by column.

A release is appended as one file, of which the log holds the release's id, number and date. So the
log alone tells which releases there are, and one release is read from its own file, however many
there are. Files of which the log says too little, as after a compaction, are looked into.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pds
from deltalake import DeltaTable

from winnow.errors import Problem, ReleaseError
from winnow.release.metadata import PinnedFile, arrow_schema, dataset_of, files_and_stats
from winnow.release.release import OF_PIN, OF_RELEASE
from winnow.storage.file_systems import raise_if_refused
from winnow.storage.object_path import Place

KEYS = ("release_id", "seq", "ds")
"""The columns of which the log knows the least and the greatest value in each file."""


@dataclass(frozen=True)
class ListedRelease:
    """A release as the log lists it.

    Attributes:
        release_id, seq, ds: As in ``Release``.
        files: Those that hold its rows.
        schema: The columns of the table.
    """

    release_id: str
    seq: int
    ds: date
    files: tuple[PinnedFile, ...]
    schema: pa.Schema

    def rows(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Return some columns of its rows; no others are read.

        Raises:
            ReleaseError: A file of them is gone or cannot be read.
            StoreError: Their object store does not answer, or refuses.
        """
        own = pds.field("release_id") == self.release_id
        step = f"Build {self.ds} again: it is then released anew."
        try:
            table = dataset_of(self.schema, self.files).to_table(columns=list(columns), filter=own)
        except (OSError, pa.ArrowException) as error:
            raise_if_refused(str(self.files[0].path.parent), error)
            raise ReleaseError(_unreadable(f"the release of {self.ds}", error, step)) from error
        return list(table.to_pylist())


def listed_releases(path: Place, table: DeltaTable) -> tuple[ListedRelease, ...]:
    """Return the releases that an open ``releases`` table names, oldest first.

    Raises:
        ReleaseError: A file must be looked into and cannot be read, or the table has not the
            columns of this version.
        StoreError: As ``ListedRelease.rows``.
    """
    schema = arrow_schema(table)
    _require(schema, (*OF_RELEASE, *OF_PIN))
    files: dict[tuple[int, str, date], list[PinnedFile]] = {}
    for file, stats in files_and_stats(path, table):
        for key in () if file.rows == 0 else _keys_in_stats(stats) or _keys_in(file, schema):
            files.setdefault(key, []).append(file)
    return tuple(
        ListedRelease(release_id, seq, ds, tuple(files[seq, release_id, ds]), schema)
        for seq, release_id, ds in sorted(files)
    )


def _keys_in_stats(stats: dict[str, Any]) -> list[tuple[int, str, date]]:
    """Return the one release of a file where the log tells it, else nothing."""
    least = [stats.get(f"min.{name}") for name in KEYS]
    most = [stats.get(f"max.{name}") for name in KEYS]
    if None in least or least != most:
        return []
    release_id, seq, ds = (stats[f"min.{name}"] for name in KEYS)
    return [(int(seq), str(release_id), ds)] if isinstance(ds, date) else []


def _keys_in(file: PinnedFile, schema: pa.Schema) -> Iterable[tuple[int, str, date]]:
    step = f"Restore {file.path} from a backup."
    try:
        rows = dataset_of(schema, [file]).to_table(columns=list(KEYS)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise_if_refused(str(file.path), error)
        raise ReleaseError(_unreadable("a file of releases", error, step)) from error
    return {(row["seq"], row["release_id"], row["ds"]) for row in rows}


def _require(schema: pa.Schema, columns: Sequence[str]) -> None:
    """Check that the table has the columns of this version.

    Raises:
        ReleaseError: Another version of Winnow made it.
    """
    missing = [name for name in columns if name not in schema.names]
    ReleaseError.raise_if_any(
        Problem(
            "releases",
            f"the column {name} is missing: another version of Winnow made the table",
            next_step="Read it with that version, or build the dates again in a new warehouse.",
        )
        for name in missing
    )


def _unreadable(what: str, error: Exception, step: str) -> Problem:
    why = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return Problem("releases", f"{what} cannot be read", found=why, next_step=step)
