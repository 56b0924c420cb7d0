"""Tables that several runs would stage alike: staged by the first, and linked by the others."""

import shutil
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pyspark.sql import DataFrame

from winnow.contracts.tables import TableContract
from winnow.release.paths import staged_table_path
from winnow.release.staged_table import FileState, StagedTable
from winnow.release.store import Store


class LinkedTables:
    """Keeps links to what was staged, as the staging of a run ends with its release."""

    def __init__(self, folder: Path) -> None:
        """Keep them in a folder, on the file system of the warehouses."""
        self._folder = folder
        self._known: dict[tuple[str, Hashable], StagedTable] = {}

    def stage(
        self,
        frame: DataFrame,
        contract: TableContract,
        made_by: Hashable,
        store: Store,
        run_id: str,
    ) -> StagedTable:
        """Stage a table as ``Store.stage`` does, or link the files of one that is made alike.

        Where a file system has no links every run writes its own.

        Args:
            frame: The rows. contract: The table.
            made_by: Equal where the rows are.
            store: Where they go. run_id: The run that stages them.
        """
        key = contract.table, made_by
        known = self._known.get(key)
        if known is not None and known.contract == contract:
            path = staged_table_path(store.warehouse, run_id, contract.table)
            with suppress(OSError):
                return replace(_linked(known, path), run_id=run_id)
            shutil.rmtree(path, ignore_errors=True)
        staged = store.stage(frame, contract, run_id)
        with suppress(OSError):
            self._known[key] = _linked(
                staged, self._folder / f"{contract.table}-{len(self._known)}"
            )
        return staged


def _linked(table: StagedTable, folder: Path) -> StagedTable:
    """Return a staged table with links to its files in another folder.

    Raises:
        OSError: A link is refused.
    """
    files = {}
    for file, state in table.files.items():
        parts = [file.parent.name] if "=" in file.parent.name else []
        target = folder.joinpath(*parts, file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.hardlink_to(file)
        if FileState.of(target) != state:
            raise OSError(f"{file} has changed since it was staged")
        files[target] = state
    return replace(table, files=files)
