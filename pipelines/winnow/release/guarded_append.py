"""A release appended by delta-rs: no other one comes between, and no engine is needed."""

import pyarrow as pa
from deltalake import CommitProperties, write_deltalake
from deltalake.exceptions import CommitFailedError

from winnow.release.commits import Label, conflict
from winnow.release.metadata import arrow_schema, open_version
from winnow.release.paths import RELEASES, table_path
from winnow.release.release import Release, releases_contract
from winnow.release.releases import ReleasesSnapshot
from winnow.storage.object_path import Place


def append_unless_changed(warehouse: Place, release: Release, snapshot: ReleasesSnapshot) -> None:
    """Append all rows of a release in one commit, as ``Store.append_release`` says.

    Raises:
        ConflictError: ``releases`` changed since the snapshot; nothing was appended.
    """
    # A handle at the version that was read, and no retry: any commit since then refuses this.
    table = open_version(table_path(warehouse, RELEASES), snapshot.version)
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
