"""The store of the engine sail: its tasks write staged files, delta-rs appends releases."""

from functools import partial
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, write_deltalake
from deltalake.exceptions import CommitFailedError
from pyspark.sql import DataFrame

from winnow.contracts.tables import TableContract
from winnow.release.commits import Label, conflict
from winnow.release.metadata import arrow_schema, open_version
from winnow.release.paths import RELEASES, table_path
from winnow.release.release import Release, releases_contract
from winnow.release.releases import ReleasesSnapshot
from winnow.release.store import Store
from winnow.release.task_writer import unchanged, written_by_tasks


class SailStore(Store):
    """The ``Store`` of the engine sail, whose own Delta commits check too little."""

    def write_staged(self, frame: DataFrame, contract: TableContract, path: Path) -> None:
        """Write a frame by the tasks that have its rows; see ``Store``."""
        table = contract.table
        as_it_is = partial(unchanged, table)
        written_by_tasks(frame, as_it_is, {table: contract}, {table: path}, self.limits)

    def append_release(self, release: Release, snapshot: ReleasesSnapshot) -> None:
        """Append all rows of a release in one commit, unless the table changed; see ``Store``."""
        path = table_path(self.warehouse, RELEASES)
        # A handle at the version that was read, and no retry: any commit since then refuses this.
        table = open_version(path, snapshot.version)
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
