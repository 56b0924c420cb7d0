"""Stages, commits and reads the tables of one warehouse: the seam behind which engines differ."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import date
from functools import reduce
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from winnow.contracts.spark_schema import spark_schema
from winnow.contracts.tables import TableContract
from winnow.errors import GateError, Problem, ReleaseError
from winnow.release.commits import Label, require_date
from winnow.release.content_hash import content_hash, measure
from winnow.release.creation import ensure_table
from winnow.release.delta_log import version_labelled
from winnow.release.file_frames import files_by_day, frame_as_written, frame_of_files, read_schema
from winnow.release.guarded_append import append_unless_changed
from winnow.release.linked_files import DayCommit, LinkedFile, link_files
from winnow.release.metadata import (
    TableProtocol,
    pinned_files,
    read_protocol,
    table_exists,
)
from winnow.release.paths import staged_table_path, table_path
from winnow.release.release import ContentHash, Release
from winnow.release.releases import ReleasesSnapshot, read_releases
from winnow.release.schema_check import check_schema, schema_problems
from winnow.release.staged_table import FileState, StagedTable
from winnow.release.task_writer import Maker, written_by_tasks
from winnow.spark.limits import DEFAULT_LIMITS, Limits
from winnow.storage.object_path import Place, local_path


class Store(ABC):
    """The tables of one warehouse, for one engine.

    Every write compares the exact schema first. Commits carry a ``Label`` as ``userMetadata``. A
    staged table is Parquet, the very files that are published: sorted by ``shuffle_key``, in
    folders ``ds=date``, without ``ds``. To promote it is to link them into the Delta table.

    Engines differ in who writes a frame (``write_staged``).

    Attributes:
        spark: The session.
        limits: How much tasks write at a time.
    """

    def __init__(
        self,
        spark: SparkSession,
        warehouse: Place,
        retention_days: int = 400,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        """Take a session; ``retention_days`` go into the properties of new tables."""
        self.spark = spark
        self.limits = limits
        self._warehouse = warehouse.absolute()
        self._retention_days = retention_days

    @property
    def warehouse(self) -> Place:
        """The folder of all tables, or the prefix in an object store."""
        return self._warehouse

    @property
    def folder(self) -> Path:
        """The same, of a warehouse that is a folder: a TypeError of one in an object store."""
        return local_path(self._warehouse)

    def ensure_table(self, contract: TableContract) -> None:
        """Create the table, or check that the one that is there has the contract's columns.

        Raises:
            ConfigError: The table has other columns, as another config made it; names them.
        """
        path = table_path(self._warehouse, contract.table)
        ensure_table(path, contract, self._retention_days)

    def stage(self, frame: DataFrame, contract: TableContract, run_id: str) -> StagedTable:
        """Write a frame to the run's staging and read it back; replaces what was staged before.

        Published files are in the order of ``shuffle_key``, where the table has one.

        Raises:
            GateError: The frame has other columns than the contract, or NULL where none may be.
        """
        check_schema(frame.schema, contract)
        path = staged_table_path(self._warehouse, run_id, contract.table)
        self.write_staged(frame, contract, path)
        return self._measured(contract, run_id, path)

    def stage_together(
        self,
        frame: DataFrame,
        make: Maker,
        contracts: Iterable[TableContract],
        run_id: str,
    ) -> dict[str, StagedTable]:
        """Write the tables that are made of a frame's rows in one pass, and read each back.

        Args:
            frame: The rows.
            make: Gives the rows of each table, with the contract's columns in its order.
            contracts: The tables that ``make`` gives rows of.
            run_id: As in ``stage``.

        Raises:
            GateError: ``make`` gives other columns than a contract, or NULL where none may be.
        """
        wanted = {contract.table: contract for contract in contracts}
        if not wanted:
            return {}
        # Of no rows, here: a task's error would come back with the engine's words around it.
        none = make(to_arrow_schema(frame.schema).empty_table())
        GateError.raise_if_any(
            problem
            for table, rows in none
            for problem in schema_problems(
                table, from_arrow_schema(rows.schema), spark_schema(wanted[table])
            )
        )
        paths = {table: staged_table_path(self._warehouse, run_id, table) for table in wanted}
        written_by_tasks(frame, make, wanted, paths, self.limits)
        return {table: self._measured(wanted[table], run_id, path) for table, path in paths.items()}

    def _measured(self, contract: TableContract, run_id: str, path: Path) -> StagedTable:
        """Read back what was written.

        Raises:
            GateError: NULL stands where none may be.
        """
        # In the folder or in one of a date: what lies deeper, an engine has not finished.
        found = sorted([*path.glob("*.parquet"), *path.glob("*=*/*.parquet")])
        files = {file: FileState.of(file) for file in found}
        measured = measure(self._rows_of(found, contract), contract)
        GateError.raise_if_any(
            Problem(
                f"{contract.table}.{column}",
                "the contract says NOT NULL",
                found=f"NULL in {rows} rows",
            )
            for column, rows in measured.nulls.items()
        )
        return StagedTable(
            contract, run_id, files, measured.content, measured.first_day, measured.last_day
        )

    @abstractmethod
    def write_staged(self, frame: DataFrame, contract: TableContract, path: Path) -> None:
        """Write a frame, whose schema is the contract's, in place of what the folder holds.

        As Parquet files in the order of ``shuffle_key``, where the table has one, each in a folder
        ``ds=date`` and without the column ``ds``.
        """

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit.

        By delta-rs on every engine: Spark's own Delta took 15 of the 134 CPU seconds of a small
        build for these few rows, and sessions need no settings of Delta for it.

        Raises:
            ConflictError: ``releases`` changed since the snapshot; nothing was appended.
        """
        append_unless_changed(self._warehouse, release, snapshot)

    def read_staged(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows in the contract's columns."""
        return self._rows_of(staged.files, staged.contract)

    def _rows_of(self, files: Iterable[Path], contract: TableContract) -> DataFrame:
        schema, days = spark_schema(contract), files_by_day(files) or [(None, [])]
        frames = [frame_of_files(self.spark, files, schema, day) for day, files in days]
        return reduce(DataFrame.unionByName, frames)

    def read_as_written(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows with the types that their files have, whatever the contract says.

        The partition column has the contract's type and place: it stands in folder names.
        """
        days, names = files_by_day(staged.files), staged.contract.names
        frames = [frame_as_written(self.spark, files, names, day) for day, files in days]
        return reduce(DataFrame.unionByName, frames) if frames else self.read_staged(staged)

    def promote(self, staged: StagedTable, day: date, label: Label) -> int:
        """Replace one date of the table by the staged rows in one commit; return its version.

        Proven by reading the version back. Doing it twice does no harm; no rows empty the date.

        Raises:
            ConfigError: ``day`` is not a plain date.
            ConflictError: Somebody else replaced the same date meanwhile.
            ReleaseError: The version does not hold the staged rows.
        """
        contract = staged.contract
        self.replace_day(staged, require_date(day), label)
        version = version_labelled(table_path(self._warehouse, contract.table), label)
        found = self.content_of_version(staged, version, day)
        if found != staged.content:
            raise ReleaseError(
                Problem(
                    contract.table,
                    f"version {version} does not hold what was staged for {day}",
                    found=f"{found.rows} rows with hash {found.total}",
                    expected=f"{staged.content.rows} rows with hash {staged.content.total}",
                    next_step="Nothing was released. Check the storage, then build again.",
                )
            )
        return version

    def replace_day(self, staged: StagedTable, day: date, label: Label) -> None:
        """Replace one date of the table by the staged files, in one commit with the label.

        Raises:
            GateError: A staged file is gone, is of another date or has other columns.
            ConflictError: Somebody else replaced the same date meanwhile.
        """
        path = table_path(self._warehouse, staged.contract.table)
        commit = DayCommit(path, day)
        commit.replace_by(self.link(staged, path / f"ds={day.isoformat()}", day), label)

    def link(self, staged: StagedTable, folder: Place, day: date) -> list[LinkedFile]:
        """Put the staged files into a table's folder of their date; see ``link_files``."""
        return link_files(staged.files, staged.contract, folder, day)

    def content_of_version(self, staged: StagedTable, version: int, day: date) -> ContentHash:
        """Return what one version of a staged table's table holds of the date, from its files.

        Files that are the staged ones, unchanged, under other names were hashed when they were
        staged, and are not hashed again: it would read the same bytes.
        """
        contract = staged.contract
        pinned = pinned_files(table_path(self._warehouse, contract.table), version, day)
        found = {FileState.of(f.path) for f in pinned if isinstance(f.path, Path)}
        if len(found) == len(pinned) and found == set(staged.files.values()):
            return staged.content
        return content_hash(self.read_version(contract.table, version, day), contract)

    def read_version(self, table: str, version: int, day: date) -> DataFrame:
        """Return the rows of one date of one version of a table.

        Raises:
            ReleaseError: The version is not there (any more).
        """
        path = table_path(self._warehouse, table)
        files = [file.path for file in pinned_files(path, version, require_date(day))]
        return frame_of_files(self.spark, files, read_schema(path, version), day)

    def releases_snapshot(self) -> ReleasesSnapshot:
        """Return all releases, and the version that they were read from."""
        return read_releases(self._warehouse)

    def protocol(self, table: str) -> TableProtocol | None:
        """Return the Delta protocol versions of a table; None where it is not there yet."""
        path = table_path(self._warehouse, table)
        return read_protocol(path) if table_exists(path) else None
