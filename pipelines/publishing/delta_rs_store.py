"""Delta tables committed by delta-rs, without Java: for engines whose own commits check too little.

The tasks write a staged table as the files that will be published: sorted, without ``ds``. To
publish them is to link them into the table and to commit their names, so no row is copied. A
commit counts only if nobody replaced the same date since the promotion began.
"""

import json
import shutil
from contextlib import suppress
from datetime import date
from functools import reduce
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from deltalake.transaction import AddAction, RemoveAction
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.dialect import dialect_of
from pipelines.contracts.tables import TableContract
from pipelines.errors import GateError, Problem
from pipelines.publishing.commits import Label, require_date
from pipelines.publishing.content_hash import ContentHash
from pipelines.publishing.engine_store import EngineStore, conflict
from pipelines.publishing.file_frames import frame_of_files
from pipelines.publishing.metadata import arrow_schema, pinned_files
from pipelines.publishing.paths import RELEASES, table_path
from pipelines.publishing.releases import Release, ReleasesSnapshot, releases_contract
from pipelines.publishing.sorted_files import (
    FILES_SCHEMA,
    SortedFiles,
    file_schema,
    folder_of_tasks,
    take_over,
)
from pipelines.publishing.store import StagedTable

_TRIES = 100
"""Each try that fails means that another date was committed, so this many dates at once."""


class DeltaRsStore(EngineStore):
    """The ``Store`` of the sail engine: its tasks write files, delta-rs commits them."""

    def write_staged(self, frame: DataFrame, contract: TableContract, path: Path) -> None:
        """Write a frame as files sorted by ``shuffle_key``, by date; see ``EngineStore``."""
        tasks = folder_of_tasks(path)
        files = self.files_of(contract, tasks)
        written = frame.mapInArrow(files.write, FILES_SCHEMA).toArrow()["name"].to_pylist()
        take_over(tasks, written, path)

    def files_of(self, contract: TableContract, folder: Path) -> SortedFiles:
        """Return the files that will be published; see ``EngineStore``."""
        return SortedFiles.of(contract, folder, partition=contract.partition)

    def read_parquet(self, path: Path, contract: TableContract) -> DataFrame:
        """Return the rows of a staged folder; see ``EngineStore``."""
        schema = contract.spark_schema()
        parts = [
            frame_of_files(self.spark, files, schema, day) for day, files in _files_by_day(path)
        ]
        if not parts:
            return frame_of_files(self.spark, [], schema, None)
        return reduce(DataFrame.unionByName, parts)

    def read_as_written(self, staged: StagedTable) -> DataFrame:
        """Return the staged rows with the types that their files have; see ``Store``."""
        parts = []
        for day, files in _files_by_day(staged.path):
            to_read = dialect_of(self.spark).to_read
            frame = self.spark.read.parquet(*(to_read(f"file://{file}") for file in files))
            names = frame.columns
            names.insert(staged.contract.names.index("ds"), "ds")
            parts.append(frame.withColumn("ds", F.lit(day).cast("date")).select(*names))
        return reduce(DataFrame.unionByName, parts) if parts else self.read_staged(staged)

    def replace_day(self, staged: StagedTable, day: date, label: Label) -> None:
        """Replace one date by the staged files; see ``EngineStore``.

        Raises:
            GateError: The staged rows are of another date, or a file has other columns.
        """
        contract, ds = staged.contract, require_date(day).isoformat()
        path = table_path(self.warehouse, contract.table)
        table = DeltaTable(str(path))
        before = pinned_files(path, table.version(), day)
        files = self.link(staged, path / f"ds={ds}", day)
        actions: list[AddAction | RemoveAction] = [_added(path, file, ds) for file in files]
        properties = CommitProperties(
            custom_metadata={"userMetadata": label.to_json()}, max_commit_retries=0
        )
        try:
            for _ in range(_TRIES):
                with suppress(CommitFailedError):
                    table.create_write_transaction(
                        actions,
                        mode="overwrite",
                        schema=table.schema(),
                        partition_by=["ds"],
                        partition_filters=[("ds", "=", ds)],
                        commit_properties=properties,
                    )
                    return
                # Somebody committed: fine, as long as it was not this date.
                table = DeltaTable(str(path))
                if pinned_files(path, table.version(), day) != before:
                    break
        except BaseException:
            _remove(files)
            raise
        _remove(files)
        raise conflict(contract.table, day)

    def content_of_version(self, staged: StagedTable, version: int, day: date) -> ContentHash:
        """Return what a version holds of a date; see ``EngineStore``.

        Files that are the staged ones under another name were hashed when they were staged, and
        are not hashed again: it would read the same bytes.
        """
        path = table_path(self.warehouse, staged.contract.table)
        named = {_identity(file.path) for file in pinned_files(path, version, day)}
        if named == {_identity(file) for file in staged.path.rglob("*.parquet")}:
            return staged.content
        return super().content_of_version(staged, version, day)

    def link(self, staged: StagedTable, folder: Path, day: date) -> list[Path]:
        """Put the staged files into a table's folder of their date, under new names.

        Raises:
            GateError: They are of another date, or a file has other columns.
        """
        wanted = file_schema(staged.contract).remove(staged.contract.names.index("ds"))
        found = sorted(staged.path.rglob("*.parquet"))
        problems = []
        for file in found:
            if _day_of(file.parent) != day:
                problems.append(Problem(staged.contract.table, f"{file} is not of {day}"))
            if not pq.read_schema(file).equals(wanted):
                problems.append(Problem(staged.contract.table, f"{file} has other columns"))
        GateError.raise_if_any(problems)
        folder.mkdir(parents=True, exist_ok=True)
        linked = []
        for number, file in enumerate(found):
            target = folder / f"part-{number:05d}-{uuid4()}.parquet"
            try:
                target.hardlink_to(file)
            except OSError:  # a file system without hard links
                shutil.copyfile(file, target)
            linked.append(target)
        return linked

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit, unless the table changed; see ``Store``."""
        path = table_path(self.warehouse, RELEASES)
        # A handle at the version that was read, and no retry: any commit since then refuses this.
        table = DeltaTable(str(path), version=snapshot.version)
        names = releases_contract().names
        rows = [{name: row[name] for name in names} for row in release.as_rows()]
        label = Label(release.run_id, 1, release.config_hash, release.code_version)
        try:
            write_deltalake(
                table,
                pa.Table.from_pylist(rows, arrow_schema(table)),
                mode="append",
                commit_properties=CommitProperties(
                    custom_metadata={"userMetadata": label.to_json()}, max_commit_retries=0
                ),
            )
        except CommitFailedError as error:
            raise conflict(RELEASES, release.ds) from error


def _files_by_day(path: Path) -> list[tuple[date | None, list[Path]]]:
    """Return the files of a staged folder by the date of their sub-folder, in order."""
    folders = [path, *sorted(inner for inner in path.iterdir() if inner.is_dir())]
    found = [(_day_of(folder), sorted(folder.glob("*.parquet"))) for folder in folders]
    return [(day, files) for day, files in found if files]


def _day_of(folder: Path) -> date | None:
    try:
        return date.fromisoformat(folder.name.partition("=")[2])
    except ValueError:
        return None


def _added(path: Path, file: Path, ds: str) -> AddAction:
    info = file.stat()
    return AddAction(
        path=file.relative_to(path).as_posix(),
        size=info.st_size,
        partition_values={"ds": ds},
        modification_time=info.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps({"numRecords": pq.read_metadata(file).num_rows}),
    )


def _identity(file: Path) -> tuple[int, int]:
    """Return the device and number of a file: two names of one file have the same."""
    info = file.stat()
    return info.st_dev, info.st_ino


def _remove(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
