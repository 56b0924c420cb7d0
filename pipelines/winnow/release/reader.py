"""The audited rows of one or more releases, in every form that a trainer reads.

    import winnow
    release = winnow.open_dates("warehouse", date(2026, 1, 1), date(2026, 1, 3))
    samples = release.polars("training_samples")

A pin vouches for one date only. The newest version of a table may hold rows of other dates that
no release names; none of the methods here shows them.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as pds

from winnow.errors import MissingExtraError, Problem, ReleaseError
from winnow.extras import missing
from winnow.release.metadata import (
    PinnedFile,
    arrow_schema,
    open_version,
)
from winnow.release.paths import table_path
from winnow.release.pins import files_of_pin
from winnow.release.release import Release, TablePin
from winnow.release.table_files import TableFiles
from winnow.release.whole_batches import whole_batches
from winnow.storage.object_path import Place

if TYPE_CHECKING:
    import polars as pl
    from pyspark.sql import DataFrame, SparkSession


class ReleaseReader:
    """The audited rows of one or more releases, one per date.

    Attributes:
        releases: They, by date.
        warehouse: The folder of all tables.
    """

    def __init__(self, warehouse: Place, releases: Sequence[Release]) -> None:
        """Take releases of different dates; use ``winnow.open_release``."""
        self.warehouse = warehouse.absolute()
        self.releases = tuple(sorted(releases, key=lambda release: release.ds))
        self._looked_up: dict[str, TableFiles] = {}
        self._process = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin anew in another process that was not forked from this one."""
        self.__dict__ |= state | {"_process": os.getpid()}

    @property
    def dates(self) -> tuple[date, ...]:
        """The dates, in order."""
        return tuple(release.ds for release in self.releases)

    @property
    def config_hashes(self) -> tuple[str, ...]:
        """The different configs that built the dates: more than one means unlike samples."""
        return tuple(dict.fromkeys(release.config_hash for release in self.releases))

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that every date has."""
        per_date = [{pin.table for pin in release.tables} for release in self.releases]
        return tuple(sorted(set.intersection(*per_date)))

    def files(self, table: str) -> list[str]:
        """Return the Parquet files of a table: those of its dates, each in the pinned version.

        The date is in the folder's name (``ds=2026-01-01``), not in the file.

        Raises:
            ReleaseError: A date has no such table, or its version or a file of it has expired.
        """
        return self.table_files(table).paths

    def table_files(self, table: str) -> TableFiles:
        """Return schema and files of a table as plain data, for the workers of a data loader.

        Call it before workers start: one that is forked from this process cannot look them up, and
        has those that were looked up here.

        Raises:
            ReleaseError: As for ``files``; or a forked worker asks for a table that was not looked
                up before.
        """
        if self._process == os.getpid():
            files = tuple((str(file.path), file.ds) for file in self._files(table))
            self._looked_up[table] = TableFiles(self._schema(table), files)
        elif table not in self._looked_up:
            raise ReleaseError(
                Problem(
                    table,
                    "its files cannot be looked up by a worker that was forked from the process "
                    "that opened the release",
                    next_step=f"Call table_files({table!r}) before the workers start.",
                )
            )
        return self._looked_up[table]

    def arrow(self, table: str) -> pds.Dataset:
        """Return a table as a PyArrow dataset, columns as in its contract, ``ds`` among them.

        Raises:
            ReleaseError: A date has no such table, or its version or a file of it has expired.
        """
        return self.table_files(table).dataset()

    def batches(
        self, split: str = "train", columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Give the rows of training_samples batch by batch, as ``in_batch`` of a config made them.

        Workers of a data loader call ``whole_batches`` with what ``table_files`` returned.

        Args:
            split: ``train``, ``valid`` or ``test``.
            columns: The columns to give; by default all.

        Yields:
            The rows of a batch in the order of ``slot``; dates one after the other.

        Raises:
            ReleaseError: As for ``files``, or the table says nothing of batches.
        """
        return whole_batches(self.table_files("training_samples"), split, columns)

    def polars(self, table: str) -> "pl.LazyFrame":
        """Return a table as a Polars frame, columns as in its contract, ``ds`` among them.

        Raises:
            ReleaseError: A date has no such table, or its version or a file of it has expired.
            MissingExtraError: Polars is not installed.
        """
        try:
            import polars as pl
        except ImportError as error:
            raise MissingExtraError(missing("polars")) from error
        known = self.table_files(table)
        empty = pl.from_arrow(known.schema.empty_table())
        assert isinstance(empty, pl.DataFrame)
        files = known.paths
        if not files:
            return empty.lazy()
        # Spark may have written timestamps as INT96, which Polars takes for naive nanoseconds.
        casts = pl.ScanCastOptions(
            datetime_cast=["nanosecond-downcast", "convert-timezone"],
            missing_struct_fields="raise",
        )
        return pl.scan_parquet(
            files,
            schema={**empty.schema},
            cast_options=casts,
            hive_partitioning=True,
            hive_schema={"ds": pl.Date},
            glob=False,
        ).select(empty.columns)

    def spark(self, spark: "SparkSession", table: str) -> "DataFrame":
        """Return a table as a frame of either engine: each date from its own version.

        Raises:
            ReleaseError: A date has no such table, or its version or a file of it has expired.
        """
        # An engine is needed here only, and whoever passes one has it.
        from winnow.release.file_frames import frame_of_files, read_schema

        files = self._files(table)
        path = table_path(self.warehouse, table)
        parts = [
            frame_of_files(
                spark,
                [file.path for file in files if file.ds == release.ds],
                read_schema(path, pin.version),
                release.ds,
            )
            for release, pin in self.pins(table)
        ]
        return reduce(lambda one, other: one.unionByName(other), parts)

    def pins(self, table: str) -> list[tuple[Release, TablePin]]:
        """Return of each date its release, and the version and content of a table in it.

        Raises:
            ReleaseError: A date has no such table.
        """
        found = [(release, release.pin(table)) for release in self.releases]
        ReleaseError.raise_if_any(
            Problem(
                release.release_id,
                f"the release of {release.ds} has no table {table}",
                found=", ".join(pin.table for pin in release.tables),
            )
            for release, pin in found
            if pin is None
        )
        return [(release, pin) for release, pin in found if pin is not None]

    def _files(self, table: str) -> list[PinnedFile]:
        files: list[PinnedFile] = []
        problems: list[Problem] = []
        for release, pin in self.pins(table):
            found = files_of_pin(self.warehouse, release, pin)
            files += found.files
            problems += (
                Problem(
                    table,
                    f"the release of {release.ds} has expired or was damaged: {fault.text}",
                    next_step=fault.next_step,
                )
                for fault in found.faults
            )
        ReleaseError.raise_if_any(problems)
        return files

    def _schema(self, table: str) -> pa.Schema:
        _, pin = self.pins(table)[-1]
        return arrow_schema(open_version(table_path(self.warehouse, table), pin.version))
